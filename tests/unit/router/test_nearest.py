"""The cheapest deed that would bring a lead to the next stage."""

from __future__ import annotations

from services.router.nearest import RULES_MAX, nearest
from services.router.ruleset_words import RulesetWords, words_of
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import JourneyState, ModelState, ScoreState, Sum
from tests.unit.router.people import NOW_MS

RULES = """
models:
  engagement:
    rules:
      - {id: visit, on: page_viewed, points: 5, effort: 1}
      - {id: demo, on: demo_requested, points: 40, effort: 4, say: asked for a demo}
      - {id: guide, on: content_downloaded, points: 15, effort: 2}
      - {id: gone, on: email_unsubscribed, points: -20}
      - {id: quiet, after: {quiet: 30d}, points: 5}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 20}, leave: {engagement: 10}, handoff: content}
    - {name: validate, enter: {engagement: 60}, leave: {engagement: 30}, handoff: sales}
"""
WORDS = words_of(RULES)
WHO = ((EMAIL, "a@b.example"), (ANONYMOUS, "a1"))


def tried_in(words: RulesetWords) -> list[str]:
    return [rule.name for some in words.tried for rule in some.rules]


def lead_with(points: float, stage: str) -> tuple[ScoreState, list[JourneyState]]:
    state = ScoreState(
        last=(NOW_MS, "web", "e1"),
        events=1,
        models={"engagement": ModelState(sums={0: Sum(NOW_MS, points)})},
    )
    return state, [JourneyState("main", stage, NOW_MS - 1, NOW_MS)]


def test_the_least_effort_that_suffices_is_told() -> None:
    """A visit isn't enough, a guide is, and a demo takes more."""
    state, journeys = lead_with(8.0, "inform")
    found = nearest(WORDS.tried, state, journeys, True, WHO, "main", NOW_MS)
    assert found is not None
    assert (found.rule, found.to_stage, found.points) == ("engagement/guide", "educate", 15.0)
    assert found.words == "downloaded content: brings the lead to educate at once"
    assert found.at_once


def test_the_words_are_the_rulesets() -> None:
    """Where the rule has some."""
    state, journeys = lead_with(22.0, "educate")
    found = nearest(WORDS.tried, state, journeys, True, WHO, "main", NOW_MS)
    assert found is not None
    assert found.words == "asked for a demo: brings the lead to validate at once"


def test_there_is_none_at_the_top_or_beside_the_journey() -> None:
    """No deed leads higher; a journey that the version doesn't know isn't walked."""
    state, journeys = lead_with(99.0, "validate")
    assert nearest(WORDS.tried, state, journeys, True, WHO, "main", NOW_MS) is None
    assert nearest(WORDS.tried, state, journeys, True, WHO, "renewal", NOW_MS) is None


def test_only_so_many_rules_are_tried() -> None:
    """Those of the least effort, none that takes points or waits for a silence."""
    assert tried_in(WORDS) == [
        "engagement/visit",
        "engagement/guide",
        "engagement/demo",
    ]
    many = "".join(
        f"      - {{id: more-{n}, on: kind_{n}, points: 1, effort: 5}}\n" for n in range(99)
    )
    words = words_of(RULES.replace("stages:", f"{many}stages:", 1))
    assert len(tried_in(words)) == RULES_MAX
    assert tried_in(words)[0] == "engagement/visit"
    assert words.core is not None
    assert len(words.core.rules) > RULES_MAX


def test_who_gets_whom_is_read_off_the_ladder() -> None:
    """By journey and stage."""
    assert WORDS.handoffs == {"main": {"educate": "content", "validate": "sales"}}
