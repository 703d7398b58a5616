"""Our own links: sealed tokens, and a mail whose links are made ours."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.email_links import Link, Links, is_address
from services.ingest.mail_html import with_our_links

LINKS = Links((b"k" * 16,))
LINK = Link("click", email="sarah@example.com", message_id="m1", campaign="may",
            target="https://acme.example/a?b=c&d=ü#e")  # fmt: skip
BASE = "https://in.example"


def test_a_token_says_what_was_put_in_and_shows_nothing_of_it() -> None:
    """The address of a person can't be read out of an address of a page."""
    token = LINKS.token(LINK)
    assert LINKS.read(token) == LINK
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    opened = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"sarah" not in opened
    assert LINKS.token(LINK) != token
    assert LINKS.url(f"{BASE}/", replace(LINK, kind="open", target="")).startswith(f"{BASE}/o/")
    assert LINKS.url(BASE, replace(LINK, kind="trap", target="")).startswith(f"{BASE}/c/")


def test_any_key_of_the_list_is_read_and_no_other() -> None:
    """So keys can be changed while old mails lie in people's boxes."""
    both = Links((b"n" * 16, b"k" * 16))
    assert both.read(LINKS.token(LINK)) == LINK
    assert LINKS.read(both.token(LINK)) is None


@given(
    st.text(max_size=60)
    | st.binary(max_size=80).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_what_we_did_not_make_is_nothing(token: str) -> None:
    """Whatever it is."""
    assert LINKS.read(token) is None


@given(st.integers(0, 10_000), st.integers(0, 63))
def test_a_token_with_one_other_character_is_nothing(place: int, character: int) -> None:
    """Each of them is sealed."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = LINKS.token(LINK)
    place %= len(token)
    changed = token[:place] + alphabet[character] + token[place + 1 :]
    pad = "=" * (-len(token) % 4)
    same = base64.urlsafe_b64decode(changed + pad) == base64.urlsafe_b64decode(token + pad)
    assert (LINKS.read(changed) == LINK) is same


@pytest.mark.parametrize(
    "target",
    [
        "", "/relative", "//evil.example", "javascript:alert(1)", "data:text/html,x",
        "ftp://x.example", "https://", "https://a.example/\nset-cookie: x",
        "https://a.example/ b", "https:\\\\evil.example", "https://[::1", "https://x" + "y" * 3000,
    ],
)  # fmt: skip
def test_only_full_addresses_are_signed(target: str) -> None:
    """Nothing that a browser would read in another way."""
    with pytest.raises(ValueError, match="target"):
        LINKS.token(replace(LINK, target=target))
    assert not is_address(target) or len(target) > 2048


def test_a_link_is_somebodys() -> None:
    """Or it would be nobody's click."""
    with pytest.raises(ValueError, match="whose click"):
        LINKS.token(replace(LINK, email=""))
    with pytest.raises(ValueError, match="message_id"):
        LINKS.token(replace(LINK, message_id="m" * 300))


MAIL = """<html><body><p>Hello</p>
<a class=x HREF='https://acme.example/a?b=1&amp;c=2'>read</a> <a href="mailto:a@b.co">write</a>
<a href="https://acme.example/out" data-leadscore="off">leave</a> <a name="here">here</a>
</body></html>
"""


def test_the_links_of_a_mail_become_ours() -> None:
    """Those that lead to a page; with an image and a hidden link before the end."""
    html = with_our_links(MAIL, BASE, LINKS, replace(LINK, kind="open", target=""))
    tokens = re.findall(r"https://in\.example/([oc])/([\w-]+)", html)
    read = [LINKS.read(token) for _, token in tokens]
    assert [link and (link.kind, link.target, link.email, link.message_id) for link in read] == [
        ("click", "https://acme.example/a?b=1&c=2", "sarah@example.com", "m1"),
        ("trap", "", "sarah@example.com", "m1"),
        ("open", "", "sarah@example.com", "m1"),
    ]
    for kept in ("mailto:a@b.co", 'href="https://acme.example/out"', '<a name="here">'):
        assert kept in html
    assert html.index("/o/") < html.index("</body>")
    plain = with_our_links("<p>x", BASE, LINKS, replace(LINK, kind="open"), trap=False)
    assert plain.startswith("<p>x<img")
    assert "/c/" not in plain
