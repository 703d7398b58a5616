"""What an act makes of a hand-off: checked, and turned into an event and a new state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.console.handoffs.answers import ActRequest
from services.console.refusals import RefusedError
from shared.envelope import Event, Identifiers, instant, rfc3339
from shared.event_types import OPERATOR, STAGE_OVERRIDDEN
from shared.handoff_states import ENDED, MOVES, Act, possible
from shared.ruleset.handoff_journeys import is_row_journey
from shared.ruleset.stages import MAIN

# Stages of this name are where the lead waits that sales sent back.
RECYCLED = "recycled"
MOST_AHEAD_MS = 730 * 86_400_000


def check_act(
    act: Act, asked: ActRequest, status: str, reasons: Mapping[str, str], now_ms: int
) -> None:
    """Raises RefusedError for what can't be done."""
    move = MOVES[act]
    if status not in move.of:
        may = ", ".join(possible(status)) or "nothing"
        message = f"the hand-off is {status}: {act} isn't possible, but {may}"
        raise RefusedError(409, "handoff_state", message)
    if "reason" in move.needs and asked.reason not in reasons:
        raise RefusedError(
            400, "reason_unknown", f"give a reason: {', '.join(reasons)}", "body.reason"
        )
    if asked.reason and asked.reason not in reasons:
        raise RefusedError(
            400, "reason_unknown", f"reasons are {', '.join(reasons)}", "body.reason"
        )
    if "until" in move.needs and asked.until_ms is None:
        raise RefusedError(400, "until_missing", f"{act} needs until: an instant", "body.until")
    if asked.until_ms is not None and not now_ms < asked.until_ms <= now_ms + MOST_AHEAD_MS:
        raise RefusedError(
            400, "until_out_of_range", "until lies within the next two years", "body.until"
        )
    if asked.amount is not None and not asked.currency:
        raise RefusedError(
            400, "currency_missing", "an amount needs a currency, such as EUR", "body.currency"
        )


def events_of(
    act: Act, asked: ActRequest, row: Any, who: Identifiers, stages: frozenset[str], now_ms: int
) -> list[Event]:
    """What tells the scorer of an act. stages: of the hand-off's journey. A repeated attempt makes
    the same ids: a hand-off is in a state once.
    """
    move = MOVES[act]
    found: list[Event] = []
    at = instant(now_ms)
    if move.event:
        said: dict[str, Any] = {"handoff_id": str(row.id), "stage": row.stage}
        if asked.reason:
            said["reason"] = asked.reason
        if asked.amount is not None:
            said |= {"amount": asked.amount, "currency": asked.currency}
        if asked.until_ms is not None:
            said["until"] = rfc3339(asked.until_ms)
        found.append(
            Event(
                id=f"{row.id}/{act}/{row.status_ms}",
                source=OPERATOR,
                type=move.event,
                occurred_at=at,
                received_at=at,
                identifiers=who,
                properties=said,
            )
        )
    if act == "recycle" and RECYCLED in stages and asked.until_ms is not None:
        # It is left alone until then, whatever its scores say.
        found.append(
            Event(
                id=f"{row.id}/{act}-stage/{row.status_ms}",
                source=OPERATOR,
                type=STAGE_OVERRIDDEN,
                occurred_at=instant(now_ms + 1),
                received_at=at,
                identifiers=who,
                properties={
                    "journey": journey_of(row),
                    "stage": RECYCLED,
                    "lock": True,
                    "until": rfc3339(asked.until_ms),
                    "actor": asked.actor,
                },
            )
        )
    return found


def journey_of(row: Any) -> str:
    """The journey on which the lead waits: rows of the hand-off table have none that people see."""
    name: str = row.journey
    return MAIN if is_row_journey(name) else name


def state_after(act: Act, asked: ActRequest, now_ms: int) -> dict[str, Any]:
    """Columns of the table handoff, after an act."""
    move = MOVES[act]
    values: dict[str, Any] = {"status": move.to, "status_ms": now_ms, "until_ms": asked.until_ms}
    if act == "snooze":
        values["clock_ms"] = asked.until_ms  # the clock wakes it
    else:
        values |= {"clock": [], "clock_ms": None}
    if asked.reason:
        values["reason"] = asked.reason
    if asked.amount is not None:
        values |= {"amount": asked.amount, "currency": asked.currency}
    if act == "accept":
        values["accepted_ms"] = now_ms
    if move.to in ENDED:
        values["ended_ms"] = now_ms
    return values


def act_row(
    act: str, via: str, asked: ActRequest, row: Any, now_ms: int, link: bytes | None
) -> dict[str, Any]:
    """A row of handoff_act."""
    handoff_id: UUID = row.id
    return {
        "handoff_id": handoff_id, "lead_id": row.lead_id, "at_ms": now_ms, "act": act, "via": via,
        "actor": asked.actor, "reason": asked.reason, "note": asked.note, "amount": asked.amount,
        "currency": asked.currency, "until_ms": asked.until_ms, "link": link,
    }  # fmt: skip
