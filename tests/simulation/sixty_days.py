"""Nurture sequences over sixty days: many leads, restarts at random instants, and what must hold.

The clock is ours, Postgres is real. Leads are as the scorer stores them; what they do (a reply, a
purchase) is written into their state at its instant.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.router.ruleset_words import Rulesets, words_of
from services.router.sequences.clock import SequenceClock
from shared.identity import EMAIL
from shared.ids import new_lead_id
from shared.lead_state import (
    JourneyState,
    ScoreState,
    Watch,
    encode_journeys,
    encode_scores,
)
from shared.sequence_store import enter

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
# 2026-10-01: clocks change in Lord Howe on the 4th, in Europe on the 25th, then in America.
BEGIN_MS = 1_790_812_800_000
DAYS = 60
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "not a zone")
RULES = """
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}]}
sequence_limits:
  caps: [{times: 1, within: 20h}, {times: 3, within: 7d}]
  quiet: {from: "16:30", to: "09:30"}
sequences:
  planning:
    hours: {from: "09:00", to: "18:00"}
    arms: {a: 1, b: 3}
    steps:
      - {id: thanks, day: 2, content: {content: {id: mistakes}}}
      - {id: story, day: 5, arm: a, content: {content: {id: video}}}
      - {id: story-b, day: 5, arm: b, content: {content: {id: article}}}
      - {id: options, day: 9, content: {content: {id: infographic}}}
  often:
    hours: {from: "08:00", to: "20:00", days: [mon, tue, wed, thu, fri, sat, sun]}
    steps:
      - {id: one, day: 0, content: {content: {id: c1}}}
      - {id: two, day: 1, content: {content: {id: c2}}}
      - {id: three, day: 2, content: {content: {id: c3}}}
      - {id: four, day: 3, late: skip, content: {content: {id: c4}}}
