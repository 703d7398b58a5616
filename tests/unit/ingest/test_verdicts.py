"""Whether a person is behind an event, by what the request itself says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.verdicts import NO_NETWORKS, Networks, judge, machine_of, networks_in

PERSON = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)


@pytest.mark.parametrize(
    ("user_agent", "event_type", "judgement", "why"),
    [
        (PERSON, "page_viewed", "unknown", ""),
        ("", "page_viewed", "unknown", ""),
        ("Mozilla/5.0", "email_opened", "bot", "mail proxy: Apple's mail privacy protection"),
        ("Mozilla/5.0", "page_viewed", "unknown", ""),
        (PREFETCH, "email_opened", "bot", "mail proxy: Gmail's prefetching"),
        (GMAIL, "email_opened", "unknown", "Gmail's image proxy"),
        ("BarracudaCentral/1.0", "email_clicked", "bot", "mail scanner: Barracuda"),
        (f"{PERSON} Mimecast", "email_clicked", "bot", "mail scanner: Mimecast"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "page_viewed", "bot", "user agent: crawler"),
        (f"{PERSON} HeadlessChrome/126", "page_viewed", "bot", "user agent: headless browser"),
        ("curl/8.5.0", "page_viewed", "bot", "user agent: library"),
        ("Slackbot-LinkExpanding 1.0", "page_viewed", "bot", "user agent: known crawler"),
        ("A" * 100_000, "page_viewed", "unknown", ""),
    ],
)
def test_the_first_check_that_finds_something_decides(
    user_agent: str, event_type: str, judgement: str, why: str
) -> None:
    """In words that a person can read."""
    verdict = judge(user_agent, {}, "", event_type)
    assert (verdict.judgement, verdict.why) == (judgement, why)


def test_a_remote_controlled_browser_says_so() -> None:
    """The beacon passes on what the browser tells."""
    assert judge(PERSON, {"webdriver": True}, "", "page_viewed").why == "automated browser"
    assert judge(PERSON, {"webdriver": "true"}, "", "page_viewed").judgement == "unknown"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([(b"sec-purpose", b"prefetch;prerender")], "prefetched"),
        ([(b"purpose", b"prefetch")], "prefetched"),
        ([(b"x-moz", b"Prefetch")], "prefetched"),
        ([(b"x-purpose", b"preview")], "prefetched"),
        ([(b"sec-purpose", b"navigate")], ""),
        ([(b"accept", b"prefetch")], ""),
    ],
)
def test_what_nobody_asked_for_yet_is_no_persons(
    headers: list[tuple[bytes, bytes]], why: str
) -> None:
    """Browsers and proxies say it in a header."""
    assert machine_of(headers, "203.0.113.9", NO_NETWORKS) == why
    assert judge(PERSON, {}, why, "page_viewed").why == why


def test_addresses_of_data_centres_are_read_from_a_file(tmp_path: Path) -> None:
    """Both families, with remarks; what is no network names its line."""
    file = tmp_path / "networks"
    file.write_text("# cloud\n198.51.100.0/24\n2001:db8:1::/48  # other\n\n198.51.101.7\n")
    networks = networks_in(str(file))
    for address, inside in (
        ("198.51.100.255", True), ("198.51.101.0", False), ("198.51.101.7", True),
        ("2001:db8:1:2::3", True), ("2001:db8:2::", False), ("::ffff:198.51.100.1", True),
        ("nonsense", False), ("", False),
    ):  # fmt: skip
        assert networks.hold(address) is inside, address
        assert machine_of([], address, networks) == ("address of a data centre" if inside else "")
    file.write_text("198.51.100.0/24\n300.1.1.1\n")
    with pytest.raises(ValueError, match="line 2"):
        networks_in(str(file))
    with pytest.raises(ValueError, match="can't be read"):
        networks_in(str(tmp_path / "none"))
    assert networks_in("") is NO_NETWORKS


@given(
    st.lists(st.ip_addresses(v=4), min_size=1, max_size=20),
    st.ip_addresses(v=4),
    st.integers(20, 32),
)
def test_halving_finds_what_looking_at_each_finds(
    addresses: list[object], address: object, length: int
) -> None:
    """However the networks overlap."""
    import ipaddress

    given = [ipaddress.IPv4Network(f"{one}/{length}", strict=False) for one in addresses]
    inside = any(ipaddress.IPv4Address(str(address)) in one for one in given)
    assert Networks(given).hold(str(address)) is inside
    assert Networks(given).hold(str(given[0].network_address))
