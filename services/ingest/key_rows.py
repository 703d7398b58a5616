"""The table of keys: reading and writing its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.keys import Sender, key_hash
from shared.tables import api_key

PREFIX_CHARACTERS = 8


async def valid_keys(connection: AsyncConnection) -> dict[bytes, Sender]:
    """Hash → sender, of the keys that are neither revoked nor expired."""
    query = sa.select(api_key).where(
        api_key.c.revoked_at.is_(None),
        sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > sa.func.now()),
    )
    return {
        bytes(row["hash"]): Sender(
            row["source"],
            row["public"],
            row["id"],
            None if row["origins"] is None else frozenset(row["origins"]),
            None if row["uses"] is None else frozenset(row["uses"]),
            row["rate"],
        )
        for row in (await connection.execute(query)).mappings()
    }


async def note_used(connection: AsyncConnection, used: Mapping[int, float]) -> None:
    """Write down when keys were used last (id → seconds since 1970), to the minute."""
    for key_id, at in sorted(used.items()):
        moment = datetime.fromtimestamp(at, UTC)
        await connection.execute(
            sa.update(api_key)
            .where(
                api_key.c.id == key_id,
                sa.or_(
                    api_key.c.used_at.is_(None),
                    api_key.c.used_at < moment - timedelta(minutes=1),
                ),
            )
            .values(used_at=moment)
        )
    if used:
        await connection.commit()


async def add_key(
    connection: AsyncConnection,
    key: str,
    source: str,
    *,
    public: bool,
    origins: Sequence[str] | None = None,
    uses: Sequence[str] | None = None,
    rate: int = 0,
    expires_at: datetime | None = None,
) -> int:
    """Put a key down by its hash; its id."""
    made = await connection.scalar(
        sa.insert(api_key)
        .values(
            hash=key_hash(key),
            source=source,
            public=public,
            prefix=key[:PREFIX_CHARACTERS],
            origins=list(origins) if origins else None,
            uses=list(uses) if uses else None,
            rate=rate,
            expires_at=expires_at,
        )
        .returning(api_key.c.id)
    )
    assert made is not None
    return int(made)


async def list_keys(connection: AsyncConnection, *, ended: bool) -> list[dict[str, Any]]:
    """The keys, by source; with those that are revoked or expired if asked."""
    query = sa.select(
        *(column for column in api_key.c if column.name != "hash"),
        sa.case(
            (api_key.c.revoked_at.is_not(None), "revoked"),
            (api_key.c.expires_at <= sa.func.now(), "expired"),
            else_="valid",
        ).label("state"),
    ).order_by(api_key.c.source, api_key.c.id)
    rows = [dict(row) for row in (await connection.execute(query)).mappings()]
    return [row for row in rows if ended or row["state"] == "valid"]


async def find_key(connection: AsyncConnection, key_id: int) -> dict[str, Any] | None:
    """One row, locked until the transaction ends."""
    query = sa.select(api_key).where(api_key.c.id == key_id).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else dict(row)


async def end_key(connection: AsyncConnection, key_id: int, *, at: datetime | None) -> None:
    """Revoke a key now, or let it expire at a moment."""
    values = {"revoked_at": sa.func.now()} if at is None else {"expires_at": at}
    await connection.execute(sa.update(api_key).where(api_key.c.id == key_id).values(values))