"""
DAY_OF = {
    step.id: step.day
    for sequence in words_of(RULES).sequences.values()
    for step in sequence.written.steps
}
CORE = words_of(RULES).core
assert CORE is not None
EXITS = CORE.sequences["planning"].exits
BOUGHT = CORE.sequences["planning"].bought


class DiedError(Exception):
    """The router was killed here."""


@dataclass
class _Dying:
    """A connection that breaks before its n-th statement."""

    inner: Any
    left: int

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if name not in {"execute", "fetch", "fetchval"}:
            return found

        async def counted(*given: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise DiedError
            return await found(*given)

        return counted


class _DyingPool:
    def __init__(self, pool: Any, left: int) -> None:
        self.pool, self.left = pool, left

    def acquire(self) -> Any:
        outer = self

        class _Context:
            async def __aenter__(self) -> Any:
                self.given = outer.pool.acquire()
                return _Dying(await self.given.__aenter__(), outer.left)

            async def __aexit__(self, *error: Any) -> Any:
                return await self.given.__aexit__(*error)

        return _Context()


@dataclass
class Person:
    """One lead: when it enters, and when it answers or buys (None: never)."""

    lead_id: UUID
    zone: str
    enters_ms: int
    answers_ms: int | None
    buys_ms: int | None


@dataclass
class Outcome:
    """What happened. sent: by lead, (instant, sequence, step), in order."""

    people: dict[str, Person]
    sent: dict[str, list[tuple[int, str, str]]] = field(default_factory=lambda: defaultdict(list))
    steps: list[Any] = field(default_factory=list)
    facts: list[Any] = field(default_factory=list)
    enrolments: list[Any] = field(default_factory=list)
    deaths: int = 0
    acts: int = 0


async def simulate(pool: Any, leads: int, seed: int = 1, deaths: float = 0.3) -> Outcome:
    """Live through the sixty days. deaths: how likely a router dies in an act."""
    chance = random.Random(seed)
    version = await pool.fetchval(
        "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    people = [_person(chance) for _ in range(leads)]
    await _store(pool, people, version)
    outcome = Outcome({str(one.lead_id): one for one in people})
    happenings = sorted(
        [(one.enters_ms, 0, one) for one in people]
        + [(one.answers_ms, 1, one) for one in people if one.answers_ms is not None]
        + [(one.buys_ms, 2, one) for one in people if one.buys_ms is not None],
        key=lambda each: each[:2],
    )
    rulesets = Rulesets(pool)
    now_ms, place = BEGIN_MS, 0
    end_ms = BEGIN_MS + DAYS * DAY_MS
    while now_ms < end_ms:
        # Time goes on by an hour; now and then no router lives for a day or two.
        now_ms += HOUR_MS if chance.random() > 0.01 else chance.randint(2, 50) * HOUR_MS
        some = []
        while place < len(happenings) and happenings[place][0] <= now_ms:
            some.append(happenings[place])
            place += 1
        await _happen(pool, some, version)
        while True:
            clock = SequenceClock(pool, rulesets, 4, lambda at_ms=now_ms: at_ms)  # type: ignore[misc]
            if chance.random() < deaths:
                clock.pool = _DyingPool(pool, chance.randint(0, 12))  # type: ignore[assignment]
            outcome.acts += 1
            try:
                if not await clock.act():
                    break
            except DiedError:
                outcome.deaths += 1
    outcome.steps = await pool.fetch("SELECT * FROM sequence_step ORDER BY at_ms")
    outcome.enrolments = await pool.fetch("SELECT * FROM sequence_enrolment")
    outcome.facts = [
        json.loads(row["fact"]) for row in await pool.fetch("SELECT fact FROM outbox ORDER BY id")
    ]
    for row in outcome.steps:
        if row["sent"]:
            told = (row["at_ms"], row["sequence"], row["step_id"])
            outcome.sent[str(row["lead_id"])].append(told)
    return outcome


async def entered(pool: Any, leads: int) -> None:
    """So many leads of one time zone that have just entered the sequence `planning`."""
    version = await pool.fetchval(
        "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    people = [
        Person(new_lead_id(BEGIN_MS + number), "Europe/Berlin", BEGIN_MS, None, None)
        for number in range(leads)
    ]
    await _store(pool, people, version)
    async with pool.acquire() as connection:
        await enter(
            connection,
            [(str(one.lead_id), "planning", version, BEGIN_MS, "fact") for one in people],
        )


def _person(chance: random.Random) -> Person:
    # So early that everybody's last step lies within the sixty days, whatever holds it up.
    enters_ms = BEGIN_MS + chance.randrange(0, 25 * 24) * HOUR_MS
    return Person(
        new_lead_id(enters_ms),
        chance.choice(ZONES),
        enters_ms,
        enters_ms + chance.randrange(1, 240) * HOUR_MS if chance.random() < 0.2 else None,
        enters_ms + chance.randrange(1, 240) * HOUR_MS if chance.random() < 0.1 else None,
    )


async def _store(pool: Any, people: list[Person], version: int) -> None:
    for start in range(0, len(people), 5000):
        some = people[start : start + 5000]
        await pool.copy_records_to_table(
            "lead",
            columns=[
                "id", "created_ms", "known", "ruleset_version", "stage", "stage_since_ms", "scores",
                "journeys",
            ],
            records=[
                (
                    one.lead_id, one.enters_ms, True, version, "low", one.enters_ms, _state(one),
                    encode_journeys([JourneyState("main", "low", one.enters_ms, one.enters_ms)]),
                )
                for one in some
            ],
        )  # fmt: skip
        await pool.copy_records_to_table(
            "identifier",
            columns=["kind", "value", "lead_id"],
            records=[(EMAIL, f"{one.lead_id}@home.example", one.lead_id) for one in some],
        )


def _state(person: Person, answered_ms: int | None = None, bought_ms: int | None = None) -> bytes:
    tallies: dict[int, list[int]] = {}
    if answered_ms is not None or bought_ms is not None:
        newest = max(one for one in (answered_ms, bought_ms) if one is not None)
        tallies[EXITS] = [1, newest]
    if bought_ms is not None:
        tallies[BOUGHT] = [1, bought_ms]
    return encode_scores(
        ScoreState(traits={"time_zone": person.zone}, watch=Watch(person.enters_ms, tallies))
    )


async def _happen(pool: Any, some: list[tuple[Any, int, Person]], version: int) -> None:
    entering = [one for _, what, one in some if what == 0]
    async with pool.acquire() as connection:
        await enter(connection, [
            (str(one.lead_id), name, version, one.enters_ms, "fact")
            for one in entering
            for name in ("planning", "often")
        ])  # fmt: skip
        changed = {one.lead_id: one for _, what, one in some if what}
        latest = max((at_ms for at_ms, _, _ in some), default=0)
        await connection.executemany(
            "UPDATE lead SET scores = $2 WHERE id = $1",
            [
                (
                    lead,
                    _state(
                        one,
                        one.answers_ms if one.answers_ms and one.answers_ms <= latest else None,
                        one.buys_ms if one.buys_ms and one.buys_ms <= latest else None,
                    ),
                )
                for lead, one in changed.items()
            ],
        )


def faults_of(outcome: Outcome) -> list[str]:
    """Everything that isn't as it must be; empty when all is well."""
    return [
        *_not_once(outcome),
        *_over_caps(outcome),
        *_at_wrong_times(outcome),
        *_before_their_day(outcome),
        *_after_exits(outcome),
        *_unfinished(outcome),
    ]


