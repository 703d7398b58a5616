"""Postgres: the engine, the driver's address, and the migrations."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.settings import Settings

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 120.0
# Any number will do: it keeps two migrations from running at once.
MIGRATION_LOCK = 5_014_202_611


def plain_dsn(database_url: str) -> str:
    """The address as asyncpg and libpq read it: `postgres://` and `+driver` are made plain.

    Unix sockets stand as `postgresql://user@/name?host=/folder`; `sslmode=…` is understood.
    """
    return re.sub(r"^postgres(?:ql)?(?:\+\w+)?://", "postgresql://", database_url)


def dsn(settings: Settings) -> str:
    """The address for raw asyncpg."""
    return plain_dsn(settings.database_url.get_secret_value())


def create_engine(settings: Settings, **over: Any) -> AsyncEngine:
    """An engine of up to 10 connections over asyncpg; `over` goes to `create_async_engine`."""
    return engine_for(dsn(settings), application_name=settings.instance or "leadscore", **over)


def engine_for(
    database_url: str, *, application_name: str = "leadscore", **over: Any
) -> AsyncEngine:
    """An engine for an address; see `create_engine`."""
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 5, **over}
    return create_async_engine(
        "postgresql+asyncpg://",
        hide_parameters=True,  # they are people's data: errors don't quote them
        async_creator=_connector(plain_dsn(database_url), application_name),
        **options,
    )


def _connector(
    address: str, application_name: str
) -> Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            address,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            server_settings={"application_name": application_name, "timezone": "UTC"},
        )

    return connect


class NewerSchemaError(Exception):
    """A newer leadscore has migrated this database. The message says what to do."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database stands at migration {revision}, which this leadscore doesn't know: "
            "run a leadscore at least as new as the one that migrated it"
        )


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`, or down to it ("base" empties the database).

    Blocking; call it by `asyncio.to_thread` where a loop runs. Two at once wait for each other.
    """

    def work(connection: Connection, config: Config) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        script = ScriptDirectory.from_config(config)
        target = script.as_revision_number(revision)
        current = MigrationContext.configure(connection).get_current_revision()
        known = [each.revision for each in script.walk_revisions()]  # newest first
        down = revision == "base" or (
            current in known
            and isinstance(target, str)
            and target in known
            and known.index(target) > known.index(current)
        )
        (command.downgrade if down else command.upgrade)(config, revision)

    asyncio.run(_with_config(database_url, work))


def pending_migrations(database_url: str) -> list[str]:
    """Revisions that are not applied yet, oldest first; empty when all is well. Blocking.

    Raises NewerSchemaError when the database stands at a revision that isn't known here.
    """
    pending: list[str] = []

    def work(connection: Connection, config: Config) -> None:
        script = ScriptDirectory.from_config(config)
        current = MigrationContext.configure(connection).get_current_revision()
        known = [each.revision for each in script.walk_revisions()]  # newest first
        if current is not None and current not in known:
            raise NewerSchemaError(current)
        newer = known if current is None else known[: known.index(current)]
        pending.extend(reversed(newer))

    asyncio.run(_with_config(database_url, work))
    return pending


async def _with_config(database_url: str, work: Callable[[Connection, Config], None]) -> None:
    engine = engine_for(database_url, application_name="leadscore-migrations", pool_size=1)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    try:
        async with engine.begin() as connection:

            def run(sync_connection: Connection) -> None:
                config.attributes["connection"] = sync_connection
                work(sync_connection, config)

            await connection.run_sync(run)
    finally:
        await engine.dispose()
