"""Where a visit came from: by what its link says, else by the page that led here."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.inflow import InflowTable, inflow_table
from services.ingest.inflow_table import CHANNELS

TABLE = InflowTable()
LANDING = "https://www.acme.example/pricing"


def came(referrer: str = "", landing: str = LANDING, **campaign: str) -> tuple[str, str]:
    """(channel, source) of a visit that began so."""
    page = {"landing": landing} | ({"landing_referrer": referrer} if referrer else {})
    found = TABLE.inflow(page, campaign)
    assert found is not None
    return found["channel"], found.get("source", "")


@pytest.mark.parametrize(
    ("referrer", "channel", "source"),
    [
        ("https://www.google.com/", "search", "google"),
        ("https://www.google.co.uk/search?q=x", "search", "google"),
        ("https://GOOGLE.de/", "search", "google"),
        ("https://search.yahoo.com/", "search", "yahoo"),
        ("https://mail.yandex.ru/", "email", "yandex mail"),
        ("https://mail.google.com/mail/u/0", "email", "gmail"),
        ("android-app://com.google.android.gm/", "email", "gmail"),
        ("https://l.facebook.com/l.php", "social", "facebook"),
        ("https://t.co/abc", "social", "x"),
        ("https://pinterest.co.uk/pin", "social", "pinterest"),
        ("https://partner.example/list", "referral", "partner.example"),
        ("https://google.evil.example/", "referral", "google.evil.example"),
        ("https://notfacebook.com/", "referral", "notfacebook.com"),
        ("https://docs.google.com/document", "referral", "google docs"),
        ("https://sap.de/", "referral", "sap.de"),
        ("", "direct", ""),
    ],
)
def test_the_page_before_tells(referrer: str, channel: str, source: str) -> None:
    """A name counts with all hosts below it."""
    assert came(referrer) == (channel, source)


@pytest.mark.parametrize(
    ("landing", "referrer"),
    [
        (LANDING, "https://blog.acme.example/"),
        ("https://www.sap.de/", "https://blog.sap.de/"),
        ("https://shop.acme.co.uk/", "https://acme.co.uk/"),
        (LANDING, "https://accounts.google.com/signin"),
        (LANDING, "http://[bad"),
    ],
)
def test_some_pages_tell_nothing(landing: str, referrer: str) -> None:
    """Other hosts of the site, where the visit had begun before; a sign-in; what can't be read."""
    assert TABLE.inflow({"landing": landing, "landing_referrer": referrer}) is None


@pytest.mark.parametrize(
    ("campaign", "channel", "source"),
    [
        ({"medium": "cpc", "source": "google"}, "paid", "google"),
        ({"medium": " Paid_Social ", "source": "linkedin"}, "paid", "linkedin"),
        ({"medium": "email", "source": "may-news"}, "email", "may-news"),
        ({"source": "spring-newsletter"}, "email", "spring-newsletter"),
        ({"source": "LinkedIn"}, "social", "LinkedIn"),
        ({"source": "facebook.com", "medium": "post"}, "social", "facebook.com"),
        ({"gclid": "1"}, "paid", "google"),
        ({"gclid": "1", "source": "brand"}, "paid", "brand"),
        ({"fbclid": "1"}, "social", "facebook"),
        ({"medium": "podcast"}, "referral", "podcast"),
        ({"name": "retire"}, "search", "bing"),
    ],
)
def test_what_the_link_says_counts_before(
    campaign: dict[str, str], channel: str, source: str
) -> None:
    """Its medium, then ids of advertising networks, then its source; a name alone tells nothing."""
    assert came("https://www.bing.com/", **campaign) == (channel, source)


def test_click_ids_in_the_address_count_too() -> None:
    """Where no campaign was given along."""
    assert came(landing=f"{LANDING}?a=1&msclkid=7") == ("paid", "bing")
    assert came(landing=f"{LANDING}?mc_eid=7") == ("email", "mailchimp")


def test_without_a_landing_page_the_event_itself_is_asked() -> None:
    """What other SDKs send: a page within the site tells nothing, and neither does no referrer."""
    page = {"url": "https://shop.acme.co.uk/a", "referrer": "https://www.acme.co.uk/"}
    assert TABLE.inflow(page) is None
    assert TABLE.inflow({"url": LANDING}) is None
    assert TABLE.inflow({}) is None
    page["referrer"] = "https://www.other.co.uk/"
    assert TABLE.inflow(page) == {"channel": "referral", "source": "other.co.uk"}


def test_a_table_of_ones_own_counts_before(tmp_path: Path) -> None:
    """Hosts, media, and sites that are one's own."""
    file = tmp_path / "inflow.txt"
    file.write_text(
        "# ours\nsearch.acme.example search Acme search\nmedium:podcast paid\n"
        "acme-shop.example own\nbing.com referral  # no more\n"
    )
    table = inflow_table(str(file))
    begun = {"landing": "https://x.example/"}
    for referrer, found in (
        ("https://search.acme.example/", {"channel": "search", "source": "Acme search"}),
        ("https://acme-shop.example/", None),
        ("https://bing.com/", {"channel": "referral", "source": "bing.com"}),
        ("https://google.de/", {"channel": "search", "source": "google"}),
    ):
        assert table.inflow(begun | {"landing_referrer": referrer}) == found
    assert table.inflow(begun, {"medium": "podcast"}) == {"channel": "paid"}


@pytest.mark.parametrize(
    "line", ["acme.example", "acme.example telepathy", "medium:x own", "a:b paid"]
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    """With its number, and what is wanted."""
    file = tmp_path / "inflow.txt"
    file.write_text(f"\n{line}\n")
    with pytest.raises(ValueError, match="line 2: wanted is HOST"):
        inflow_table(str(file))
    with pytest.raises(ValueError, match="can't be read"):
        inflow_table(str(tmp_path / "none"))


@given(
    st.dictionaries(
        st.sampled_from(["landing", "landing_referrer", "url", "referrer"]), st.text(max_size=40)
    ),
    st.dictionaries(st.sampled_from(["source", "medium", "name", "gclid"]), st.text(max_size=20)),
)
def test_whatever_is_said_the_answer_is_a_channel(
    page: dict[str, str], campaign: dict[str, str]
) -> None:
    """Or none at all."""
    found = TABLE.inflow(page, campaign)
    assert found is None or found["channel"] in CHANNELS
