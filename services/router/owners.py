"""Whose a lead becomes in sales. Pure: who is there, what they have, and now are handed in.

A lead stays with its owner while that one is in the team and not absent, so that people talk to one
person. Else the company's owner comes first, then whoever of those that fit has been given the
least by weight (or whom the lead's id points to). Who is at work now goes before who isn't; where
nobody fits, it is nobody's, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from services.scorer.core.conditions import number
from services.scorer.core.timed import Moment, TimedCheck
from services.scorer.core.watching import NOTHING_WATCHED
from shared.lead_state import ScoreState
from shared.ruleset.owners import WEEKDAYS, Hours, Owner, Owners


@dataclass(frozen=True, slots=True)
class Team:
    """The owners of a ruleset version. checks: the conditions of those that have one, by id."""

    rules: Owners
    checks: Mapping[str, TimedCheck]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead to be given. former: its owner by now · of_company: who has others of its company."""

    lead_id: str
    state: ScoreState
    former: str | None = None
    of_company: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """why: former, company, turn or hash; owner None: nobody fits · turns: how many the owner has
    had by then, of one by turn.
    """

    owner: str | None
    why: str
    turns: int = 0


def owner_for(
    team: Team, lead: Candidate, given: Mapping[str, int], at_ms: int, but: Sequence[str] = ()
) -> Given:
    """given: how many turns each has had · but: who must not get it (again)."""
    present = [one for one in team.rules.team if one.id not in but and not _is_absent(one, at_ms)]
    by_id = {one.id: one for one in present}
    if lead.former in by_id:
        return Given(lead.former, "former")
    fitting = [one for one in present if _fits(team, one, lead.state, at_ms)]
    if team.rules.company_first and lead.of_company in {one.id for one in fitting}:
        return Given(lead.of_company, "company")
    pool = [one for one in fitting if _works(one.hours, at_ms)] or fitting
    if not pool:
        return Given(None, "nobody fits")
    if team.rules.by == "hash":
        return Given(_by_hash(pool, lead.lead_id), "hash")
    return _by_turn(pool, given)


def _by_turn(pool: Sequence[Owner], given: Mapping[str, int]) -> Given:
    """Who has had the least by weight; of equals the first of the team. Who was always there is
    never more than a turn behind, so who is new or comes back counts as being so: they get their
    share from now on, not all that came while they were away.
    """
    most = max(given.get(one.id, 0) / one.weight for one in pool)
    had = {one.id: max(given.get(one.id, 0), int(most * one.weight - 1)) for one in pool}
    owner = min(pool, key=lambda one: (had[one.id] + 1) / one.weight)
    return Given(owner.id, "turn", had[owner.id] + 1)


def _is_absent(owner: Owner, at_ms: int) -> bool:
    return any(one.from_ <= at_ms and (one.to is None or at_ms < one.to) for one in owner.absent)


def _fits(team: Team, owner: Owner, state: ScoreState, at_ms: int) -> bool:
    if owner.least_value is not None:
        worth = _worth(team.rules.value, state.traits)
        if worth is None or worth < owner.least_value:
            return False
    check = team.checks.get(owner.id)
    if check is None:
        return True
    return check(Moment(None, state.traits, state.watch or NOTHING_WATCHED, at_ms))


def _worth(path: str | None, traits: Mapping[str, Any]) -> float | None:
    return number(traits.get((path or "").removeprefix("traits.")))


def _works(hours: Hours | None, at_ms: int) -> bool:
    if hours is None:
        return True
    at = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_zone(hours.time_zone))
    return WEEKDAYS[at.weekday()] in hours.days and hours.from_ <= f"{at:%H:%M}" < hours.to


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _by_hash(pool: Sequence[Owner], lead_id: str) -> str:
    """Rendezvous: of each owner a draw, made of both ids, the best by weight wins. When the team
    changes, only leads of whoever left move.
    """

    def draw(owner: Owner) -> float:
        digest = sha256(f"{lead_id}/{owner.id}".encode()).digest()
        chance = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
        return float(chance ** (1.0 / owner.weight))

    return max(pool, key=draw).id
