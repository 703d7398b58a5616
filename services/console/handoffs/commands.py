"""`leadscore handoffs`: hand-offs listed, answered, released and dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from services.console.stage_commands import fail, now_ms, whoever
from shared.handoff_states import STATES, Act

app = typer.Typer(help="Hand-offs to sales and content.", no_args_is_help=True)

Id = Annotated[UUID, typer.Argument(help="The hand-off's id: that of its message.")]
Actor = Annotated[str, typer.Option(help="Who says so; your user name when left out.")]
Note = Annotated[str, typer.Option(help="Free text, kept with the hand-off alone.")]
Until = Annotated[str, typer.Option(help="A day (00:00 UTC), or an instant with its zone.")]
Reason = Annotated[str, typer.Option(help="Of the ruleset's list: leave it out to see it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, and change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_handoffs(
    status: Annotated[
        list[str] | None, typer.Option(help=f"Any of: {', '.join(STATES)}. Repeat for several.")
    ] = None,
    owner: Annotated[str, typer.Option(help="Whose.")] = "",
    lead: Annotated[str, typer.Option(help="A lead's id.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Should be answered by now.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest first, those too that wait, or that a recalculation withheld."""
    from services.console.handoffs.queries import HandoffFilter

    unknown = [one for one in status or () if one not in STATES]
    if unknown:
        fail(f"there is no status {unknown[0]}; there are {', '.join(STATES)}")
    try:
        lead_id = UUID(lead) if lead else None
    except ValueError:
        fail(f"--lead: {lead} is no id")
    which = HandoffFilter(tuple(status or ()), None, owner or None, lead_id)
    page = _run(lambda desk: desk.listed(which, limit, None, overdue=overdue))
    if as_json:
        typer.echo(page.model_dump_json(indent=2))
        return
    for one in page.items:
        due = f"due {one.due_at}" if one.due_at and one.status == "open" else one.reason
        typer.echo(
            f"{one.id}\t{one.handed_at}\t{one.kind}\t{one.stage}\t{one.status}"
            f"\t{one.owner or '-'}\t{due or '-'}"
        )
    if page.next_cursor:
        typer.echo(f"(the newest {limit}; --limit shows more)", err=True)


@app.command()
def show(handoff: Id) -> None:
    """A hand-off as JSON, with what was done with it."""
    detail = _run(lambda desk: desk.one(handoff))
    typer.echo(json.dumps(json.loads(detail.model_dump_json()), indent=2, ensure_ascii=False))


@app.command()
def accept(handoff: Id, note: Note = "", actor: Actor = "", dry_run: DryRun = False) -> None:
    """Sales takes the lead."""
    _act(handoff, "accept", dry_run, note=note, actor=whoever(actor))


@app.command()
def reject(
    handoff: Id, reason: Reason = "", note: Note = "", actor: Actor = "", dry_run: DryRun = False
) -> None:
    """Sales turns the lead down, and says why."""
    _act(handoff, "reject", dry_run, reason=reason, note=note, actor=whoever(actor))


@app.command()
def recycle(
    handoff: Id,
    until: Until,
    reason: Reason = "",
    note: Note = "",
    actor: Actor = "",
    dry_run: DryRun = False,
) -> None:
    """Back to nurturing, until a date."""
    _act(
        handoff, "recycle", dry_run,
        reason=reason, note=note, until=_instant(until), actor=whoever(actor),
    )  # fmt: skip


@app.command()
def won(
    handoff: Id,
    amount: Annotated[float | None, typer.Option(min=0, help="What it is worth.")] = None,
    currency: Annotated[str, typer.Option(help="Such as EUR.")] = "",
    note: Note = "",
    actor: Actor = "",
    dry_run: DryRun = False,
) -> None:
    """The deal is won."""
    _act(
        handoff, "won", dry_run,
        amount=amount, currency=currency, note=note, actor=whoever(actor),
    )  # fmt: skip


@app.command()
def lost(
    handoff: Id, reason: Reason = "", note: Note = "", actor: Actor = "", dry_run: DryRun = False
) -> None:
    """The deal is lost."""
    _act(handoff, "lost", dry_run, reason=reason, note=note, actor=whoever(actor))


@app.command()
def snooze(
    handoff: Id, until: Until, note: Note = "", actor: Actor = "", dry_run: DryRun = False
) -> None:
    """Put it off: it is open again then, and its clock begins anew."""
    _act(handoff, "snooze", dry_run, until=_instant(until), note=note, actor=whoever(actor))


@app.command()
def release(handoff: Id, actor: Actor = "", dry_run: DryRun = False) -> None:
    """Send a hand-off that a recalculation withheld."""
    _act(handoff, "release", dry_run, actor=whoever(actor))


@app.command()
def drop(handoff: Id, note: Note = "", actor: Actor = "", dry_run: DryRun = False) -> None:
    """Never send a hand-off that is withheld or waits."""
    _act(handoff, "drop", dry_run, note=note, actor=whoever(actor))


def _act(handoff_id: UUID, act: Act, dry_run: bool, **said: Any) -> None:
    from pydantic import ValidationError

    from services.console.handoffs.answers import ActRequest

    try:
        asked = ActRequest(**said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        fail(f"--{first['loc'][0]}: {first['msg']}")
    detail = _run(lambda desk: desk.act(handoff_id, act, asked, "cli", dry_run=dry_run))
    outcome = "nothing is changed" if dry_run else f"is {detail.status}"
    typer.echo(f"hand-off {handoff_id}: {act}: {outcome}")


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(f"{text}T00:00:00Z" if len(text) == 10 else text)
    except ValueError:
        fail(f"--until: {text} is no instant: write 2026-12-31 or 2026-12-31T17:00:00+01:00")
    if found.tzinfo is None:
        fail(f"--until: {text} says no zone: write {text}Z for UTC, or such as {text}+02:00")
    return found


def _run(work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Ask the desk; what an operator can mend is said in one line."""
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.refusals import RefusedError

    try:
        return asyncio.run(_at_desk(work))
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")


async def _at_desk(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from deploy.local.state import load_settings
    from services.console.event_sender import EventSender
    from services.console.handoffs.desk import HandoffDesk
    from shared.database import create_engine

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    try:
        return await work(HandoffDesk(engine, sender.send, now_ms, settings.router_shards))
    finally:
        await sender.stop()
        await engine.dispose()
