"""The table of sources: reading and writing its rows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.tables import source


async def list_sources(connection: AsyncConnection) -> list[dict[str, Any]]:
    """[{"provider", "name", "settings", "created_at"}], by provider and name."""
    query = sa.select(source).order_by(source.c.provider, source.c.name)
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def find_source(
    connection: AsyncConnection, provider: str, name: str
) -> dict[str, Any] | None:
    """The settings of one source, locked until the transaction ends; None when there is none."""
    query = (
        sa.select(source.c.settings)
        .where(source.c.provider == provider, source.c.name == name)
        .with_for_update()
    )
    settings: dict[str, Any] | None = await connection.scalar(query)
    return settings


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