def _not_once(outcome: Outcome) -> list[str]:
    """Each step that was sent was told once, and nothing else was."""
    told = [(fact["lead_id"], fact["key"]) for fact in outcome.facts]
    sent = [
        (str(row["lead_id"]), f"{row['enrolment_id']}/{row['step_id']}")
        for row in outcome.steps
        if row["sent"]
    ]
    found = [] if len(told) == len(set(told)) else ["a step was told twice"]
    return found if sorted(told) == sorted(sent) else [*found, "told and sent differ"]


def _over_caps(outcome: Outcome) -> list[str]:
    found = []
    for lead, sent in outcome.sent.items():
        at = [at_ms for at_ms, _, _ in sent]
        for times, within_ms in ((1, 20 * HOUR_MS), (3, 7 * DAY_MS)):
            for first, last in zip(at, at[times:], strict=False):
                if last - first < within_ms:
                    found.append(f"{lead}: {times + 1} steps within {within_ms} ms")
    return found


def _at_wrong_times(outcome: Outcome) -> list[str]:
    """Between 9:30 and 16:30 of the lead's own clock; `planning` on working days."""
    found = []
    for lead, sent in outcome.sent.items():
        zone = outcome.people[lead].zone
        for at_ms, sequence, _ in sent:
            clock = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(
                ZoneInfo("UTC" if zone == "not a zone" else zone)
            )
            if not "09:30" <= f"{clock:%H:%M}" < "16:30":
                found.append(f"{lead}: {sequence} at {clock}")
            if sequence == "planning" and clock.weekday() >= 5:
                found.append(f"{lead}: {sequence} on a weekend: {clock}")
    return found


def _before_their_day(outcome: Outcome) -> list[str]:
    """No step comes before its day; a day may be two hours shorter when clocks change."""
    started = {row["id"]: row["started_ms"] for row in outcome.enrolments}
    return [
        f"{row['lead_id']}: {row['step_id']} before its day"
        for row in outcome.steps
        if row["sent"]
        and row["at_ms"] - started[row["enrolment_id"]]
        < DAY_OF[row["step_id"]] * DAY_MS - 2 * HOUR_MS
    ]


def _after_exits(outcome: Outcome) -> list[str]:
    found = []
    for lead, sent in outcome.sent.items():
        person = outcome.people[lead]
        ends = [at for at in (person.answers_ms, person.buys_ms) if at is not None]
        # An answer ends what has begun: the start is an hour's tick after the entering at most.
        ends = [at for at in ends if at > person.enters_ms + 60 * HOUR_MS]
        if ends and any(at_ms > min(ends) for at_ms, _, _ in sent):
            found.append(f"{lead}: a step after it answered or bought")
    return found


def _unfinished(outcome: Outcome) -> list[str]:
    """Who neither answers nor buys has every step of their arm, or it was left out for a reason."""
    found = []
    steps = defaultdict(list)
    for row in outcome.steps:
        steps[row["enrolment_id"]].append(row)
    for row in outcome.enrolments:
        person = outcome.people[str(row["lead_id"])]
        if row["status"] != "ended":
            found.append(f"{row['id']}: {row['status']}")
        if person.answers_ms is not None or person.buys_ms is not None:
            continue
        mine = steps[row["id"]]
        why = {one["why"] for one in mine if not one["sent"]}
        if len(mine) != 4 or row["why"] != "completed" or not why <= {"another arm", "late"}:
            found.append(f"{row['id']}: {len(mine)} steps, {row['why']}, {why}")
    return found


def summary(outcome: Outcome) -> dict[str, int]:
    return {
        "leads": len(outcome.people),
        "steps": len(outcome.steps),
        "sent": sum(row["sent"] for row in outcome.steps),
        "left out, late": sum(row["why"] == "late" for row in outcome.steps),
        "ended by an exit": sum(
            row["why"] in {"exit event", "bought"} for row in outcome.enrolments
        ),
        "deaths": outcome.deaths,
    }


def as_line(found: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in found.items())
