"""Access and erasure: what is held of a person, the order to erase them, and the proofs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console import answers
from services.console.order_sending import acknowledged
from services.console.person_reading import (
    Person,
    SeveralPeopleError,
    find_person,
    names_in,
    read_person,
)
from services.console.person_requests import ErasureRequest, PersonRequest
from services.console.refusals import RefusedError
from shared.envelope import milliseconds, rfc3339
from shared.erasure_order import ErasureOrder
from shared.identifier_forms import PLAIN_FORMS, IdentifierForms
from shared.identity import Identifier
from shared.ids import identifier_hash
from shared.tables import erasure
from shared.topics import DAY_MS, RETENTION_DAYS, SEGMENT_DAYS

SendErasure = Callable[[ErasureOrder], Awaitable[None]]
# A lead's id stands for the person where no identifier was given.
LEAD_KIND = 0


class PersonDesk:
    """Answers requests about one person."""

    def __init__(
        self,
        engine: AsyncEngine,
        hash_key: bytes,
        send: SendErasure,
        now_ms: Callable[[], int],
        forms: IdentifierForms = PLAIN_FORMS,
    ) -> None:
        self._engine = engine
        self._hash_key = hash_key
        self._send = send
        self._now_ms = now_ms
        self._forms = forms

    async def export(self, asked: PersonRequest) -> dict[str, Any]:
        """Everything held of a person. Raises RefusedError (404) if nobody has the name."""
        async with self._snapshot() as connection:
            person = await _found(connection, self._named(asked))
            if not person.leads:
                raise _nobody()
            held = await read_person(connection, person)
        return {"exported_at": rfc3339(self._now_ms()), **held}

    async def erase(self, asked: ErasureRequest) -> answers.AcceptedErasure:
        """Return once Kafka has acknowledged the order. Of somebody whom nobody knows what is still
        on its way is dropped. Raises RefusedError.
        """
        name = self._named(asked)
        async with self._snapshot() as connection:
            person = await _found(connection, name)
        if isinstance(name, UUID) and not person.leads:
            raise _nobody()
        known = [*person.identifiers, name] if isinstance(name, tuple) else person.identifiers
        if "@" in asked.reason or names_in(f"{asked.reason} {asked.actor}", known):
            raise RefusedError(
                400,
                "proof_names_the_person",
                "reason and actor are kept as proof: say no address and no id of the person there",
                "body.reason",
            )
        now_ms = self._now_ms()
        order = ErasureOrder(
            id=asked.id,
            lead_ids=tuple(person.leads),
            hashes=tuple(dict.fromkeys(identifier_hash(self._hash_key, *one) for one in known)),
            person=self._hash_of(name),
            at_ms=now_ms,
            actor=asked.actor,
            reason=asked.reason,
        )
        if not asked.dry_run:
            await self._sent(order)
        return answers.AcceptedErasure(
            erasure_id=order.id,
            sent=not asked.dry_run,
            leads=person.leads,
            identifiers=len(known),
            events=person.events,
            kafka_until=rfc3339(now_ms + (RETENTION_DAYS + SEGMENT_DAYS) * DAY_MS),
        )

    async def proofs(self, limit: int) -> answers.Erasures:
        """The newest first."""
        query = sa.select(erasure).order_by(erasure.c.requested_at.desc(), erasure.c.id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.limit(limit))).all()
        return answers.Erasures(items=[_proof(row) for row in rows])

    async def proof(self, erasure_id: UUID) -> answers.Erasure:
        """Raises RefusedError (404)."""
        async with self._engine.connect() as connection:
            found = await connection.execute(sa.select(erasure).where(erasure.c.id == erasure_id))
            row = found.one_or_none()
        if row is None:
            raise RefusedError(
                404, "erasure_not_found", "there is no erasure with this id (yet)", "path.id"
            )
        return _proof(row)

    def _named(self, asked: PersonRequest) -> Identifier | UUID:
        name = asked.name(self._forms)
        if name is None:
            raise _nobody()
        return name

    def _hash_of(self, name: Identifier | UUID) -> bytes:
        kind, value = (LEAD_KIND, str(name)) if isinstance(name, UUID) else name
        return identifier_hash(self._hash_key, kind, value)

    async def _sent(self, order: ErasureOrder) -> None:
        await acknowledged(self._send(order))

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[Any]:
        """The driver's connection, in a read-only transaction that sees one state."""
        async with self._engine.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            await connection.execute(sa.text("SELECT 1"))  # begins it
            raw = await connection.get_raw_connection()
            yield raw.driver_connection


async def _found(connection: Any, name: Identifier | UUID) -> Person:
    """Raises RefusedError (409) if several people are meant."""
    try:
        return await find_person(connection, name)
    except SeveralPeopleError:
        raise RefusedError(
            409, "several_people",
            "several people have used this anonymous id: name one by another identifier", "body",
        ) from None  # fmt: skip


def _nobody() -> RefusedError:
    return RefusedError(404, "person_not_found", "nobody is known by this name", "body")


def _proof(row: sa.Row[Any]) -> answers.Erasure:
    counts = row.counts if isinstance(row.counts, dict) else json.loads(row.counts)
    return answers.Erasure(
        id=row.id,
        person=row.person.hex(),
        requested_at=rfc3339(milliseconds(row.requested_at)),
        erased_at=None if row.erased_at is None else rfc3339(milliseconds(row.erased_at)),
        actor=row.actor,
        reason=row.reason,
        leads=list(row.lead_ids),
        counts=counts,
    )
