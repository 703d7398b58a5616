"""The deliveries that are due: taking them up, and writing down what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from services.router.breaker import Circuit
from services.router.outbox import Pool
from shared.outbound.destinations import Destination, read_destination

log = structlog.get_logger()

# NULL for none, and for what is no number: it may have been written by anybody.
_RATE = """
CASE WHEN jsonb_typeof(settings -> 'rate') = 'number' THEN (settings ->> 'rate')::float8 END
"""
_REFILLED = f"""
least(greatest(1, {_RATE}), tokens
      + {_RATE} * extract(epoch FROM now() - tokens_at)::float8)
"""
# Who is sent to, has something due, isn't held by the circuit breaker, and may get one now by its
# rate. One statement however many destinations there are; for each it looks at one row.
READY = f"""
SELECT id, name, kind, url, settings::text AS settings, secrets::text AS secrets, allow_private,
       disabled_why, created_at, failures, openings, open_until
FROM destination AS t
WHERE disabled_why IS NULL AND (open_until IS NULL OR open_until <= now())
  AND ({_RATE} IS NULL OR {_REFILLED} >= 1)
  AND EXISTS (SELECT FROM delivery WHERE destination_id = t.id AND status = 'waiting'
                 AND next_attempt_at <= now())
"""  # noqa: S608 - texts of ours
# The oldest waiting delivery of each lead that is due; what follows it waits for it. A claimed one
# is due again later: when its router died, another one takes it up.
CLAIM = """
WITH due AS (
    SELECT d.id FROM delivery AS d
    WHERE d.destination_id = $1 AND d.status = 'waiting' AND d.next_attempt_at <= now()
      AND d.id = (
        SELECT e.id FROM delivery AS e
        WHERE e.destination_id = d.destination_id AND e.lead_id = d.lead_id
          AND e.status = 'waiting'
        ORDER BY e.lead_id, e.id LIMIT 1)
    ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE delivery SET attempts = attempts + 1, spent = spent + 1,
       next_attempt_at = now() + make_interval(secs => $3)
FROM due WHERE delivery.id = due.id
RETURNING delivery.id, lead_id::text, message_id, type, body, attempts, spent, queued_at, now()
"""
# How many a rate allows now, with the row held, so that routers share it.
TOKENS = f"""
SELECT floor({_REFILLED})::int FROM destination
WHERE id = $1 AND {_RATE} IS NOT NULL FOR NO KEY UPDATE
"""  # noqa: S608 - texts of ours
TAKE_TOKENS = f"""
UPDATE destination SET tokens = {_REFILLED} - $2, tokens_at = now() WHERE id = $1
"""  # noqa: S608 - texts of ours
# One router probes at a time.
PROBE = """
UPDATE destination SET open_until = now() + make_interval(secs => $2)
WHERE id = $1 AND open_until <= now() RETURNING id
"""
# All that is due waits behind what isn't: look again in a while.
NO_PROBE = "UPDATE destination SET open_until = now() + interval '1 second' WHERE id = $1"
# Guarded by the attempt: a router that was slow can't overwrite what a later attempt found.
FINISH = """
UPDATE delivery AS d
SET status = r.status, last_answer = r.answer, spent = r.spent,
    next_attempt_at = now() + make_interval(secs => r.wait_s),
    ended_at = CASE WHEN r.status = 'waiting' THEN NULL ELSE now() END
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::float8[], $6::int[])
     AS r (id, attempts, status, answer, wait_s, spent)
WHERE d.id = r.id AND d.attempts = r.attempts AND d.status = 'waiting'
"""
# Of deliveries that are still there: a person may have been erased meanwhile.
LOG = """
INSERT INTO delivery_attempt (delivery_id, attempt, at, duration_ms, outcome, answer)
SELECT r.id, r.attempt, r.at, r.duration_ms, r.outcome, r.answer
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::int[], $5::text[], $6::text[])
     AS r (id, attempt, at, duration_ms, outcome, answer)
