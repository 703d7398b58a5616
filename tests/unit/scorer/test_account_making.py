"""One company at an instant, and when to look at it again."""

from __future__ import annotations

import pytest

from services.scorer.account_making import AHEAD_MS, EXACT_MS, Before, make_account, portions
from services.scorer.accounts import AccountRules, compile_accounts
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from shared.lead_state import ModelState, ScoreState, Sum
from shared.ruleset.reading import read_ruleset

MINUTE = 60_000
DAY = 86_400_000
AT = 1_780_000_000_000
RULES = """
models:
  e: {decay: DECAY, rules: [{id: page, on: page_viewed, points: 5}]}
accounts:
  score: {e: sum}
  stages: [{name: cold}, {name: warm, enter: {e: 20}, leave: {e: 10}}]
stages: {ladder: [{name: inform}]}
"""


def rules(decay: str) -> tuple[AccountRules, Ruleset]:
    document = read_ruleset(RULES.replace("DECAY", decay))
    accounts = compile_accounts(document)
    assert accounts is not None
    return accounts, compile_ruleset(document, {"e/page": 1}, 1)


def member(points: float, half_life_ms: int = 0, at_ms: int = AT) -> ScoreState:
    sums = {half_life_ms: Sum(at_ms, points)}
    return ScoreState(last=(at_ms, "web", "1"), models={"e": ModelState(sums=sums)})


def test_it_is_looked_at_again_when_time_alone_moves_it() -> None:
    """To the second, not before."""
    accounts, ruleset = rules("{half_life: 30d}")
    day_30 = 30 * DAY
    members = [member(10.0, day_30), member(10.001, day_30)]
    warm = make_account(accounts, ruleset, "k", members, None, AT)
    assert (warm.stage, warm.since_ms, warm.moved_from) == ("warm", AT, "cold")
    looks = 0
    while warm.due_ms is not None and warm.due_ms - warm.at_ms not in range(MINUTE):
        warm = make_account(accounts, ruleset, "k", members, Before("warm", AT), warm.due_ms)
        assert (warm.stage, warm.since_ms, warm.moved_from) == ("warm", AT, None)
        looks += 1
    assert looks < 250
    assert warm.due_ms is not None
    # 20.001 · 2^(-t/30d) = 10 at t = 30.00216 days
    crossing_ms = AT + round(day_30 * 1.0000721)
    assert abs(warm.due_ms - crossing_ms) <= EXACT_MS + 500
    cold = make_account(accounts, ruleset, "k", members, Before("warm", AT), warm.due_ms)
    assert (cold.stage, cold.moved_from, cold.since_ms) == ("cold", "warm", warm.due_ms)


def test_its_scores_are_made_anew_before_they_are_a_hundredth_off() -> None:
    """30 days of half-life lose a hundredth in 10.4 hours: the look before is at 4.3 hours."""
    accounts, ruleset = rules("{half_life: 30d}")
    made = make_account(accounts, ruleset, "k", [member(50.0, 30 * DAY)], None, AT)
    assert made.due_ms == AT + 256 * MINUTE
    fast = make_account(accounts, ruleset, "k", [member(50.0, 10 * MINUTE)], None, AT)
    assert fast.due_ms == AT + MINUTE


def test_points_that_stay_are_hardly_looked_at_and_none_never() -> None:
    """Nothing fades: after the farthest look; no member has points: not at all."""
    accounts, ruleset = rules("none")
    made = make_account(accounts, ruleset, "k", [member(50.0)], None, AT)
    assert made.due_ms == AT + AHEAD_MS[-1]
    empty = ScoreState(last=(AT, "web", "1"))
    assert make_account(accounts, ruleset, "k", [empty], None, AT).due_ms is None


@pytest.mark.parametrize(
    ("points", "before", "stage", "moved_from"),
    [
        (19.0, None, "cold", None),
        (20.0, None, "warm", "cold"),
        (15.0, Before("warm", 7), "warm", None),
        (15.0, Before("gone", 7), "cold", "gone"),
        (5.0, Before("", 7), "cold", None),
    ],
)
def test_only_what_moves_is_a_move(
    points: float, before: Before | None, stage: str, moved_from: str | None
) -> None:
    """An account begins in the first stage; one whose stage the ruleset dropped moves."""
    accounts, ruleset = rules("none")
    made = make_account(accounts, ruleset, "k", [member(points)], before, AT)
    assert (made.stage, made.moved_from) == (stage, moved_from)


def test_scores_are_those_of_the_newest_event_when_the_watermark_is_older() -> None:
    """Nobody's score can be read before it."""
    accounts, ruleset = rules("{half_life: 1d}")
    members = [member(8.0, DAY, AT - DAY), member(3.0, DAY)]
    made = make_account(accounts, ruleset, "k", members, None, AT - 5 * DAY)
    assert (made.at_ms, made.scores) == (AT, {"e": 7.0})


def test_large_accounts_are_made_alone() -> None:
    """So that few members are in memory together."""
    sizes = {"a": 4, "b": 6, "c": 1, "d": 99, "e": 2}
    assert list(portions(sizes, 10)) == [["a", "b"], ["c"], ["d"], ["e"]]
    assert list(portions({}, 10)) == []
