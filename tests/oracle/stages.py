"""Where a lead stands on a ladder, or beside it: decided anew at each instant that could matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from services.scorer.slow.conditions import Moment, durations, holds
from services.scorer.slow.fading import in_ms
from services.scorer.slow.fields import Plain, type_matches
from services.scorer.slow.lead import NEARLY, Oracle, is_override
from shared.facts import StageChange


@dataclass
class Claim:
    """A move that the core says it made. suppressed: what stood against its hand-off."""

    from_stage: str
    to_stage: str
    at_ms: int
    cause: str
    handoff: str | None
    episode: int
    suppressed: str = ""


def claim_of(change: StageChange) -> Claim:
    """What a change of the core says."""
    return Claim(**{name: getattr(change, name) for name in Claim.__dataclass_fields__})


class Place:
    """One journey of a lead at one instant. known: how many entries there are by then · moment: the
    event that happens, if any, and all before.
    """

    def __init__(self, oracle: Oracle, stages: Plain, ms: int, known: int, moment: Moment) -> None:
        self.oracle, self.ms, self.known, self.moment = oracle, ms, known, moment
        self.ladder: list[Plain] = stages["ladder"]
        self.sides: list[Plain] = stages.get("side", [])
        self.names = [rung["name"] for rung in self.ladder]

    def after(self, stage: str, since: int) -> str:
        """Where a lead that stands in a stage since an instant belongs now."""
        aside = [side["name"] for side in self.sides]
        for side in self.sides:
            if side["name"] == stage:
                if not self._ends(side, since):
                    return stage
            elif self._enters(side, stage):
                return str(side["name"])
        if stage in aside:
            return self._back(self.sides[aside.index(stage)])
        here = self.names.index(stage)
        risen = self._risen(here, stage)
        return risen if risen is not None else self._fallen(here, since)

    def aside(self, stage: str) -> str:
        """Where the event that happens brings a lead that nothing else can move."""
        for side in self.sides:
            if side["name"] != stage and "on" in side and self._enters(side, stage):
                return str(side["name"])
        return stage

    def _reached(self, thresholds: dict[str, float]) -> bool:
        return all(
            self.oracle.score(name, self.ms, self.known) >= least - NEARLY
            for name, least in thresholds.items()
        )

    def _risen(self, here: int, stage: str | None) -> str | None:
        for rung in reversed(self.ladder[here + 1 :]):
            sources = rung.get("from")
            if sources is not None and stage is not None and stage not in sources:
                continue
            if self._reached(rung.get("enter", {})) and (
                "when" not in rung or holds(rung["when"], self.moment)
            ):
                return str(rung["name"])
        return None

    def _fallen(self, here: int, since: int) -> str:
        rung = self.ladder[here]
        if self._reached(rung.get("leave", {})) or self.ms - since < in_ms(rung.get("dwell", "0s")):
            return str(rung["name"])
        for lower in reversed(self.ladder[1:here]):
            if self._reached(lower.get("leave", {})):
                return str(lower["name"])
        return str(self.names[0])

    def _enters(self, side: Plain, stage: str) -> bool:
        """From the stage that the lead stands in."""
        if "from" in side and stage not in side["from"]:
            return False
        event = self.moment.event
        if "on" in side:
            if event is None or not type_matches(side["on"], event["type"]):
                return False
            if "event_when" in side and not holds(side["event_when"], self.moment):
                return False
        return "when" not in side or holds(side["when"], self.moment)

    def _ends(self, side: Plain, since: int) -> bool:
        leave: dict[str, Any] = side.get("leave", {})
        if "on" not in side:
            if holds(side["when"], self.moment):
                return False  # what brought the lead here goes on
            if not leave:
                return True
        event = self.moment.event
        return (
            ("after" in leave and self.ms - since >= in_ms(leave["after"]))
            or ("on" in leave and event is not None and type_matches(leave["on"], event["type"]))
            or ("when" in leave and holds(leave["when"], self.moment))
        )

    def _back(self, side: Plain) -> str:
        if side.get("back_to", "ladder") != "ladder":
            return str(side["back_to"])
        return self._risen(0, None) or str(self.names[0])


@dataclass
class Standing:
    """Where a lead is on one journey. locked: until when by hand, 0 for good, None not at all ·
    held: by hand, until the next points.
    """

    stage: str
    since: int
    episode: int = 1
    handed: set[str] = field(default_factory=set)
    locked: int | None = None
    held: bool = False

    def is_locked(self, ms: int) -> bool:
        return self.locked is not None and (self.locked == 0 or ms < self.locked)

    def word(self, ms: int) -> tuple[int | None, bool]:
        """What a person said that is in force."""
        return self.locked if self.is_locked(ms) else None, self.held

    def move(
        self, stages: Plain, to: str, ms: int, cause: str, forbids: Callable[[str | None], str]
    ) -> Claim:
        """Go there, and say so. forbids: what stands against a hand-off."""
        names = [one["name"] for one in (*stages["ladder"], *stages.get("side", []))]
        height = len(stages["ladder"])
        here, there = names.index(self.stage), names.index(to)
        receiver = [*stages["ladder"], *stages.get("side", [])][there].get("handoff")
        if there < height <= here or (there == 0 and here != 0):
            self.episode, self.handed = self.episode + 1, set()
        rises = there > here or there < height <= here or there >= height
        if receiver == "sales" and (not rises or to in self.handed):
            receiver = None
        suppressed = forbids(receiver)
        if receiver == "sales" and not suppressed:
            self.handed.add(to)
        if there == 0:
            self.handed = set()
        claim = Claim(self.stage, to, ms, cause, receiver, self.episode, suppressed)
        self.stage, self.since = to, ms
        return claim


def check_walk(
    oracle: Oracle, journey: str, stages: Plain, claims: list[Claim], times: list[int], begun: int
) -> None:
    """Walk these instants, those of events, of lengths of time after events and moves, and of
    claims with the ms before: wherever the oracle moves the lead, the claims must, and nowhere
    else. begun: when the lead came. Raises AssertionError.
    """
    pending = list(claims)
    stands: Standing | None = None
    if "when" not in stages:
        stands = Standing(str(stages["ladder"][0]["name"]), begun)
    by_time = [(ms, 0, 0) for ms in _instants(oracle, stages, claims, begun) | set(times)]
    by_event = [(event["ms"], 1, number) for number, event in enumerate(oracle.line)]
    for ms, of_event, number in sorted([*by_time, *by_event]):
        if not of_event and ms <= begun:
            continue
        event = oracle.line[number] if of_event else None
        if event is not None and event["bot"]:
            continue
        place = _place(oracle, stages, ms, event)
        first = Standing(str(stages["ladder"][0]["name"]), ms)
        if event is not None and is_override(event):
            if stands is None or event["properties"].get("journey", "main") != journey:
                continue
            to, cause = _by_hand(stands, place, event, pending), "manual"
        else:
            if stands is None and event is not None and holds(stages["when"], place.moment):
                stands = first
            if stands is None or stands.is_locked(ms):
                continue
            if stands.held and _points_come(oracle, ms, event):
                stands.held = False
            to = (
                place.aside(stands.stage)
                if stands.held
                else place.after(stands.stage, stands.since)
            )
            cause = "event" if of_event else "time"
        if to != stands.stage:
            if cause != "manual":
                stands.held = False
            # What happens at an instant is said before what stands right behind it.
            heard = (ms, "", "") if event is None else (*_position(event)[:2], event["id"] + "\0")
            forbids = partial(oracle.consents.forbids, before=heard)
            _check(pending, stands.move(stages, to, ms, cause, forbids))
    assert not pending, f"the core invented {pending[0]}"


def _check(pending: list[Claim], expected: Claim) -> None:
    assert pending, f"the core missed {expected}"
    said = pending.pop(0)
    assert said == expected, f"{said} instead of {expected}"


def _by_hand(stands: Standing, place: Place, event: Plain, pending: list[Claim]) -> str:
    """Where a person puts the lead; a lock put on or taken off is claimed without a move."""
    before = stands.word(place.ms)
    to = _asked_stage(stands, place, event)
    if to == stands.stage and stands.word(place.ms) != before:
        _check(pending, Claim(to, to, place.ms, "manual", None, stands.episode))
    return to


def _asked_stage(stands: Standing, place: Place, event: Plain) -> str:
    asked = event["properties"]
    if asked.get("stage") is None:
        stands.locked, stands.held = None, False
        place.moment = replace(place.moment, event=None)
        return place.after(stands.stage, stands.since)
    if asked["stage"] not in [one["name"] for one in (*place.ladder, *place.sides)]:
        return stands.stage
    locked = None
    if asked.get("lock"):
        until = asked.get("until")
        end = None if until is None else _ms(until)
        if until is not None and end is None:
            return stands.stage  # nobody knows until when: nothing happens
        locked = 0 if end is None else max(end, event["ms"] + 1)
    stands.locked, stands.held = locked, not asked.get("lock")
    return str(asked["stage"])


def _points_come(oracle: Oracle, ms: int, event: Plain | None) -> bool:
    by = None if event is None else _position(event)
    return any(one.points and one.ms == ms and one.by == by for one in oracle.entries)


def _place(oracle: Oracle, stages: Plain, ms: int, event: Plain | None) -> Place:
    """All that is known at an instant, up to and including an event of it."""
    known = oracle.known_before(ms)
    past = [one for one in oracle.past if one[0]["ms"] < ms]
    if event is not None:
        place = _position(event)
        known += sum(
            one.ms == ms and one.by is not None and one.by <= place for one in oracle.entries
        )
        past = [one for one in oracle.past if _position(one[0]) <= place]
    traits = past[-1][1] if past else {}
    return Place(oracle, stages, ms, known, Moment(ms, event, traits, past, oracle.named))


def _instants(oracle: Oracle, stages: Plain, claims: list[Claim], begun: int) -> set[int]:
    """Where time could move the lead."""
    lengths = durations([stages, oracle.ruleset.get("segments"), oracle.ruleset.get("personas")])
    stays = {in_ms(rung["dwell"]) for rung in stages["ladder"] if "dwell" in rung}
    leaves = [side.get("leave", {}) for side in stages.get("side", [])]
    stays |= {in_ms(leave["after"]) for leave in leaves if "after" in leave}
    since = {begun, *(claim.at_ms for claim in claims), *(event["ms"] for event in oracle.line)}
    found = {ms + step for ms in since for step in (-1, 0, 1, *stays)}
    found |= {entry.ms + step for entry in oracle.entries for step in (0, 1)}
    found |= {event["ms"] + length for event in oracle.line for length in lengths}
    untils = [event["properties"].get("until") for event in oracle.line if is_override(event)]
    ends = {end for until in untils if until and (end := _ms(until)) is not None}
    return found | {end + step for end in ends for step in (0, 1)}


def _ms(text: str) -> int | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    zoned = read if read.tzinfo else read.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _position(event: Plain) -> tuple[int, str, str]:
    return event["ms"], event["source"], event["id"]
