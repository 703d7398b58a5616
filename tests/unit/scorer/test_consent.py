"""Consent in the core: what a lead allows, and what it earns without."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import (
    advance,
    became_known,
    extend,
    fold_scores,
    new_state,
    next_due_ms,
)
from services.scorer.core.standing import score_at
from shared.consent import PASSIVE_TYPES, PURPOSES, answers_in
from shared.lead_state import Consent, encode_scores
from tests.unit.scorer.stories import DAY, MONDAY, event, granted, ruleset, run

MODELS = """
models:
  e:
    decay: {half_life: 10d}
    rules:
      - {id: page, on: page_viewed, points: 4}
      - {id: demo, on: demo_requested, points: 10, limit: once}
      - {id: boss, when: {field: traits.title, eq: chief}, points: 7}
      - {id: gone, after: {quiet: 5d, on: demo_requested}, points: -1}
      - {id: lately, when: {since: {on: demo_requested, within: 3d}}, points: 2}
"""
RULES = ruleset(MODELS)
# A demo lasts 10 days in validate, and 20 in educate.
LADDER = ruleset("""
models:
  e:
    decay: {half_life: 10d}
    rules:
      - {id: demo, on: demo_requested, points: 40}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {e: 15}, leave: {e: 10}, handoff: content}
    - {name: validate, enter: {e: 30}, leave: {e: 20}, handoff: sales}
""")


def told(rules: Ruleset, said: list[tuple[str, float, dict[str, Any]]]) -> list[list[str]]:
    """What events of (type, day, the rest) earn: the rule, its points and what cut them."""
    out = run(rules, [event(kind, MONDAY + round(day * DAY), **more) for kind, day, more in said])
    return [
        [f"{rule.split('/')[1]} {points:+g} {clipped}".strip() for rule, points, clipped in one]
        for one in granted(rules, out)
    ]


def test_without_consent_to_scoring_nothing_is_earned_until_it_is_given_again() -> None:
    """The event that says so is the first, or the last, of those that earn nothing. Limits aren't
    used up meanwhile.
    """
    assert told(
        RULES,
        [
            ("page_viewed", 0, {}),
            ("page_viewed", 1, {"consent": {"scoring": False}}),
            ("demo_requested", 2, {}),
            ("page_viewed", 3, {"consent": {"scoring": True}}),
            ("demo_requested", 4, {}),
        ],
    ) == [
        ["page +4"], ["page +0 no consent"], ["demo +0 no consent"],
        ["page +4", "lately +2"], ["demo +10"],
    ]  # fmt: skip


def test_what_was_earned_before_stays_and_fades() -> None:
    """A withdrawal takes nothing away."""
    out = run(RULES, [event(), event("thought_again", MONDAY, consent={"scoring": "denied"})])
    assert score_at(RULES, out.state, "e", MONDAY + 10 * DAY) == pytest.approx(2)


def test_rules_that_held_go_on_and_none_begins_or_ends_meanwhile() -> None:
    """Once scoring is allowed again, they are read anew, whatever the event says."""
    no, yes = {"consent": {"scoring": False}}, {"consent": {"scoring": True}}
    chief, clerk = {"traits": {"title": "chief"}}, {"traits": {"title": "clerk"}}
    assert told(RULES, [("x", 0, chief), ("x", 1, no), ("x", 2, clerk), ("x", 3, yes)]) == [
        ["boss +7"], [], [], ["boss -7 taken back"],
    ]  # fmt: skip
    assert told(RULES, [("x", 0, no), ("x", 1, chief), ("x", 2, yes)]) == [[], [], ["boss +7"]]


def test_time_gives_and_takes_nothing_meanwhile() -> None:
    """Silences that are over without consent are not made up for; the next one counts."""
    no, yes = {"scoring": False}, {"scoring": True}
    line = [event("demo_requested"), event("x", MONDAY + DAY, consent=no)]
    out = run(RULES, line)
    assert next_due_ms(RULES, out.state, out.journeys) is None
    assert not advance(RULES, out.state, out.journeys, MONDAY + 30 * DAY, True).time_entries
    back = [event("x", MONDAY + 40 * DAY, consent=yes), event("demo_requested", MONDAY + 50 * DAY)]
    again = extend(RULES, out.state, out.journeys, back, True)
    after = advance(RULES, out.state, out.journeys, MONDAY + 60 * DAY, True)
    assert not again.time_entries
    assert [RULES.by_number[one.rule].name for one in again.entries[0]] == ["e/lately"]
    assert [(one.at_ms, one.points) for one in after.time_entries] == [
        (MONDAY + 53 * DAY, -2), (MONDAY + 55 * DAY, -1),
    ]  # fmt: skip


def test_the_order_of_arrival_changes_nothing() -> None:
    """Last by occurrence counts: a late withdrawal is folded in where it belongs."""
    line = [
        event("x", MONDAY + day * DAY, consent={"scoring": word, "sales_contact": word})
        for day, word in enumerate(["granted", "denied", "granted", "denied"])
    ]
    line += [event("page_viewed", MONDAY + day * DAY + 1) for day in range(4)]
    line.sort(key=lambda one: one.occurred_at)
    whole = fold_scores(RULES, new_state(), line)
    state = new_state()
    for one in line:
        state = extend(RULES, state, [], [one], True).state
    assert encode_scores(state) == encode_scores(whole.state)
    assert [[e.clipped for e in entries] for entries in whole.entries if entries] == [
        [""], ["no consent"], [""], ["no consent"],
    ]  # fmt: skip


def test_a_repeated_answer_keeps_its_first_time_unless_the_text_is_another() -> None:
    """Since when, where it was said, and of which text."""
    said = [{"granted": True, "text": "v1"}, True, {"granted": True, "text": "v2"}]
    line = [
        event("x", MONDAY + day * DAY, source=f"s{day}", consent={"scoring": word})
        for day, word in enumerate(said)
    ]
    assert run(RULES, line[:2]).state.consent == {"scoring": Consent(True, MONDAY, "s0", "v1")}
    last = Consent(True, MONDAY + 2 * DAY, "s2", "v2")
    assert run(RULES, line).state.consent == {"scoring": last}


def test_a_robot_can_forbid_and_can_not_grant() -> None:
    """Better one mail too few."""
    kinds = ["newsletter_subscribed", "email_unsubscribed", "newsletter_subscribed"]
    line = [event(kind, MONDAY + n, bot=True) for n, kind in enumerate(kinds)]
    said = run(RULES, line).state.consent
    assert said == {"marketing_email": Consent(False, MONDAY + 1, "web")}


def test_passive_events_need_consent_to_analytics() -> None:
    """What somebody does on purpose goes on to count."""
    no = {"consent": {"granted": False, "gpc": True}}  # what the beacon says
    assert told(RULES, [("demo_requested", 0, no), ("page_viewed", 1, {})]) == [
        ["demo +10", "lately +2"], ["page +0 no consent"],
    ]  # fmt: skip


POLICY = """
consent:
  default: {sales_contact: denied}
  regions:
    - {id: import, when: {field: source, eq: list}, default: {scoring: denied}}
    - {id: eea, when: {field: traits.country, in: [AT, DE]}, default: {marketing_email: denied}}
    - {id: other, when: {field: traits.country, exists: true}}
