"""Addresses of pages, without what is personal or secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.ingest.handling import PLAIN
from services.ingest.surroundings import kept_context
from services.ingest.url_parameters import clean_properties, url_cleaner

clean = PLAIN.url


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://x.example/a?b=1&utm_source=n", "https://x.example/a?b=1&utm_source=n"),
        ("https://x.example/a?email=ada%40b.co&b=1", "https://x.example/a?b=1"),
        ("https://x.example/?Access_Token=s3&b=1#top", "https://x.example/?b=1#top"),
        ("https://x.example/?%65mail=x", "https://x.example/"),
        ("https://x.example/?q=ada%40example.com&b=", "https://x.example/?b="),
        ("https://x.example/?q=ada@example.com", "https://x.example/"),
        ("https://x.example/#access_token=s3&b=1", "https://x.example/#b=1"),
        ("https://x.example/#/reset?token=s3&b=1", "https://x.example/#/reset?b=1"),
        ("https://x.example/a;jsessionid=s3?b=1", "https://x.example/a?b=1"),
        ("https://ada:s3@x.example/a", "https://x.example/a"),
        ("https://x.example/u/ada@example.com/off", "https://x.example/u/[address]/off"),
        ("https://x.example/u/ada%40example.com", "https://x.example/u/[address]"),
        ("https://medium.example/@ada/post", "https://medium.example/@ada/post"),
        ("https://x.example/?next=%2Freset%3Ftoken%3Ds3&b=1", "https://x.example/?b=1"),
        ("https://x.example/?next=%2Fa%3Fc%3D1", "https://x.example/?next=%2Fa%3Fc%3D1"),
        ("https://x.example/?u=https%3A%2F%2Fy%2F%3Fm%3Da%2540b.co", "https://x.example/"),
        ("https://x.example/?ada@example.com", "https://x.example/"),
        ("?phone=1&b=2", "?b=2"),
        ("/path", "/path"),
        ("mailto:ada@example.com?subject=x", "mailto:[address]?subject=x"),
        ("", ""),
    ],
)
def test_personal_and_secret_parts_go_and_the_rest_stays(given: str, kept: str) -> None:
    """By name, and by value where it is an email address."""
    assert clean(given) == kept
    assert clean(kept) == kept


def test_the_list_is_a_setting() -> None:
    """Names with * for anything; an empty list leaves addresses as they are."""
    assert url_cleaner("promo, x-*")("https://x.example/?promo=1&X-Y=2&z=3") == (
        "https://x.example/?z=3"
    )
    assert url_cleaner("")("https://x.example/?email=a@b.co") == "https://x.example/?email=a@b.co"
    with pytest.raises(ValueError, match="pattern"):
        url_cleaner("a(b")


def test_addresses_in_properties_are_cleaned_at_any_depth() -> None:
    """Texts that begin with http, and those named like one; no other text is touched."""
    page = "https://x.example/?email=a@b.co"
    given = {
        "url": "/a?token=1", "href": page, "note": "ask a@b.co?token=1", "n": 1,
        "items": [{"link": page}, page, "x", 2], "plain": {"a": 1},
    }  # fmt: skip
    kept = clean_properties(given, clean)
    assert kept == {
        "url": "/a", "href": "https://x.example/", "note": "ask a@b.co?token=1", "n": 1,
        "items": [{"link": "https://x.example/"}, "https://x.example/", "x", 2],
        "plain": {"a": 1},
    }  # fmt: skip
    assert clean_properties(kept, clean) is kept


def test_every_address_that_loses_something_is_counted() -> None:
    """Each time, also where the answer is remembered."""
    name = "leadscore_ingest_urls_cleaned_total"
    before = REGISTRY.get_sample_value(name) or 0
    for _ in range(3):
        given = {"url": "/a?token=1", "href": "/b", "items": ["http://x/?sid=1"]}
        clean_properties(given, clean)
        kept_context({"page": {"url": "http://x/?sid=1"}}, {}, "", "", PLAIN)
    assert REGISTRY.get_sample_value(name) == before + 9


@given(st.text(alphabet="abé?&=#;@%40/:. token\n\x00", max_size=60))
def test_nothing_breaks_it_and_twice_is_once(text: str) -> None:
    """Whatever a browser takes for an address."""
    once = clean(text)
    assert clean(once) == once
    assert len(once) <= len(text) + 9 * text.count("@") + 9 * text.count("%40")