JOIN (SELECT id FROM delivery WHERE id = ANY ($1::bigint[]) FOR KEY SHARE) AS d ON d.id = r.id
ON CONFLICT DO NOTHING
"""
CIRCUITS = """
SELECT id, failures, openings, open_until IS NOT NULL AS is_open FROM destination
WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
SET_CIRCUIT = """
UPDATE destination
SET failures = $2, openings = $3,
    open_until = CASE WHEN NOT $4 THEN NULL WHEN $5::float8 IS NULL THEN open_until
                      ELSE now() + make_interval(secs => $5) END
WHERE id = $1
"""
# What waited in vain behind an open circuit, or for a destination to be enabled.
GIVE_UP = """
UPDATE delivery SET status = 'failed', ended_at = now(), last_answer = $2
WHERE id IN (
    SELECT d.id FROM delivery AS d JOIN destination AS t ON t.id = d.destination_id
    WHERE d.status = 'waiting' AND (t.open_until IS NOT NULL OR t.disabled_why IS NOT NULL)
      AND d.queued_at < now() - $1::interval
    LIMIT 1000 FOR UPDATE OF d SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this router may attempt now. attempts: this one is the how manieth · spent:
    the same, without those that didn't count · age_s: since it was queued.
    """

    id: int
    lead_id: str
    message_id: str
    type: str
    body: bytes = field(repr=False)
    attempts: int
    spent: int
    age_s: float
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """status: delivered, failed, suppressed, or waiting for the next attempt in wait_s · at: when
    the attempt began.
    """

    id: int
    attempts: int
    status: str
    answer: str
    spent: int
    wait_s: float = 0.0
    at: datetime | None = None
    duration_ms: int = 0

    @property
    def outcome(self) -> str:
        return "retry" if self.status == "waiting" else self.status


async def ready(pool: Pool) -> list[Destination]:
    """Destinations for which something can be done now."""
    found = []
    for row in await pool.fetch(READY):
        destination = read_destination(row)
        if destination.unreadable:
            log.error(
                "a destination's settings can't be read",
                id=str(destination.id), why=destination.unreadable,
            )  # fmt: skip
        else:
            found.append(destination)
    return found


async def claim(
    pool: Pool, destination: Destination, room: int, claim_seconds: float
) -> list[Claimed]:
    """At most `room` deliveries; one as a probe, where the circuit is half open."""
    probing = destination.open_until is not None
    if not probing and destination.wishes.rate is None:
        rows = await pool.fetch(CLAIM, destination.id, room, claim_seconds)
        return [_claimed(row, False) for row in rows]
    async with pool.acquire() as connection, connection.transaction():
        if probing and await connection.fetchval(PROBE, destination.id, claim_seconds) is None:
            return []  # another router probes
        allowed = await connection.fetchval(TOKENS, destination.id)
        room = min(1 if probing else room, room if allowed is None else allowed)
        rows = await connection.fetch(CLAIM, destination.id, room, claim_seconds)
        if rows and allowed is not None:
            await connection.execute(TAKE_TOKENS, destination.id, len(rows))
        if probing and not rows:
            await connection.execute(NO_PROBE, destination.id)
        return [_claimed(row, probing) for row in rows]


async def finish(connection: Any, results: Sequence[Result]) -> None:
    """Write results down, inside the caller's transaction."""
    await connection.execute(
        FINISH,
        [each.id for each in results],
        [each.attempts for each in results],
        [each.status for each in results],
        [each.answer for each in results],
        [each.wait_s for each in results],
        [each.spent for each in results],
    )
    made = [each for each in results if each.at is not None]
    await connection.execute(
        LOG,
        [each.id for each in made],
        [each.attempts for each in made],
        [each.at for each in made],
        [each.duration_ms for each in made],
        [each.outcome for each in made],
        [each.answer for each in made],
    )


async def circuits(connection: Any, destinations: Sequence[UUID]) -> dict[UUID, Circuit]:
    """As they stand, held until the end of the caller's transaction."""
    return {
        row["id"]: Circuit(row["failures"], row["openings"], row["is_open"])
        for row in await connection.fetch(CIRCUITS, list(destinations))
    }


async def set_circuit(connection: Any, destination: UUID, circuit: Circuit, scale: float) -> None:
    hold = None if circuit.hold_s is None else circuit.hold_s * scale
    await connection.execute(
        SET_CIRCUIT, destination, circuit.failures, circuit.openings, circuit.is_open, hold
    )


async def give_up(pool: Pool, after_s: float, why: str) -> int:
    """End what waited too long for who can't be reached; how many."""
    done = await pool.execute(GIVE_UP, timedelta(seconds=after_s), why)
    return int(done.split()[-1])


def _claimed(row: Any, is_probe: bool) -> Claimed:
    return Claimed(
        id=row["id"],
        lead_id=row["lead_id"],
        message_id=row["message_id"],
        type=row["type"],
        body=row["body"],
        attempts=row["attempts"],
        spent=row["spent"],
        age_s=(row["now"] - row["queued_at"]).total_seconds(),
        is_probe=is_probe,
    )
