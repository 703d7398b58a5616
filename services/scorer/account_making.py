"""One company at an instant: its scores and stage from its members' states, and when to look at it
again. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.scorer.accounts import AccountRules, account_scores, account_stage
from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.standing import score_at
from shared.lead_state import ScoreState

# How far ahead scores are looked at, in ms: a minute to eleven days, each four times as far.
AHEAD_MS: tuple[int, ...] = tuple(60_000 << 2 * step for step in range(8))
# A stage that time alone changes is found to this.
EXACT_MS = 1000
# Stored scores are made anew before they are off by this share of them, or by these points.
OFF_BY_SHARE, OFF_BY_POINTS = 0.01, 0.01


@dataclass(frozen=True, slots=True)
class Made:
    """An account as it stands. at_ms: the instant of its scores · moved_from: the stage before,
    None if that has not changed · since_ms: when it entered its stage · due_ms: when to look again
    though nothing happens, None for never.
    """

    key: str
    members: int
    scores: dict[str, float]
    at_ms: int
    stage: str
    since_ms: int
    moved_from: str | None
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class Before:
    """What is stored of an account: its stage, since when, and under which ruleset version. waits:
    which of its changes has a hand-off to sales that waits for a name; None: none.
    """

    stage: str
    since_ms: int
    version: int = 0
    waits: int | None = None


def portions(sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Accounts in order, so many at a time as have at most `most` members together; a larger one
    comes alone. sizes: members by account.
    """
    some: list[str] = []
    total = 0
    for key, size in sizes.items():
        if some and total + size > most:
            yield some
            some, total = [], 0
        some.append(key)
        total += size
    if some:
        yield some


def make_account(
    rules: AccountRules,
    ruleset: Ruleset,
    key: str,
    members: Sequence[ScoreState],
    before: Before | None,
    watermark_ms: int,
) -> Made:
    """The account at the watermark, or at its members' newest event if that is later: no score can
    be read before it. A new account begins in the first stage.
    """
    at_ms = max(watermark_ms, *map(scored_until_ms, members))
    scores = _scores_at(rules, ruleset, members, at_ms)
    stood = before.stage if before is not None else ""
    if not stood and rules.stages:
        stood = rules.stages[0].name
    stage = account_stage(rules, stood, scores)
    stays = stage == stood
    return Made(
        key=key,
        members=len(members),
        scores=scores,
        at_ms=at_ms,
        stage=stage,
        since_ms=before.since_ms if before is not None and stays else at_ms,
        moved_from=None if stays else stood,
        due_ms=_due_ms(rules, ruleset, members, scores, stage, at_ms),
    )


def _scores_at(
    rules: AccountRules, ruleset: Ruleset, members: Sequence[ScoreState], at_ms: int
) -> dict[str, float]:
    return account_scores(
        rules,
        {name: [score_at(ruleset, one, name, at_ms) for one in members] for name in rules.top},
    )


def _due_ms(
    rules: AccountRules,
    ruleset: Ruleset,
    members: Sequence[ScoreState],
    scores: dict[str, float],
    stage: str,
    at_ms: int,
) -> int | None:
    """When to look at the account again: the farthest look ahead at which its stage is the same and
    its scores are off by less than a hundredth; at least in a minute. A stage that changes within
    the minute is found to the second. By halving: one that comes and goes, as negative points fade
    beside others, may be passed over.
    """
    if not any(one.models for one in members):
        return None

    def moves(then: dict[str, float]) -> bool:
        return account_stage(rules, stage, then) != stage

    def scores_in(ahead_ms: int) -> dict[str, float]:
        return _scores_at(rules, ruleset, members, at_ms + ahead_ms)

    def is_old(ahead_ms: int) -> bool:
        then = scores_in(ahead_ms)
        return moves(then) or _is_off(scores, then)

    if step := bisect_left(AHEAD_MS, True, key=is_old):
        return at_ms + AHEAD_MS[step - 1]
    same_ms, then_ms = 0, AHEAD_MS[0]
    if moves(scores_in(then_ms)):
        while then_ms - same_ms > EXACT_MS:
            middle_ms = (same_ms + then_ms) // 2
            if moves(scores_in(middle_ms)):
                then_ms = middle_ms
            else:
                same_ms = middle_ms
    return at_ms + then_ms


def _is_off(scores: dict[str, float], then: dict[str, float]) -> bool:
    return any(
        abs(then[name] - score) > max(OFF_BY_SHARE * abs(score), OFF_BY_POINTS)
        for name, score in scores.items()
    )
