"""The schema: up, down, up, and the same as shared.tables says."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from shared.database import (
    NewerSchemaError,
    create_engine,
    engine_for,
    migrate,
    pending_migrations,
)
from shared.settings import Settings
from shared.tables import metadata
from tests.conftest import Stack


async def test_migrations_go_up_down_and_up_again(stack: Stack) -> None:
    """What goes up comes down without a trace, and goes up again."""
    url = await _empty_database(stack)
    every = [f"{number:04d}" for number in range(1, 11)]
    assert await asyncio.to_thread(pending_migrations, url) == every
    await asyncio.to_thread(migrate, url, "0001")
    assert await asyncio.to_thread(pending_migrations, url) == [
        "0002",
        "0003",
        "0004",
        "0005",
        "0006",
        "0007",
        "0008",
        "0009",
        "0010",
    ]
    await asyncio.to_thread(migrate, url)
    assert await asyncio.to_thread(pending_migrations, url) == []
    await asyncio.to_thread(migrate, url, "base")
    assert await _tables(url) == ["alembic_version"]
    await asyncio.to_thread(migrate, url)
    assert set(await _tables(url)) == {"alembic_version", *metadata.tables}


async def test_a_database_of_a_newer_leadscore_is_told_from_an_old_one(stack: Stack) -> None:
    """Nothing is said to be pending that can't be run."""
    url = await _empty_database(stack)
    await asyncio.to_thread(migrate, url)
    engine = engine_for(url, application_name="test", pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(NewerSchemaError, match="9999"):
        await asyncio.to_thread(pending_migrations, url)


async def test_two_migrations_at_once_wait_for_each_other(stack: Stack) -> None:
    """Two processes that migrate at start-up don't trip over each other."""
    url = await _empty_database(stack)
    await asyncio.gather(*(asyncio.to_thread(migrate, url) for _ in range(2)))
    assert await asyncio.to_thread(pending_migrations, url) == []


async def test_the_migrated_schema_is_the_one_the_code_reads(database_url: str) -> None:
    """No table, column, default or index differs between the migrations and shared.tables."""

    def compare(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    engine = engine_for(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(compare) == []
    await engine.dispose()


async def test_an_engine_speaks_utc_and_keeps_its_writes(settings: Settings) -> None:
    """Sessions are in UTC, and the server's durability is not turned down."""
    engine = create_engine(settings)
    async with engine.connect() as connection:
        for name, value in {
            "TimeZone": "UTC",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
        }.items():
            assert (await connection.execute(text(f"SHOW {name}"))).scalar_one() == value
    await engine.dispose()


async def _empty_database(stack: Stack) -> str:
    name = f"empty_{uuid.uuid4().hex[:12]}"
    engine = engine_for(stack.admin_database_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return stack.database_url(name)


async def _tables(url: str) -> list[str]:
    engine = engine_for(url)
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        )
        names = [str(row[0]) for row in rows]
    await engine.dispose()
    return names
