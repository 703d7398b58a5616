"""Whose a lead becomes in sales."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.router.owners import Candidate, Given, Team, owner_for
from services.router.ruleset_words import words_of
from shared.lead_state import ScoreState

HOUR_MS = 3_600_000
# Monday, 2026-06-01, 10:00 in Vienna, where it is two hours later than UTC.
MONDAY_MS = 1_780_272_000_000 + 8 * HOUR_MS
BASE = """
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}]}
sales:
  owners:
"""


def team(text: str) -> Team:
    found = words_of(BASE + "".join(f"    {line}\n" for line in text.strip().splitlines())).team
    assert found is not None
    return found


def lead(number: int = 1, **over: Any) -> Candidate:
    traits = over.pop("traits", {})
    return Candidate(f"lead-{number}", ScoreState(traits=traits), **over)


def dealt(
    rules: Team, count: int, at_ms: int = MONDAY_MS, *, given: Mapping[str, int] | None = None
) -> Counter[str | None]:
    """How many of `count` leads each is given, one after the other. given: before."""
    turns = Counter(given or {})
    found: Counter[str | None] = Counter()
    for number in range(count):
        made = owner_for(rules, lead(number), turns, at_ms)
        owner = made.owner
        found[owner] += 1
        if owner is not None:
            turns[owner] = made.turns or turns[owner]
    return found


PLAIN = "team: [{id: ann}, {id: bob, weight: 2}, {id: cem}]"


def test_leads_are_given_in_turns_by_weight() -> None:
    """Of forty, twice as many to whom has twice the weight, exactly."""
    assert dealt(team(PLAIN), 40) == {"ann": 10, "bob": 20, "cem": 10}


def test_who_is_new_or_comes_back_gets_a_share_and_no_flood() -> None:
    """After a hundred each, somebody joins: of the next thirty a third, however often it is asked
    before; so it is with who was away while the others had two hundred.
    """
    before = {"ann": 100, "bob": 200, "cem": 100}
    four = team("team: [{id: ann}, {id: bob, weight: 2}, {id: cem}, {id: dan}]")
    assert dealt(four, 50, given=before) == {"ann": 10, "bob": 20, "cem": 10, "dan": 10}
    behind = {"ann": 300, "bob": 600, "cem": 100}
    assert dealt(team(PLAIN), 40, given=behind) == {"ann": 10, "bob": 20, "cem": 10}


@examples(
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.lists(st.integers(0, 1000), min_size=6, max_size=6),
)
def test_whatever_was_before_turns_are_by_weight(weights: list[int], before: list[int]) -> None:
    """To one and a bit, over ten rounds."""
    members = ", ".join(f"{{id: o{n}, weight: {weight}}}" for n, weight in enumerate(weights))
    given = {f"o{n}": had for n, had in enumerate(before)}
    found = dealt(team(f"team: [{members}]"), 10 * sum(weights), given=given)
    for n, weight in enumerate(weights):
        assert abs(found[f"o{n}"] - 10 * weight) <= weight + 1


def test_a_lead_stays_with_its_owner() -> None:
    """While that one is there; who is away or gone loses it."""
    rules = team(PLAIN)
    assert owner_for(rules, lead(former="cem"), {"cem": 99}, 0) == Given("cem", "former")
    assert owner_for(rules, lead(former="gone"), {}, 0).why == "turn"
    away = team("team: [{id: ann}, {id: bob, absent: {from: 2026-06-01, to: 2026-06-15}}]")
    assert owner_for(away, lead(former="bob"), {"ann": 9}, MONDAY_MS) == Given("ann", "turn", 10)
    later = MONDAY_MS + 14 * 24 * HOUR_MS
    assert owner_for(away, lead(former="bob"), {}, later).owner == "bob"
    assert owner_for(rules, lead(former="cem"), {}, 0, but=["cem"]).owner != "cem"


def test_who_has_somebody_of_a_company_gets_the_next_one() -> None:
    """Unless that is switched off, or the lead isn't in their territory."""
    rules = team(PLAIN)
    assert owner_for(rules, lead(of_company="cem"), {"cem": 9}, 0) == Given("cem", "company")
    apart = team("company_first: false\n" + PLAIN)
    assert owner_for(apart, lead(of_company="cem"), {"cem": 9}, 0).owner != "cem"


TERRITORIES = """
value: traits.deal
team:
  - {id: ann, when: {field: traits.country, eq: at}}
  - {id: bob, when: {field: traits.country, in: [de, ch]}}
  - {id: big, least_value: 50000}
"""


@pytest.mark.parametrize(
    ("traits", "owner"),
    [
        ({"country": "at"}, "ann"),
        ({"country": "ch"}, "bob"),
        ({"country": "fr", "deal": 60_000}, "big"),
        ({"country": "fr", "deal": "60000"}, "big"),
        ({"country": "fr", "deal": "a lot"}, None),
        ({"country": "fr", "deal": 100}, None),
    ],
)
def test_territory_and_value_decide(traits: dict[str, Any], owner: str | None) -> None:
    """Nobody's where nobody fits: it is said, not guessed."""
    assert owner_for(team(TERRITORIES), lead(traits=traits), {}, MONDAY_MS).owner == owner


def test_who_is_at_work_goes_before_who_is_not() -> None:
    """By their own time zone; when nobody works, turns go on as ever."""
    rules = team(
        "team:\n"
        "  - {id: ann, hours: {from: '09:00', to: '12:00', time_zone: Europe/Vienna}}\n"
        "  - {id: bob, hours: {from: '09:00', to: '12:00', time_zone: America/New_York}}\n"
    )
    assert dealt(rules, 4) == {"ann": 4}
    assert dealt(rules, 4, MONDAY_MS + 6 * HOUR_MS) == {"bob": 4}
    assert dealt(rules, 4, MONDAY_MS - 8 * HOUR_MS) == {"ann": 2, "bob": 2}
    assert dealt(rules, 4, MONDAY_MS - 48 * HOUR_MS) == {"ann": 2, "bob": 2}  # a Saturday


@examples(st.lists(st.integers(0, 10_000), min_size=1, max_size=50, unique=True))
def test_by_hash_only_the_leads_of_whoever_leaves_move(numbers: list[int]) -> None:
    """The same owner for a lead, whatever was given before."""
    before = team("by: hash\n" + PLAIN)
    after = team("by: hash\nteam: [{id: ann}, {id: bob, weight: 2}]")
    for number in numbers:
        owner = owner_for(before, lead(number), {"ann": number}, 0).owner
        assert owner == owner_for(before, lead(number), {}, 1).owner
        if owner != "cem":
            assert owner_for(after, lead(number), {}, 0).owner == owner


def test_by_hash_weights_count() -> None:
    """Of four thousand leads about half go to who has half of the weight."""
    found = Counter(
        owner_for(team("by: hash\n" + PLAIN), lead(number), {}, 0).owner for number in range(1000)
    )
    assert 430 < found["bob"] < 570
