"""Destinations, as they are stored: who gets what, and where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg

from shared.outbound.addresses import RefusedAddressError, check_url
from shared.outbound.kinds import EmailWishes, WebhookWishes, WishError, Wishes, wishes_of
from shared.outbound.message_types import MESSAGE_TYPES, unknown_types
from shared.outbound.resolving import Resolver, UnresolvedNameError
from shared.outbound.signing import new_secret

# Each is allowed some requests at once whatever the others do: so there is an end to them.
DESTINATIONS_MAX = 100
GRACE_HOURS = 24.0  # a former secret signs for so long, too
GRACE_MAX_HOURS = 24.0 * 30
SECRETS_MAX = 5

_COLUMNS = """
id, name, kind, url, settings::text AS settings, secrets::text AS secrets, allow_private,
disabled_why, created_at, failures, openings, open_until
"""
COUNT = "SELECT count(*) FROM destination"
ADD = """
INSERT INTO destination (id, name, kind, url, allow_private, settings, secrets)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb)
"""
LIST = f"""
SELECT {_COLUMNS},
       (SELECT count(*) FROM delivery WHERE destination_id = d.id AND status = 'waiting') AS waiting
FROM destination AS d ORDER BY name
"""  # noqa: S608 - texts of ours
FIND = LIST.replace("ORDER BY name", "WHERE name = $1")
CHANGE = "UPDATE destination SET url = $2, settings = $3::jsonb, allow_private = $4 WHERE id = $1"
# Only over the secrets that were read: of two who rotate at a time one is told to try again.
ROTATE = """
UPDATE destination SET secrets = $3::jsonb WHERE id = $1 AND secrets = $2::jsonb RETURNING id
"""
REMOVE = "DELETE FROM destination WHERE name = $1 RETURNING id"
ENABLE = """
UPDATE destination SET disabled_why = NULL, failures = 0, openings = 0, open_until = NULL
WHERE name = $1 RETURNING id
"""
DISABLE = "UPDATE destination SET disabled_why = $2 WHERE id = $1 AND disabled_why IS NULL"


class Database(Protocol):
    """A pool of asyncpg's, or one of its connections."""

    async def execute(self, query: str, *args: Any) -> str: ...

    async def fetch(self, query: str, *args: Any) -> Sequence[Any]: ...

    async def fetchval(self, query: str, *args: Any) -> Any: ...


class DestinationError(Exception):
    """A destination can't be so; the message says why and what to do."""


class NoDestinationError(DestinationError):
    """There is none of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no destination named {name!r}: see `leadscore destinations list`"
        )


class TakenNameError(DestinationError):
    """There is one of that name, or someone else changed it meanwhile."""


@dataclass(frozen=True, slots=True)
class Secret:
    """until: second since 1970 from which it signs no more; None for the newest."""

    secret: str = field(repr=False)
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver. disabled_why: None while it is sent to · unreadable: why its settings can't be
    read, such as those of a later version; "" where they can: nothing goes to it then ·
    failures, openings, open_until: see services/router/breaker.py. URLs of chats, headers and
    secrets are no one's to see.
    """

    id: UUID
    name: str
    kind: str
    url: str = field(repr=False)
    wishes: Wishes = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    allow_private: bool
    disabled_why: str | None
    created_at: datetime
    failures: int = 0
    openings: int = 0
    open_until: datetime | None = None
    waiting: int = 0
    unreadable: str = ""

    def signing(self, now_s: float) -> list[str]:
        """The secrets that sign now, the newest first."""
        return [each.secret for each in self.secrets if each.until is None or each.until > now_s]

    @property
    def address(self) -> str:
        """Where it leads, without what may be a secret."""
        if isinstance(self.wishes, EmailWishes):
            return ", ".join(self.wishes.to)
        parts = urlsplit(self.url)
        # The path of a chat's webhook is its password.
        path = parts.path if self.kind == "webhook" else "/…"
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{path}"


