"""`leadscore lead merge`, `unmerge` and `merges`: leads joined and parted by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from services.console.stage_commands import Actor, DryRun, Id, fail, now_ms, whoever

if TYPE_CHECKING:
    from services.console.merge_answers import AcceptedMerge
    from services.console.merging import MergeDesk

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.1

Wait = Annotated[bool, typer.Option("--wait", help="Until the scorer has done it, up to 30 s.")]
Who = Annotated[str, typer.Argument(help="A lead's email address, id, user id or anonymous id.")]


def merge(
    lead: Who,
    other: Annotated[str, typer.Argument(help="The other lead, likewise.")],
    actor: Actor = "",
    id_: Id = "",
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Say that two leads are one person. The older known one survives and keeps its id; scores are
    computed again over both histories, and nobody is handed over twice.
    """

    async def order(desk: MergeDesk, leads: list[UUID]) -> Any:
        one, two = leads
        done = await desk.merge(one, two, id_ or uuid4().hex, whoever(actor), dry_run=dry_run)
        if wait and not dry_run:
            await _carried_out(desk, done, joined=True)
        return done

    done = asyncio.run(_at_desk(order, lead, other))
    _tell(f"{done.lead_id} and {done.other}: one person", dry_run=dry_run, waited=wait)


def unmerge(
    absorbed: Annotated[str, typer.Argument(help="The id of the lead that was absorbed.")],
    actor: Actor = "",
    id_: Id = "",
    dry_run: DryRun = False,
    wait: Wait = False,
) -> None:
    """Take a merge back: both leads stand as if it had not happened; later events stay with the
    identifier that brought them. What is said of the two from now on counts again.
    """

    async def order(desk: MergeDesk, leads: list[UUID]) -> Any:
        done = await desk.unmerge(leads[0], id_ or uuid4().hex, whoever(actor), dry_run=dry_run)
        if wait and not dry_run:
            await _carried_out(desk, done, joined=False)
        return done

    done = asyncio.run(_at_desk(order, absorbed))
    _tell(f"{done.lead_id} and {done.other}: two people", dry_run=dry_run, waited=wait)


def merges(lead: Who) -> None:
    """List the merges that a lead took part in, newest first."""

    async def read(desk: MergeDesk, leads: list[UUID]) -> Any:
        return await desk.merges(leads[0])

    found = asyncio.run(_at_desk(read, lead)).items
    for one in found:
        by = f" by {one.actor}" if one.actor else ""
        typer.echo(f"{one.at}  {one.absorbed} → {one.survivor}  {one.cause}{by}")
        if one.undone_at is not None:
            typer.echo(f"    taken back {one.undone_at} {one.undone_by}".rstrip())
    if not found:
        typer.echo("none")


def _tell(what: str, *, dry_run: bool, waited: bool) -> None:
    typer.echo(f"{what}: {'nothing is sent' if dry_run else 'done' if waited else 'accepted'}")


async def _carried_out(desk: MergeDesk, order: AcceptedMerge, *, joined: bool) -> None:
    """Wait until the two are one, or two again; say when they still aren't, and exit with 1."""
    until = time.monotonic() + WAIT_SECONDS
    while await desk.are_one(order.lead_id, order.other) is not joined:
        if time.monotonic() > until:
            fail(f"accepted, and not done after {WAIT_SECONDS:g} s: is a scorer running?")
        await asyncio.sleep(POLL_SECONDS)


async def _at_desk(work: Callable[[MergeDesk, list[UUID]], Awaitable[Any]], *names: str) -> Any:
    """Find the leads that are named, and do the work; or say why not, and exit with 1."""
    from sqlalchemy.exc import SQLAlchemyError

    from deploy.local.state import load_settings
    from services.console.event_sender import EventSender
    from services.console.merging import MergeDesk
    from services.console.refusals import RefusedError
    from services.console.stage_setting import find_lead
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    try:
        leads = []
        for name in names:
            async with engine.connect() as connection:
                lead_id = await find_lead(connection, name, forms_of(settings))
            if lead_id is None:
                raise RefusedError(404, "lead_not_found", f"there is no lead {name}")
            leads.append(lead_id)
        hash_key = settings.hash_key.get_secret_value().encode()
        return await work(MergeDesk(engine, sender.send, now_ms, hash_key), leads)
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")
    finally:
        await sender.stop()
        await engine.dispose()
