"""leadscore retention: how far it is, and what would go."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

app = typer.Typer(help="Old data: what is kept for how long.", no_args_is_help=True)


@app.command()
def show() -> None:
    """Each class of data: for how many days it is kept, up to when it is gone, and how far the
    sweep is that goes on.
    """
    for line in _asked(_shown):
        typer.echo(line)


@app.command()
def preview() -> None:
    """How many rows of each class would go by now. Changes nothing; reads whole tables."""
    for line in _asked(_previewed):
        typer.echo(line)


def _asked(ask: Callable[[Any, Any], Awaitable[list[str]]]) -> list[str]:
    import asyncpg

    from deploy.local.state import load_settings
    from services.scorer.audit.workers import connected

    settings = load_settings()

    async def run() -> list[str]:
        async with (
            connected(settings) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await ask(connection, settings)

    try:
        return asyncio.run(run())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        typer.echo(f"Postgres: {error or type(error).__name__}", err=True)
        raise typer.Exit(2) from None


async def _shown(connection: Any, settings: Any) -> list[str]:
    from services.scorer.retention import queries
    from services.scorer.retention.keeper import CLASSES

    rows = {row["class"]: row for row in await connection.fetch(queries.PROGRESS)}
    leads = await connection.fetchval("SELECT count(*) FROM lead")
    return [
        progress_in_words(name, kind.days(settings), rows.get(name), leads)
        for name, kind in CLASSES.items()
    ]


async def _previewed(connection: Any, settings: Any) -> list[str]:
    from services.scorer.queries import NOW_MS
    from services.scorer.retention.keeper import CLASSES
    from services.scorer.retention.preview import would_go

    counts = await would_go(connection, settings, await connection.fetchval(NOW_MS))
    return [
        f"{name}: {counts[name]} would go" if name in counts else f"{name}: kept for ever"
        for name in CLASSES
    ]


def progress_in_words(name: str, days: int, row: Any, leads: int) -> str:
    """One line. row: of the table retention, None before the first sweep."""
    kept = f"kept for {days} days" if days else "kept for ever"
    if row is None:
        return f"{name}: {kept}; nothing gone so far"
    until = datetime.fromtimestamp(row["until_ms"] / 1000).astimezone().isoformat(" ", "minutes")
    told = f"{name}: {kept}; gone up to {until}, {row['done']} rows in all"
    seconds = (row["seen_at"] - row["begun_at"]).total_seconds()
    rate = f", {row['looked'] / seconds:.0f} a second" if seconds >= 1 else ""
    if row["ended_at"] is not None:
        ended = row["ended_at"].astimezone().isoformat(" ", "minutes")
        return f"{told}; the last sweep ended {ended}{rate}"
    of = f" of {leads} leads" if name != "logs" else " rows"
    return f"{told}; looked at {row['looked']}{of}{rate}"