def read_destination(row: Any) -> Destination:
    """From a row with _COLUMNS, and waiting or not."""
    values = dict(row)
    kind, settings = values["kind"], json.loads(values.pop("settings"))
    stored = json.loads(values.pop("secrets"))
    unreadable = ""
    try:
        wishes = wishes_of(kind, settings)
    except WishError as error:
        wishes, unreadable = Wishes(), str(error)
    return Destination(
        wishes=wishes,
        unreadable=unreadable,
        secrets=tuple(Secret(each["secret"], each["until"]) for each in stored),
        **values,
    )


async def add(
    database: Database,
    name: str,
    url: str = "",
    allow_private: bool = False,
    *,
    kind: str = "webhook",
    settings: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> str:
    """Store a destination after checking where it leads; return its secret ("" for other kinds
    than webhooks). Raises DestinationError.
    """
    wishes = _wishes(kind, settings or {})
    _check_name(name)
    await _check_target(kind, url, allow_private)
    if await database.fetchval(COUNT) >= DESTINATIONS_MAX:
        raise DestinationError(f"there are {DESTINATIONS_MAX} destinations already: remove one")
    if await database.fetch(FIND, name):
        raise TakenNameError(f"there is a destination named {name!r} already")
    if dry_run:
        return ""
    secret = new_secret() if kind == "webhook" else ""
    secrets = [Secret(secret)] if secret else []
    try:
        await database.execute(
            ADD, uuid4(), name, kind, url, allow_private, _written(wishes), _kept(secrets)
        )
    except asyncpg.UniqueViolationError as error:
        raise TakenNameError(f"there is a destination named {name!r} already") from error
    return secret


async def change(
    database: Database,
    name: str,
    *,
    url: str | None = None,
    allow_private: bool | None = None,
    settings: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> Destination:
    """Change what is given; of the settings whole entries (filter, fields, rate, headers, to).
    What waits goes by the new ones. Raises DestinationError.
    """
    found = await find(database, name)
    if found.unreadable:
        raise DestinationError(
            f"the settings of {name!r} can't be read ({found.unreadable}): remove it, and add it"
        )
    asked = {**json.loads(_written(found.wishes)), **(settings or {})}
    wishes = _wishes(found.kind, {k: v for k, v in asked.items() if v is not None})
    url = found.url if url is None else url
    private = found.allow_private if allow_private is None else allow_private
    await _check_target(found.kind, url, private)
    if not dry_run:
        await database.execute(CHANGE, found.id, url, _written(wishes), private)
    return Destination(
        **{each: getattr(found, each) for each in Destination.__slots__}
        | {"url": url, "wishes": wishes, "allow_private": private}
    )


async def rotate(
    database: Database,
    name: str,
    now_s: float,
    grace_hours: float = GRACE_HOURS,
    *,
    dry_run: bool = False,
) -> str:
    """A new secret; the former ones sign, too, until the grace is over. Raises DestinationError."""
    found = await find(database, name)
    if found.kind != "webhook":
        raise DestinationError(f"{name!r} has no secret: {found.kind} isn't signed")
    if not 0 <= grace_hours <= GRACE_MAX_HOURS:
        raise DestinationError(f"the grace has 0 to {GRACE_MAX_HOURS:g} hours")
    until = now_s + grace_hours * 3600
    kept = [
        Secret(each.secret, until if each.until is None else min(each.until, until))
        for each in found.secrets
        if grace_hours and (each.until is None or each.until > now_s)
    ]
    if len(kept) >= SECRETS_MAX:
        raise DestinationError(
            f"{SECRETS_MAX} secrets sign already: wait, or rotate with --grace-hours 0"
        )
    if dry_run:
        return ""
    secret = new_secret()
    secrets = _kept([Secret(secret), *kept])
    if await database.fetchval(ROTATE, found.id, _kept(found.secrets), secrets) is None:
        raise TakenNameError("somebody else rotated it just now: look before you rotate again")
    return secret


async def listed(database: Database) -> list[Destination]:
    return [read_destination(row) for row in await database.fetch(LIST)]


async def find(database: Database, name: str) -> Destination:
    """Raises NoDestinationError."""
    rows = await database.fetch(FIND, name) if "\0" not in name else []
    if not rows:
        raise NoDestinationError(name)
    return read_destination(rows[0])


async def remove(database: Database, name: str) -> bool:
    """Remove it with its deliveries; False if there is none of that name."""
    return await database.fetchval(REMOVE, name) is not None


async def enable(database: Database, name: str) -> bool:
    """Send again to a destination that was disabled; False if there is none of that name."""
    return await database.fetchval(ENABLE, name) is not None


async def disable(database: Database, destination_id: UUID, why: str) -> None:
    await database.execute(DISABLE, destination_id, why)


async def check(url: str, allow_private: bool) -> None:
    """Raises DestinationError if the URL leads where webhooks must not go."""
    resolver = Resolver()
    try:
        parts = check_url(url, allow_private)
        port = parts.port or {"https": 443, "http": 80}[parts.scheme]
        await resolver.resolve(parts.hostname or "", port, allow_private)
    except RefusedAddressError as error:
        hint = "; for a receiver on your own network add --allow-private" if error.private else ""
        raise DestinationError(f"{error}{hint}") from error
    except (TimeoutError, UnresolvedNameError) as error:
        raise DestinationError(str(error)) from error
    finally:
        resolver.close()


def shown(destination: Destination, now_s: float) -> dict[str, Any]:
    """What people may see of a destination: secrets by their number, headers by their names."""
    wishes = destination.wishes
    settings = wishes.model_dump(exclude={"headers"})
    if isinstance(wishes, WebhookWishes):
        settings["headers"] = sorted(wishes.headers)
    return {
        "name": destination.name,
        "kind": destination.kind,
        "address": destination.address,
        "allow_private": destination.allow_private,
        "state": state_of(destination),
        "disabled_why": destination.disabled_why,
        "secrets": len(destination.signing(now_s)),
        "waiting": destination.waiting,
        "created_at": destination.created_at,
        "settings": settings,
    }


def state_of(destination: Destination) -> str:
    """enabled, disabled, unreadable, or held: it failed so often that it is only probed."""
    if destination.unreadable:
        return "unreadable"
    if destination.disabled_why is not None:
        return "disabled"
    return "enabled" if destination.open_until is None else "held"


async def _check_target(kind: str, url: str, allow_private: bool) -> None:
    if kind == "email":
        if url:
            raise DestinationError("an email destination has addresses (to), and no URL")
        return
    if not url:
        raise DestinationError(f"a {kind} destination has a URL")
    await check(url, allow_private)


def _check_name(name: str) -> None:
    # It is part of a path: neither a slash nor a name such as ".." would arrive.
    if not 1 <= len(name) <= 100 or not name.isprintable() or "/" in name or not name.strip("."):
        raise DestinationError(
            "a name has 1 to 100 printable characters, no slash, and isn't made of dots alone"
        )


def _wishes(kind: str, settings: dict[str, Any]) -> Wishes:
    try:
        wishes = wishes_of(kind, settings)
    except WishError as error:
        raise DestinationError(str(error)) from error
    # Only when it is written: a type that is gone some day must not make settings unreadable.
    for pattern in unknown_types(wishes.filter.types):
        raise DestinationError(
            f"filter.types: no message is of type {pattern!r}; there are {', '.join(MESSAGE_TYPES)}"
        )
    return wishes


def _written(wishes: Wishes) -> str:
    return wishes.model_dump_json(exclude_unset=True)


def _kept(secrets: Sequence[Secret]) -> str:
    return json.dumps([{"secret": each.secret, "until": each.until} for each in secrets])
