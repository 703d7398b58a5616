"""The shipped ruleset: sound, and it tells Sarah's story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.scorer.core.fold import advance, next_due_ms
from shared.envelope import Event
from shared.event_types import STANDARD_EVENT_TYPES
from shared.ruleset.reading import read_ruleset
from shared.ruleset.wording import in_words
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, granted, moves, ruleset, run

FILE = Path(__file__).parents[3] / "services" / "scorer" / "rulesets" / "b2b-software.yaml"
TEXT = FILE.read_text(encoding="utf-8")
RULES = ruleset(TEXT)
MINUTE = HOUR // 60
BOOK = "Your Guide to a Secure Retirement"


def mail(day: int, subject: str, url: str) -> list[Event]:
    """Opened and clicked on a day after the download."""
    at_ms = MONDAY + day * DAY
    about: dict[str, Any] = {"subject": subject, "url": url}
    return [
        event("email_opened", at_ms, source="sendgrid", properties=about),
        event("email_clicked", at_ms + MINUTE, source="sendgrid", properties=about),
    ]


def page(at_ms: int, path: str, seconds: int = 0) -> list[Event]:
    """A page view, and how long it was looked at when that was sent."""
    views = [event("page_viewed", at_ms, path=path)]
    if seconds:
        properties = {"seconds": seconds, "total_seconds": seconds}
        left = event("page_left", at_ms + seconds * 1000, path=path, properties=properties)
        views.append(left)
    return views


def sarah(seconds: int) -> list[Event]:
    """Her story: e-book, three mails, two articles, a testimonial video, prices."""
    story = [*page(MONDAY, "/retirement", seconds)]
    form = {"form": "ebook", "content_id": "retirement-guide", "title": BOOK}
    traits = {"email": "sarah@gmail.com", "first_name": "Sarah"}
    story.append(event("content_downloaded", MONDAY + HOUR, properties=form, traits=traits))
    story += mail(2, "Thank you, and five mistakes", "https://example.com/blog/mistakes")
    story += page(MONDAY + 2 * DAY + 2 * MINUTE, "/blog/mistakes", seconds)
    story += mail(5, "How Tom did it", "https://example.com/stories/tom")
    story.append(
        event(
            "video_watched",
            MONDAY + 5 * DAY + 3 * MINUTE,
            properties={"title": "Tom's testimonial", "percent": 90},
        )
    )
    story += mail(9, "Investment options at a glance", "https://example.com/blog/allocation")
    story += page(MONDAY + 9 * DAY + 2 * MINUTE, "/blog/allocation", seconds)
    story += page(MONDAY + 9 * DAY + HOUR, "/pricing", seconds)
    return story


@pytest.mark.parametrize("seconds", [0, 45, 180])
def test_sarah_becomes_qualified_by_the_video_or_by_looking_at_prices(seconds: int) -> None:
    """Not before her second click, however long she reads; and once, with a hand-off to sales."""
    out = run(RULES, sarah(seconds))
    (handed,) = [change for change in out.changes if change.handoff == "sales"]
    assert handed.to_stage == "validate"
    assert handed.reasons[0].type in ("video_watched", "page_viewed", "email_clicked", "page_left")
    second_click = MONDAY + 5 * DAY + MINUTE
    assert second_click < handed.at_ms <= MONDAY + 9 * DAY + HOUR
    assert moves(out)[0] == ("educate", "event", "content")


def test_a_reader_without_the_button_to_buy_stays_with_marketing() -> None:
    """The same story without video and prices is for content, not for sales."""
    quiet = [e for e in sarah(0) if e.type != "video_watched" and e.context != _path("/pricing")]
    assert "sales" not in {change.handoff for change in run(RULES, quiet).changes}


def _path(path: str) -> dict[str, Any]:
    return {"page": {"path": path}}


def test_a_qualified_lead_that_goes_silent_falls_back_by_itself() -> None:
    """Within months, stage by stage, and then nothing more is due."""
    out = run(RULES, sarah(45))
    settled = advance(RULES, out.state, out.journeys, MONDAY + 400 * DAY, True)
    assert [change.to_stage for change in settled.changes] == ["involve", "educate", "inform"]
    assert next_due_ms(RULES, out.state, out.journeys) is None


@pytest.mark.parametrize("type_", ["demo_requested", "meeting_booked"])
def test_asking_for_a_person_is_enough_by_itself(type_: str) -> None:
    """Sales is told at once."""
    assert moves(run(RULES, [event(type_)])) == [("validate", "event", "sales")]


def test_buying_leads_to_convert_and_buying_again_to_loyalty() -> None:
    """What was bought doesn't fade."""
    line = [event("purchase_made"), event("purchase_made", MONDAY + 300 * DAY)]
    assert [to for to, *_ in moves(run(RULES, line))] == ["convert", "loyalty"]


def test_opening_mail_alone_makes_nobody_warm() -> None:
    """A program that opens everything for a year stays where it is."""
    line = [event("email_opened", MONDAY + n * HOUR) for n in range(0, 24 * 365, 7)]
    assert moves(run(RULES, line)) == []


def test_reloading_a_page_all_day_makes_nobody_warm() -> None:
    """Each page scores once a day; prices twice."""
    line = [event(at_ms=MONDAY + n * MINUTE, path="/about") for n in range(500)]
    assert moves(run(RULES, line)) == []


def test_unsubscribing_outweighs_weeks_of_reading() -> None:
    """And it doesn't fade with time."""
    out = run(RULES, [*sarah(45), event("email_unsubscribed", MONDAY + 10 * DAY)])
    assert out.state.models["engagement"].sums[0].amount == -40


def test_titles_are_read_as_words() -> None:
    """A coordinator is no COO, an internal auditor is no intern."""
    for title, expected in {
        "Marketing Coordinator": [],
        "Internal Auditor": [],
        "Chief of Staff": ["fit/decides"],
        "Senior Manager": ["fit/manages"],
        "Managing Director": ["fit/decides"],
        "CTO": ["fit/decides"],
        "Intern": ["fit/student"],
    }.items():
        (entries,) = granted(RULES, run(RULES, [event("lead_identified", traits={"title": title})]))
        assert [name for name, *_ in entries] == expected, title


def test_every_rule_is_on_a_standard_type_and_has_words() -> None:
    """A shipped rule on a type that nobody sends would be dead."""
    document = read_ruleset(TEXT)
    for model in document.models.values():
        for rule in model.rules:
            assert set(rule.on or ()) <= STANDARD_EVENT_TYPES
            assert rule.say


def test_reasons_read_well() -> None:
    """What a salesperson gets to read about Sarah."""
    document = read_ruleset(TEXT)
    says = {f"{m}/{r.id}": r.say for m, model in document.models.items() for r in model.rules}
    story = sorted(sarah(45), key=lambda e: e.occurred_at)
    told = [
        in_words(says[name], one)
        for one, entries in zip(story, granted(RULES, run(RULES, story)), strict=True)
        for name, *_ in entries
    ]
    assert f"downloaded {BOOK}" in told
    assert "watched the testimonial Tom's testimonial" in told
    assert "clicked in How Tom did it" in told
    assert "looked at prices (pricing page)" in told
    assert all("{" not in words for words in told)
