"""`leadscore stage`: a lead's stage set, locked and released by hand."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import time
from datetime import datetime
from typing import Annotated, NoReturn
from uuid import UUID, uuid4

import typer

from services.console.stage_orders import StageOrder
from shared.envelope import milliseconds, rfc3339
from shared.ruleset.stages import MAIN

app = typer.Typer(help="Stages set by hand.", no_args_is_help=True)

Lead = Annotated[str, typer.Argument(help="A lead's email address, id, user id or anonymous id.")]
Journey = Annotated[str, typer.Option(help="Which journey, where a ruleset has several.")]
Actor = Annotated[str, typer.Option(help="Who says so; your user name when left out.")]
Id = Annotated[str, typer.Option("--id", help="Sent again with the same id, it counts once.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, and send nothing.")]


@app.command("set")
def set_stage(
    lead: Lead,
    stage: Annotated[str, typer.Argument(help="A stage of the live ruleset.")],
    journey: Journey = MAIN,
    until: Annotated[
        str, typer.Option(help="Lock until a day (00:00 UTC), or an instant with its zone.")
    ] = "",
    for_: Annotated[str, typer.Option("--for", help="Lock for so long: 12h, 30d, 8w.")] = "",
    lock: Annotated[
        bool, typer.Option("--lock", help="Lock; for good, unless --until or --for is given.")
    ] = False,
    actor: Actor = "",
    id_: Id = "",
    dry_run: DryRun = False,
) -> None:
    """Put a lead in a stage. Without a lock it stands there until points come or go, or an event
    brings it to a stage beside the ladder; with one, until the lock ends or is released.
    """
    until_ms = _end_of_lock(until, for_)
    locked = lock or until_ms is not None
    _order(
        lead,
        StageOrder(stage, id_ or uuid4().hex, journey, until_ms, locked, whoever(actor)),
        dry_run,
    )


@app.command()
def release(
    lead: Lead,
    journey: Journey = MAIN,
    actor: Actor = "",
    id_: Id = "",
    dry_run: DryRun = False,
) -> None:
    """Leave a lead's stage to the ladder again."""
    _order(lead, StageOrder(None, id_ or uuid4().hex, journey, actor=whoever(actor)), dry_run)


def _end_of_lock(until: str, for_: str) -> int | None:
    """When a lock ends, in ms; None where neither is given."""
    from pydantic_core import PydanticCustomError

    from shared.ruleset.part import duration_ms

    if until and for_:
        fail("give --until or --for, not both")
    if for_:
        try:
            return now_ms() + duration_ms(for_)
        except PydanticCustomError as error:
            fail(f"--for: {error.message()}")
    if not until:
        return None
    try:
        day = len(until) == len("2026-12-31")
        end = datetime.fromisoformat(f"{until}T00:00:00Z" if day else until)
    except ValueError:
        fail(f"--until: {until} is no instant: write 2026-12-31 or 2026-12-31T17:00:00+01:00")
    if end.tzinfo is None:
        fail(f"--until: {until} says no zone: write {until}Z for UTC, or such as {until}+02:00")
    return milliseconds(end)


def _order(name: str, order: StageOrder, dry_run: bool) -> None:
    """Check the order, send it unless it's a dry run, and tell."""
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.refusals import RefusedError

    try:
        lead_id = asyncio.run(_taken(name, order, dry_run))
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")
    held = ""
    if order.until_ms is not None:
        held = f", locked until {rfc3339(order.until_ms)}"
    elif order.lock:
        held = ", locked until it is released"
    elif order.stage is not None:
        held = ", until the next points"
    what = f"released on {order.journey}" if order.stage is None else f"to {order.stage}{held}"
    typer.echo(f"lead {lead_id}: {what}: {'nothing is sent' if dry_run else 'accepted'}")


async def _taken(name: str, order: StageOrder, dry_run: bool) -> UUID:
    from deploy.local.state import load_settings
    from services.console.event_sender import EventSender
    from services.console.refusals import RefusedError
    from services.console.stage_setting import StageSetter, find_lead
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    try:
        async with engine.connect() as connection:
            lead_id = await find_lead(connection, name, forms_of(settings))
        if lead_id is None:
            raise RefusedError(404, "lead_not_found", "there is no such lead")
        setter = StageSetter(engine, sender.send, now_ms)
        await (setter.checked if dry_run else setter.take)(lead_id, order)
        return lead_id
    finally:
        await sender.stop()
        await engine.dispose()


def whoever(actor: str) -> str:
    with contextlib.suppress(OSError, KeyError):
        return actor or getpass.getuser()
    return ""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
