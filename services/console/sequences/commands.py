"""`leadscore sequences`: what runs; leads started, stopped, paused, resumed and moved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from services.console.stage_commands import fail, now_ms, whoever

app = typer.Typer(help="Nurture sequences.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A sequence of the ruleset.")]
Lead = Annotated[str, typer.Argument(help="A lead's email address, id, user id or anonymous id.")]
MaybeLead = Annotated[
    str, typer.Argument(help="Only this lead; left out: the sequence for everybody.")
]
Actor = Annotated[str, typer.Option(help="Who says so; your user name when left out.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, and change nothing.")]


@app.command("list")
def list_sequences() -> None:
    """Sequences, how many leads are on them, and how many steps went out."""
    for one in _run(lambda desk, _: desk.listed()).items:
        state = f"paused since {one.paused_since}" if one.paused_since else "runs"
        sent = sum(step.sent for step in one.steps)
        running = sum(one.running.values())
        typer.echo(f"{one.id}\t{state}\t{running} on it\t{sent} sent\t{one.title}")


@app.command()
def show(name: Name) -> None:
    """A sequence as JSON: its steps, why leads left it, who is on older versions."""
    typer.echo(_run(lambda desk, _: desk.one(name)).model_dump_json(indent=2))


@app.command()
def start(name: Name, lead: Lead, actor: Actor = "", dry_run: DryRun = False) -> None:
    """A lead begins it, if it is of its audience and wasn't on it before."""
    _order("start", name, lead, actor, dry_run)


@app.command()
def stop(name: Name, lead: Lead, actor: Actor = "", dry_run: DryRun = False) -> None:
    """A lead leaves it."""
    _order("stop", name, lead, actor, dry_run)


@app.command()
def pause(name: Name, lead: MaybeLead = "", actor: Actor = "", dry_run: DryRun = False) -> None:
    """Nothing goes out until it is resumed."""
    _order("pause", name, lead, actor, dry_run)


@app.command()
def resume(name: Name, lead: MaybeLead = "", actor: Actor = "", dry_run: DryRun = False) -> None:
    """It goes on: what is late by now goes out, or is left out, as the sequence says."""
    _order("resume", name, lead, actor, dry_run)


@app.command()
def move(name: Name, lead: MaybeLead = "", actor: Actor = "", dry_run: DryRun = False) -> None:
    """Leads on older versions go on with the live one, at the same number of a step."""
    _order("move", name, lead, actor, dry_run)


def _order(order: str, name: str, lead: str, actor: str, dry_run: bool) -> None:
    async def work(desk: Any, find: Callable[[str], Awaitable[Any]]) -> Any:
        lead_id = await find(lead) if lead else None
        return await desk.take(order, name, lead_id, whoever(actor), dry_run=dry_run)

    changed = _run(work).changed
    outcome = "would change" if dry_run else "changed"
    if not changed and order == "start":
        outcome = "it is on it already:"
    typer.echo(f"{name}: {order}: {outcome} {changed} {'lead' if changed == 1 else 'leads'}")


def _run(work: Callable[[Any, Callable[[str], Awaitable[Any]]], Awaitable[Any]]) -> Any:
    """Ask the desk; what an operator can mend is said in one line."""
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.refusals import RefusedError

    try:
        return asyncio.run(_at_desk(work))
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")


async def _at_desk(work: Callable[[Any, Callable[[str], Awaitable[Any]]], Awaitable[Any]]) -> Any:
    from deploy.local.state import load_settings
    from services.console.refusals import RefusedError
    from services.console.sequences.desk import SequenceDesk
    from services.console.stage_setting import find_lead
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings, pool_size=2)

    async def find(name: str) -> Any:
        async with engine.connect() as connection:
            lead_id = await find_lead(connection, name, forms_of(settings))
        if lead_id is None:
            raise RefusedError(404, "lead_not_found", "there is no such lead")
        return lead_id

    try:
        return await work(SequenceDesk(engine, now_ms), find)
    finally:
        await engine.dispose()
