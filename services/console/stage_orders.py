"""A stage set by hand: what a person asks for, checked, and the event that says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.envelope import Event, Identifiers, instant, rfc3339
from shared.event_types import OPERATOR, STAGE_OVERRIDDEN
from shared.identity import EXTERNAL, KIND_NAMES, Identifier
from shared.ruleset.fields import did_you_mean
from shared.ruleset.stages import MAIN

# The longest lock with an end: ten years.
MOST_LOCKED_MS = 3650 * 86_400_000
# Of a name or an id.
MOST_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class StageOrder:
    """What is asked for. stage: None releases · lock: nothing but a person moves the lead then,
    until until_ms if given · id: the same order sent twice counts once · actor: who asks.
    """

    stage: str | None
    id: str
    journey: str = MAIN
    until_ms: int | None = None
    lock: bool = False
    actor: str = ""


class OrderError(ValueError):
    """An order that can't be carried out. code: for programs · field: which part of it."""

    def __init__(self, code: str, message: str, field: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def check_order(
    order: StageOrder, stages: Mapping[str, Iterable[str]], on: Iterable[str], now_ms: int
) -> None:
    """Raises OrderError. stages: of the live ruleset, by journey · on: the lead's journeys."""
    for field, text in (("id", order.id), ("actor", order.actor)):
        if len(text) > MOST_CHARACTERS or not text.isprintable():
            raise OrderError(
                f"{field}_invalid",
                f"{field} has at most {MOST_CHARACTERS} characters, all of them printable",
                field,
            )
    if order.journey not in stages:
        raise _unknown("journey", order.journey, list(stages), "the live ruleset has")
    if order.journey not in on:
        raise OrderError(
            "not_on_journey", f"the lead isn't on the journey {order.journey} yet", "journey"
        )
    known = list(stages[order.journey])
    if order.stage is not None and order.stage not in known:
        raise _unknown("stage", order.stage, known, f"the journey {order.journey} has")
    if order.stage is None and (order.lock or order.until_ms is not None):
        raise OrderError("nothing_to_lock", "a release has no stage to lock", "lock")
    if order.until_ms is None:
        return
    if not order.lock:
        raise OrderError(
            "until_without_lock", "only a lock has an end: lock the stage, or drop until", "lock"
        )
    if not now_ms < order.until_ms <= now_ms + MOST_LOCKED_MS:
        raise OrderError("until_out_of_range", "a lock ends within the next ten years", "until")


def _unknown(noun: str, given: str, known: list[str], has: str) -> OrderError:
    near = did_you_mean(given, known)
    hint = f" ({near})" if near else ""
    message = f"there is no {noun} {given}{hint}: {has} {', '.join(known)}"
    return OrderError(f"{noun}_unknown", message, noun)


def who_of(identifiers: Iterable[Identifier]) -> Identifiers | None:
    """One identifier, by which the scorer finds the lead again: the strongest, whose kind has the
    least number, and of several the first. None when there is none.
    """
    strongest = min(identifiers, default=None)
    if strongest is None:
        return None
    kind, value = strongest
    if kind == EXTERNAL:
        system, _, name = value.partition(":")
        return Identifiers(external={system: name})
    named: dict[str, Any] = {KIND_NAMES[kind]: value}
    return Identifiers(**named)


def event_of(order: StageOrder, lead_id: UUID, who: Identifiers, now_ms: int) -> Event:
    """The event of an order that was checked."""
    said: dict[str, Any] = {"journey": order.journey, "stage": order.stage}
    if order.lock:
        said["lock"] = True
    if order.until_ms is not None:
        said["until"] = rfc3339(order.until_ms)
    if order.actor:
        said["actor"] = order.actor
    at = instant(now_ms)
    return Event(
        id=f"{lead_id}/{order.id}",
        source=OPERATOR,
        type=STAGE_OVERRIDDEN,
        occurred_at=at,
        received_at=at,
        identifiers=who,
        properties=said,
    )
