"""Configured providers: their keys, polled from Postgres, the last known kept while it is away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.sendgrid_signature import read_public_key
from shared.settings import Settings
from shared.tables import source

log = structlog.get_logger()

SENDGRID = "sendgrid"
DEFAULT_NAME = "default"
# Of LEADSCORE_SENDGRID_PUBLIC_KEY; not a name that `sources add` allows.
_FROM_ENVIRONMENT = "(environment)"


@dataclass(slots=True)
class Sources:
    """SendGrid's public keys, by the name given to the source."""

    sendgrid: dict[str, EllipticCurvePublicKey] = field(default_factory=dict)
    fixed: dict[str, EllipticCurvePublicKey] = field(default_factory=dict)

    def sendgrid_keys(self, name: str | None) -> list[EllipticCurvePublicKey]:
        """The key of one source; all of them where the address names none."""
        if name is None:
            return [*self.fixed.values(), *self.sendgrid.values()]
        key = self.sendgrid.get(name)
        return [] if key is None else [key]

    async def reload(self, connection: AsyncConnection) -> None:
        """Take over what is in the table now. A row that can't be read is passed over, loudly."""
        keys: dict[str, EllipticCurvePublicKey] = {}
        for row in await list_sources(connection, SENDGRID):
            try:
                keys[row["name"]] = read_public_key(str(row["settings"].get("public_key", "")))
            except ValueError as error:
                log.warning("source can't be used", provider=SENDGRID, name=row["name"],
                            why=str(error))  # fmt: skip
        self.sendgrid = keys


def sources_in_settings(settings: Settings) -> Sources:
    """The sources given by environment. Raises ValueError for a key that can't be read."""
    sources = Sources()
    if settings.sendgrid_public_key:
        sources.fixed[_FROM_ENVIRONMENT] = read_public_key(settings.sendgrid_public_key)
    return sources


async def list_sources(
    connection: AsyncConnection, provider: str | None = None
) -> list[dict[str, Any]]:
    """[{"provider", "name", "settings", "created_at"}], by provider and name."""
    query = sa.select(source).order_by(source.c.provider, source.c.name)
    if provider is not None:
        query = query.where(source.c.provider == provider)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def put_source(
    connection: AsyncConnection, provider: str, name: str, settings: dict[str, Any]
) -> None:
    """Add a source, or give the one of that name new settings."""
    await connection.execute(
        insert(source)
        .values(provider=provider, name=name, settings=settings)
        .on_conflict_do_update(
            index_elements=[source.c.provider, source.c.name], set_={"settings": settings}
        )
    )


async def remove_source(connection: AsyncConnection, provider: str, name: str) -> bool:
    """Remove a source; False when there was none."""
    done = await connection.execute(
        sa.delete(source).where(source.c.provider == provider, source.c.name == name)
    )
    return bool(done.rowcount)
