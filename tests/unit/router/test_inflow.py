"""How a person came, the first time and the last."""

from __future__ import annotations

from services.router.inflow import inflow_of
from services.router.packet import build_packet
from services.router.ruleset_words import RulesetWords
from shared.envelope import Verdict
from tests.unit.router.people import event, lead, sales_fact

SEARCH = {
    "inflow": {"channel": "search", "source": "google"},
    "page": {"landing": "https://adviser.example/blog?x=1", "url": "https://adviser.example/now"},
}
MAIL = {
    "inflow": {"channel": "email"},
    "campaign": {"source": "news", "medium": "email", "name": "May"},
    "page": {"url": "https://adviser.example/offer#top"},
}


def test_first_and_last_are_told_apart() -> None:
    """The oldest event that tells, and the newest; the landing page where the visit began."""
    someone = lead(
        event("form_submitted"),
        event("page_viewed", 1, context=MAIL),
        event("page_viewed", 5, context=SEARCH),
        event("page_viewed", 9),
    )
    packet = build_packet(sales_fact(), someone, RulesetWords(), "")
    assert packet.inflow == {
        "channel": "search",
        "source": "google",
        "landing": "https://adviser.example/blog",
        "at": "2026-04-28T09:20:00.000Z",
    }
    assert packet.inflow_last == {
        "channel": "email",
        "source": "news",
        "medium": "email",
        "campaign": "May",
        "landing": "https://adviser.example/offer",
        "at": "2026-05-02T09:20:00.000Z",
    }


def test_of_a_long_history_the_first_events_tell() -> None:
    """They come apart from the newest."""
    someone = lead(event("page_viewed", 1, context=MAIL))
    first = event("page_viewed", 400, context=SEARCH)
    packet = build_packet(sales_fact(), lead(*someone.events, oldest=(first,)), RulesetWords(), "")
    assert packet.inflow is not None
    assert packet.inflow["channel"] == "search"


def test_robots_and_what_is_no_inflow_tell_nothing() -> None:
    """Whatever stands in its place."""
    junk = {"inflow": ["search"], "campaign": {"name": 7, "source": None}}
    robot = event("page_viewed", context=SEARCH, verdict=Verdict("bot", "agent"))
    assert inflow_of([robot, event("page_viewed", context=junk)]) is None
