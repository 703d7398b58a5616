"""Deeds told as people tell them, and one sentence of who and why."""

from __future__ import annotations

from services.router.messages import Stage, Who
from services.router.reasons import Earned
from services.router.ruleset_words import RulesetWords
from services.router.story import SENTENCE_MAX, STORY_MAX, story_of
from services.router.summary import SUMMARY_MAX, summary_of
from shared.envelope import Event, Verdict
from tests.unit.router.people import DAY_MS, NOW_MS, event, page

WORDS = RulesetWords(fading={"e/old": ("half_life", DAY_MS)})


def told(*events: Event | Earned) -> list[str]:
    deeds = [one if isinstance(one, Earned) else Earned(one) for one in events]
    return story_of(deeds, WORDS, NOW_MS)


def test_deeds_of_one_kind_are_told_together() -> None:
    """As in: downloaded “…” on 3 May, read two articles on …"""
    assert told(
        page("/blog/a", "Mistakes", 1),
        page("/pricing", "Pricing", 1),
        page("/blog/b", "Fees", 2),
        page("/blog/b", "Fees", 3, "page_left"),
        page("/blog/b", "Fees", 3),
        event("content_downloaded", 9, properties={"title": "Retirement e-book"}),
    ) == [
        "read two articles: “Mistakes” and “Fees” (twice), the last on 2 May",
        "viewed “Pricing” on 2 May",
        "downloaded “Retirement e-book” on 24 April",
    ]


def test_what_is_worth_most_now_comes_first() -> None:
    """Points that have faded count for less, and those that were taken for nothing."""
    deeds = [
        Earned(event("email_opened", 1, properties={"subject": "May"}), (("e/x", 1.0),)),
        Earned(event("demo_requested", 20), (("e/old", 90.0),)),
        Earned(event("content_downloaded", 20), (("e/x", 9.0),)),
    ]
    assert told(*deeds) == [
        "downloaded content on 13 April",
        "opened the email “May” on 2 May",
        "asked for a demo on 13 April",
    ]


def test_many_are_counted_and_the_newest_named() -> None:
    """Of another year the year is told."""
    pages = [page("/x", f"Page {number}", number) for number in range(14)]
    assert told(*pages) == ["viewed 14 pages: “Page 0”, “Page 1” and 12 more, the last on 3 May"]
    assert told(event("meeting_booked", 300), event("meeting_booked", 301)) == [
        "booked a meeting, twice, the last on 7 July 2025"
    ]


def test_what_others_did_is_not_theirs() -> None:
    """Mails that we sent, robots, moves by hand."""
    assert (
        told(
            event("email_delivered"),
            event("stage_overridden", source="operator"),
            event("page_viewed", verdict=Verdict("bot", "agent")),
        )
        == []
    )


def test_the_story_is_bounded() -> None:
    """However many kinds of deeds, and however long their titles."""
    events = [event(f"kind_{number}", properties={"title": "x" * 999}) for number in range(50)]
    found = told(*events)
    assert len(found) == STORY_MAX
    assert all(len(sentence) <= SENTENCE_MAX for sentence in found)


def stage(**over: object) -> Stage:
    fields = {
        "journey": "main", "name": "validate", "labels": ["MQL"], "since": "", "from_stage": "x",
        "episode": 1, "cause": "event", **over,
    }  # fmt: skip
    return Stage.model_validate(fields)


def who(known: bool = True, **traits: str) -> Who:
    return Who(
        known=known, emails=[], phones=[], user_ids=[], anonymous_ids=[], external_ids=[],
        traits=dict(traits),
    )  # fmt: skip


def test_the_summary_says_who_and_why_now() -> None:
    """Name, title and company as far as known; how it came about; the weightiest deeds."""
    sarah = who(first_name="Sarah", lastName="Lee", job_title="CFO", company="Acme")
    story = ["downloaded “A”", "viewed “B”", "opened “C”"]
    assert summary_of(sarah, stage(), NOW_MS, story, False, NOW_MS) == (
        "Sarah Lee, CFO at Acme, reached validate (MQL) on 3 May: downloaded “A”; viewed “B”."
    )
    by_hand = stage(cause="manual", labels=[])
    assert summary_of(who(name="Sarah"), by_hand, NOW_MS, [], True, NOW_MS) == (
        "Sarah reached validate again on 3 May by hand."
    )
    assert summary_of(who(False), stage(), NOW_MS, [], False, NOW_MS) == (
        "An anonymous visitor reached validate (MQL) on 3 May."
    )
    long = summary_of(who(name="S" * 900), stage(), NOW_MS, ["d" * 900], False, NOW_MS)
    assert len(long) == SUMMARY_MAX
