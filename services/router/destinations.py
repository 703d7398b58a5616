"""Webhook destinations, as they are stored: who gets what, and where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
import httpcore

from services.router.addresses import RefusedAddressError, check_url
from services.router.outbound import resolve
from services.router.outbox import Pool
from services.router.signing import new_secret

ADD = """
INSERT INTO destination (id, name, url, secret, allow_private) VALUES ($1, $2, $3, $4, $5)
"""
LIST = """
SELECT d.id, d.name, d.url, d.secret, d.allow_private, d.disabled_why, d.created_at,
       (SELECT count(*) FROM delivery WHERE destination_id = d.id AND status = 'waiting') AS waiting
FROM destination AS d ORDER BY d.name
"""
REMOVE = "DELETE FROM destination WHERE name = $1"
ENABLE = "UPDATE destination SET disabled_why = NULL WHERE name = $1"
DISABLE = "UPDATE destination SET disabled_why = $2 WHERE id = $1 AND disabled_why IS NULL"


class DestinationError(Exception):
    """A destination can't be added; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver of webhooks. disabled_why: None while it is sent to."""

    id: UUID
    name: str
    url: str
    secret: str
    allow_private: bool
    disabled_why: str | None
    created_at: datetime
    waiting: int


async def add(pool: Pool, name: str, url: str, allow_private: bool) -> str:
    """Store a destination after checking where it leads; return its secret.

    Raises DestinationError.
    """
    await check(url, allow_private)
    secret = new_secret()
    try:
        await pool.execute(ADD, uuid4(), name, url, secret, allow_private)
    except asyncpg.UniqueViolationError as error:
        raise DestinationError(f"there is a destination named {name!r} already") from error
    return secret


async def check(url: str, allow_private: bool) -> None:
    """Raises DestinationError if the URL leads where webhooks must not go."""
    try:
        parts = check_url(url, allow_private)
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
        await resolve(parts.hostname or "", port, allow_private)
    except RefusedAddressError as error:
        hint = "" if allow_private else "; for a receiver on your own network add --allow-private"
        raise DestinationError(f"{error}{hint}") from error
    except (TimeoutError, httpcore.ConnectError) as error:
        raise DestinationError(str(error)) from error


async def listed(pool: Pool) -> list[Destination]:
    return [Destination(**row) for row in await pool.fetch(LIST)]


async def remove(pool: Pool, name: str) -> bool:
    """Remove it with its deliveries; False if there is none of that name."""
    return bool(int((await pool.execute(REMOVE, name)).split()[-1]))


async def enable(pool: Pool, name: str) -> bool:
    """Send again to a destination that was disabled; False if there is none of that name."""
    return bool(int((await pool.execute(ENABLE, name)).split()[-1]))


async def disable(pool: Pool, destination_id: UUID, why: str) -> None:
    await pool.execute(DISABLE, destination_id, why)
