"""Where forms may send people back to."""

from __future__ import annotations

import pytest

from services.ingest.redirects import allowed_redirect, origins_in
from services.ingest.refusal import Refusal

ORIGINS = origins_in("https://www.example.com, http://localhost:8080")


@pytest.mark.parametrize(
    "address",
    [
        "https://www.example.com/thanks?form=guide#top",
        "https://WWW.example.com:443/",
        "http://localhost:8080/thanks",
    ],
)
def test_an_address_on_a_listed_origin_is_allowed(address: str) -> None:
    """Path, query and fragment are free; scheme, host and port are not."""
    assert allowed_redirect(address, ORIGINS) == address


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/",
        "http://www.example.com/",
        "https://www.example.com:8443/",
        "https://www.example.com.evil.test/",
        "http://localhost/",
    ],
)
def test_another_origin_is_refused(address: str) -> None:
    """One differing part of the origin is enough."""
    with pytest.raises(Refusal) as refused:
        allowed_redirect(address, ORIGINS)
    assert (refused.value.code, refused.value.path) == ("redirect_not_allowed", "_redirect")


@pytest.mark.parametrize(
    "address",
    [
        "/thanks",
        "//www.example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:///thanks",
        "https://www.example.com@evil.test/",
        "https://evil.test\\@www.example.com/",
        "https://www.example.com/\r\nSet-Cookie: a=b",
        "ht\ttps://www.example.com/",
        "https://www.example.com:port/",
        "https://[www.example.com/",
        "https://www.example.com/" + "a" * 3000,
        "",
    ],
)
def test_what_browsers_could_read_in_two_ways_is_refused(address: str) -> None:
    """Relative addresses, user info, backslashes, control characters and the like."""
    with pytest.raises(Refusal) as refused:
        allowed_redirect(address, frozenset({"*"}))
    assert refused.value.code == "redirect_not_an_address"


def test_a_star_allows_every_origin() -> None:
    """For those who want an open redirect, it has to be said."""
    assert allowed_redirect("https://any.test/", origins_in("*"))


def test_nothing_listed_allows_nothing() -> None:
    """The default is closed."""
    with pytest.raises(Refusal):
        allowed_redirect("https://www.example.com/", origins_in(""))


def test_a_setting_that_is_no_origin_stops_the_start() -> None:
    """A typing error shows when the process starts, not when a person submits a form."""
    with pytest.raises(ValueError, match="not an origin"):
        origins_in("www.example.com")