"""


def test_who_says_nothing_falls_under_the_policy_of_the_region() -> None:
    """The newest event that tells of a region counts; one that tells of none leaves it."""
    rules = ruleset(MODELS + POLICY)
    at_home = {"traits": {"country": "AT"}}
    abroad = {"traits": {"country": "US"}}
    asked = [
        ("page_viewed", 0, {}),
        ("page_viewed", 1, {"source": "list"}),
        ("page_viewed", 2, {}),
        ("page_viewed", 3, at_home),
        ("page_viewed", 4, {"source": "list", "consent": {"scoring": True}}),
        ("page_viewed", 5, abroad),
    ]
    assert told(rules, asked) == [
        ["page +4"], ["page +0 no consent"], ["page +0 no consent"],
        ["page +4"], ["page +4"], ["page +4"],
    ]  # fmt: skip
    regions = []
    for count in range(1, len(asked) + 1):
        line = [event(kind, MONDAY + day * DAY, **more) for kind, day, more in asked[:count]]
        regions.append(run(rules, line).state.region)
    assert regions == ["", "import", "import", "eea", "import", "other"]


def handed(rules: Ruleset, *line: Any, known: bool = True) -> list[tuple[str, str, str]]:
    """(to, to whom, what stands against it) of each change."""
    out = run(rules, list(line), known=known)
    return [(one.to_stage, one.handoff or "", one.suppressed) for one in out.changes]


def test_hand_offs_say_which_consent_they_lack() -> None:
    """To sales for sales_contact, to content for mails; the stage changes all the same."""
    demo = event("demo_requested", MONDAY + 1)
    no_calls = event("x", consent={"sales_contact": "denied"})
    assert handed(LADDER, no_calls, demo) == [("validate", "sales", "sales_contact")]
    for kind, why in [
        ("email_unsubscribed", "marketing_email"), ("email_complained", "marketing_email"),
        ("email_bounced", "email_bounced"),
    ]:  # fmt: skip
        out = run(LADDER, [event(kind), demo])
        fell = advance(LADDER, out.state, out.journeys, MONDAY + 60 * DAY, True).changes
        assert [(one.handoff, one.suppressed) for one in [*out.changes, *fell]] == [
            ("sales", ""), ("content", why), (None, ""),
        ]  # fmt: skip
    soft = event("email_bounced", properties={"bounce_type": "blocked"})
    assert run(LADDER, [soft]).state.consent == {}


def test_a_confirmed_opt_in_lifts_what_forbade_mails() -> None:
    """An unsubscribe, a complaint and a bounce."""
    kinds = ["email_unsubscribed", "email_bounced", "newsletter_subscribed"]
    out = run(LADDER, [event(kind, MONDAY + n) for n, kind in enumerate(kinds)])
    assert {name: one.granted for name, one in out.state.consent.items()} == {
        "marketing_email": True, "email_delivery": True,
    }  # fmt: skip


def test_sales_is_told_when_it_may_be_later() -> None:
    """A hand-off that wasn't made counts as none: the next rise makes it, in the same episode."""
    line = [
        event("x", consent={"sales_contact": False}),
        event("demo_requested", MONDAY + 1),
        event("y", MONDAY + 2, consent={"sales_contact": True}),
        event("demo_requested", MONDAY + 12 * DAY),
    ]
    assert handed(LADDER, *line) == [
        ("validate", "sales", "sales_contact"), ("educate", "content", ""),
        ("validate", "sales", ""),
    ]  # fmt: skip


