"""`leadscore duplicates`: leads that may be one person, found, listed and decided on."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from services.console.stage_commands import Actor, fail, now_ms, whoever

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from services.console.duplicates.desk import DuplicateDesk, Pair

app = typer.Typer(help="Leads that may be one person.", no_args_is_help=True)

One = Annotated[str, typer.Argument(help="A lead's id, email address, user id or anonymous id.")]
Other = Annotated[str, typer.Argument(help="The other lead, likewise.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def find(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many there would be.")
    ] = False,
) -> None:
    """Go through all known leads and compare those that share a phone number, an address but for
    its spelling, or a name and something else. Pairs that were dismissed stay so.
    """
    began = time.monotonic()

    def progress(what: str, count: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r{count:,} {what}   ", nl=False, err=True)

    async def work(engine: AsyncEngine, _desk: DuplicateDesk) -> Any:
        from services.console.duplicates.finding import Finder

        return await Finder(engine, progress).find(keep=not dry_run)

    found = asyncio.run(_at_desk(work))
    seconds = time.monotonic() - began
    typer.echo(
        f"{len(found.pairs):,} pairs among {found.leads:,} leads, in {seconds:.1f} s"
        + (f"; {found.left_out:,} things too common to say anything" if found.left_out else "")
        + ("; nothing is written" if dry_run else "")
    )


@app.command("list")
def list_(
    status: Annotated[str, typer.Option(help="open, dismissed or accepted.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 20,
    as_json: Json = False,
) -> None:
    """List pairs, the most likely first, with what speaks for them."""
    if status not in ("open", "dismissed", "accepted"):
        fail("--status: open, dismissed or accepted")

    async def work(_engine: AsyncEngine, desk: DuplicateDesk) -> Any:
        return await desk.pairs(status, limit, None)  # type: ignore[arg-type]

    page = asyncio.run(_at_desk(work))
    if as_json:
        typer.echo(page.model_dump_json())
        return
    for pair in page.items:
        typer.echo(told(pair))
    if not page.items:
        typer.echo(f"no pair is {status}; `leadscore duplicates find` looks for them")
    elif page.next_cursor:
        typer.echo("there are more: --limit")


def told(pair: Pair) -> str:
    """A pair in two lines."""
    by = f"  {pair.status} by {pair.decided_by}" if pair.decided_by else ""
    reasons = ", ".join(reason.words for reason in pair.reasons)
    return f"{pair.score:.2f}  {pair.lead_a}  {pair.lead_b}{by}\n      {reasons}"


@app.command()
def accept(one: One, other: Other, actor: Actor = "") -> None:
    """They are one person: ask for the merge. The older known lead survives."""

    async def work(engine: AsyncEngine, desk: DuplicateDesk) -> Any:
        a, b = await _leads(engine, one, other)
        return await desk.accept(a, b, whoever(actor), uuid4().hex)

    done = asyncio.run(_at_desk(work))
    typer.echo(f"{done.lead_id} and {done.other}: one person: accepted")


@app.command()
def dismiss(one: One, other: Other, actor: Actor = "", as_json: Json = False) -> None:
    """They are two: not shown again, unless something new speaks for it."""

    async def work(engine: AsyncEngine, desk: DuplicateDesk) -> Any:
        a, b = await _leads(engine, one, other)
        return await desk.dismiss(a, b, whoever(actor))

    pair = asyncio.run(_at_desk(work))
    typer.echo(json.dumps(pair.model_dump(mode="json")) if as_json else told(pair))


async def _leads(engine: AsyncEngine, *names: str) -> tuple[UUID, UUID]:
    """The two leads that are named. Raises RefusedError."""
    from deploy.local.state import load_settings
    from services.console.refusals import RefusedError
    from services.console.stage_setting import find_lead
    from shared.identifier_forms import forms_of

    found = []
    async with engine.connect() as connection:
        for name in names:
            lead_id = await find_lead(connection, name, forms_of(load_settings()))
            if lead_id is None:
                raise RefusedError(404, "lead_not_found", f"there is no lead {name}")
            found.append(lead_id)
    return found[0], found[1]


async def _at_desk(work: Callable[[AsyncEngine, DuplicateDesk], Awaitable[Any]]) -> Any:
    from sqlalchemy.exc import SQLAlchemyError

    from deploy.local.state import load_settings
    from services.console.duplicates.desk import DuplicateDesk
    from services.console.event_sender import EventSender
    from services.console.merging import MergeDesk
    from services.console.refusals import RefusedError
    from shared.database import create_engine

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    hash_key = settings.hash_key.get_secret_value().encode()
    merging = MergeDesk(engine, sender.send, now_ms, hash_key)
    try:
        return await work(engine, DuplicateDesk(engine, merging))
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")
    finally:
        await sender.stop()
        await engine.dispose()
