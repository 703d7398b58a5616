"""One spelling of an address, whatever a person typed."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from shared.email_form import EmailRules, email_form, email_rules

NONE = EmailRules()
GMAIL = email_rules("gmail.com:dots,plus; googlemail.com=gmail.com; example.org:plus; *:plus")


@pytest.mark.parametrize(
    "given",
    [
        "ada@example.com",
        "  ADA@Example.COM\n",
        "ada@example.com\u200b",
        "\ufeffada@exam\u00adple.com",
        "\u00a0ada@example.com\u3000",
        "\u202aada@example.com\u202c",
        "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "ada@example。com",
    ],
)
def test_what_only_looks_different_is_one_address(given: str) -> None:
    """Case, blanks of all kinds, unseen characters, wide letters."""
    assert email_form(given, NONE) == "ada@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@BÜCHER.example.com", "ada@bu\u0308cher.example.com"),
        ("jose\u0301@example.com", "JOSÉ@example.com"),
    ],
)
def test_the_forms_of_unicode_are_one(one: str, other: str) -> None:
    """Composed or not, punycode or not."""
    assert email_form(one, NONE) == email_form(other, NONE) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("strauß@example.com", "strauss@example.com"),
        ("ada@straße.com", "ada@strasse.com"),
        ("a.da@example.com", "ada@example.com"),
        ("ada+x@example.com", "ada@example.com"),
        ("аda@example.com", "ada@example.com"),  # the first with a Cyrillic letter
    ],
)
def test_what_may_be_two_mailboxes_stays_two(one: str, other: str) -> None:
    """Joining strangers is worse than not knowing that two addresses are one."""
    assert None not in (email_form(one, NONE), email_form(other, NONE))
    assert email_form(one, NONE) != email_form(other, NONE)


@pytest.mark.parametrize(
    "given",
    [
        "", "ada", "@example.com", "ada@", "ada@localhost", "a da@example.com", "ada@exam ple.com",
        "ada@@example.com", "ada@example..com", ".ada@example.com", "ada@-example.com",
        "a" * 65 + "@example.com", "ada@" + "a" * 64 + ".com", "a@" + "b." * 130 + "com",
        "ada@example.com, bob@example.com", "Ada <ada@example.com>", "ada@[10.0.0.1]",
        '"a b"@example.com', "ada\x00@example.com", "ada@ex\u2028ample.com", "ada@example.invalid",
    ],
)  # fmt: skip
def test_what_is_no_address_is_none(given: str) -> None:
    """Also lengths beyond RFC 5321, lists, names in front, and names that DNS never has."""
    assert email_form(given, NONE) is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("A.d.a+news@googlemail.com", "ada@gmail.com"),
        ("ada.b+news@example.org", "ada.b@example.org"),
        ("ada.b+news@other.com", "ada.b@other.com"),
        ("+news@gmail.com", "+news@gmail.com"),
    ],
)
def test_domains_have_rules(given: str, kept: str | None) -> None:
    """Dots and tags fall away where the setting says so; something stays before the @."""
    assert email_form(given, GMAIL) == kept


@pytest.mark.parametrize(
    "text",
    ["gmail.com", "gmail.com:dot", "gmail.com:", "a b:plus", "a.com=b.com:dots",
     "a.com=b.com;b.com=c.com"],
)  # fmt: skip
def test_rules_that_cant_be_read_are_refused(text: str) -> None:
    """When the process starts, not at the first address."""
    with pytest.raises(ValueError, match="email rule"):
        email_rules(text)


ADDRESSES = st.one_of(
    st.emails(),
    st.from_regex(r"[a-z0-9._+\-]{1,70}@[a-z0-9.\-]{1,70}\.[a-z0-9\-]{1,12}", fullmatch=True),
    st.text(max_size=20).map(lambda text: f"{text}@example.com"),
    st.text(max_size=20).map(lambda text: f"ada@{text}.com"),
)


@given(ADDRESSES)
@example("a@example.test")
@example("a@xn--a.com")
@example("a@ab--c.com")
@example("İ@example.com")
def test_a_kept_form_is_its_own_form(given: str) -> None:
    """What is looked up, sent again or imported finds what was kept; with rules, too."""
    for rules in (NONE, GMAIL):
        kept = email_form(given, rules)
        if kept is not None:
            assert email_form(kept, rules) == kept


@given(ADDRESSES.filter(str.isascii).map(str.lower))
@example("a@example.test")
@example("a@xn--a.com")
@example("a@ab--c.com")
@example("a@a.onion")
def test_the_short_way_for_plain_addresses_says_what_the_long_one_says(given: str) -> None:
    """The pattern for plain addresses may only be narrower."""
    try:
        checked = validate_email(
            given.strip(), strict=True, check_deliverability=False, globally_deliverable=False
        )
        long = checked.normalized.lower() if "." in checked.domain else None
    except EmailNotValidError:
        long = None
    assert email_form(given, NONE) == long