def test_a_waiting_hand_off_falls_away_with_the_consent() -> None:
    """Withdrawn between the rise and the name."""
    line = [
        event("demo_requested"),
        event("x", MONDAY + 1, consent={"sales_contact": False}),
    ]
    out = run(LADDER, line, known=False)
    assert out.journeys[0].waiting_seq == 1
    assert became_known(LADDER, out.state, out.journeys) == []
    assert out.journeys[0].handed_off == []


def test_a_hand_off_of_time_needs_the_consent_of_its_instant() -> None:
    """The fall to educate lies before the unsubscribe, whenever it is found."""
    line = [event("demo_requested"), event("email_unsubscribed", MONDAY + 30 * DAY)]
    assert handed(LADDER, *line) == [
        ("validate", "sales", ""), ("educate", "content", ""), ("inform", "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("consent", "expected"),
    [
        ({"marketing_email": True, "ads": True}, {"marketing_email": (True, "")}),
        ({"Marketing Email": "denied", "text": "v3"}, {"marketing_email": (False, "v3")}),
        (
            {"sales-contact": {"granted": "granted", "text": "v1"}, "text": "v3"},
            {"sales_contact": (True, "v1")},
        ),
        ({"granted": False, "gpc": True}, {"analytics": (False, "")}),
        (
            {"categoryPreferences": {"Analytics": True, "Scoring": False}, "scoring": True},
            {"analytics": (True, ""), "scoring": (True, "")},
        ),
        ({"scoring": "yes please", "analytics": None, "sales_contact": 1, "text": 7}, {}),
        ({"scoring": {"text": "v1"}, "categoryPreferences": "all"}, {}),
    ],
)  # fmt: skip
def test_consent_is_read_as_senders_write_it(
    consent: dict[str, Any], expected: dict[str, tuple[bool, str]]
) -> None:
    """Ours, Segment's and the beacon's; what isn't an answer is passed over."""
    assert answers_in(consent) == expected
    assert set(expected) <= set(PURPOSES)


def test_the_page_on_consent_is_true() -> None:
    """Its policy can be read, and its example says what it seems to."""
    page = (Path(__file__).parents[3] / "docs" / "consent.md").read_text()
    (said,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert answers_in(json.loads(said)) == {
        "marketing_email": (True, "2026-05"), "scoring": (False, ""), "analytics": (False, ""),
    }  # fmt: skip
    (policy,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    rules = ruleset(MODELS + policy)
    assert rules.consent is not None
    assert [name for name, _ in rules.consent.regions] == ["bought-list", "eea", "elsewhere"]
    for kind in PASSIVE_TYPES:
        assert f"`{kind}`" in page
