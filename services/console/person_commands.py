"""`leadscore person`: what is held of a person, erasing them, and the proofs."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from services.console.stage_commands import Actor, DryRun, whoever

if TYPE_CHECKING:
    from services.console.answers import AcceptedErasure, Erasure
    from services.console.erasures import PersonDesk

app = typer.Typer(help="A person: access and erasure.", no_args_is_help=True)
Result = TypeVar("Result")

Email = Annotated[str | None, typer.Argument(help="Their email address.", show_default=False)]
UserId = Annotated[str | None, typer.Option("--user-id", help="Instead: their user id.")]
Phone = Annotated[str | None, typer.Option(help="Instead: their phone number, such as +49….")]
LeadId = Annotated[str | None, typer.Option("--lead", help="Instead: the id of their lead.")]

# How long the command waits for the scorer.
PROOF_SECONDS = 60.0
POLL_SECONDS = 0.2


@app.command()
def export(
    email: Email = None,
    user_id: UserId = None,
    phone: Phone = None,
    lead: LeadId = None,
    out: Annotated[
        Path | None, typer.Option(help="A file to write, for you alone to read; else the output.")
    ] = None,
) -> None:
    """Write everything that is held of a person, as JSON."""
    from services.console.person_requests import PersonRequest

    asked = _asked(PersonRequest, email, user_id, phone, lead)
    held = json.dumps(_at_desk(lambda desk: desk.export(asked)), ensure_ascii=False, indent=2)
    if out is None:
        typer.echo(held)
        return
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(held + "\n")


@app.command()
def erase(
    email: Email = None,
    user_id: UserId = None,
    phone: Phone = None,
    lead: LeadId = None,
    reason: Annotated[
        str, typer.Option(help="Why, for the proof: without names, such as a ticket's number.")
    ] = "",
    actor: Actor = "",
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase a person for good: from leads, identifiers, events, scores, stage histories, what waits
    to be sent, and the webhook log. What was received before and comes later is dropped.
    """
    from services.console.person_requests import ErasureRequest

    if not reason.strip():
        _fail("say why: --reason, such as a ticket's number")
    asked = _asked(
        ErasureRequest, email, user_id, phone, lead, reason=reason, actor=whoever(actor),
        dry_run=True,
    )  # fmt: skip
    found = _at_desk(lambda desk: desk.erase(asked))
    typer.echo(
        f"found: leads: {len(found.leads)}, identifiers: {found.identifiers}, "
        f"events: {found.events}"
    )
    if dry_run:
        typer.echo("nothing is sent")
        return
    if not yes:
        typer.confirm("Erase this person for good?", abort=True)
    order = asked.model_copy(update={"dry_run": False})
    sent, proof = _at_desk(lambda desk: _erased(desk, order))
    typer.echo(f"Kafka has deleted its records of them by {sent.kafka_until}")
    if proof is None:
        _fail(
            f"erasure {sent.erasure_id} is sent, but no scorer has finished it within "
            f"{PROOF_SECONDS:g} s: see leadscore person proofs"
        )
    typer.echo(_line(proof))


@app.command()
def proofs(
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many, the newest first.")] = 50,
    json_: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what was erased: when, by whom, why, and how much; never whom."""
    found = _at_desk(lambda desk: desk.proofs(limit))
    if json_:
        typer.echo(found.model_dump_json(indent=2))
        return
    for proof in found.items:
        typer.echo(_line(proof))
    if not found.items:
        typer.echo("nobody was erased yet")


async def _erased(desk: PersonDesk, order: Any) -> tuple[AcceptedErasure, Erasure | None]:
    """Send the order, and wait for its proof; None where it didn't come in time."""
    from services.console.refusals import RefusedError

    sent = await desk.erase(order)
    until = time.monotonic() + PROOF_SECONDS
    while time.monotonic() < until:
        try:
            proof = await desk.proof(sent.erasure_id)
        except RefusedError:
            proof = None
        if proof is not None and proof.erased_at is not None:
            return sent, proof
        await asyncio.sleep(POLL_SECONDS)
    return sent, None


def _line(proof: Erasure) -> str:
    when = "not finished" if proof.erased_at is None else f"erased {proof.erased_at}"
    counts = ", ".join(f"{place}: {count}" for place, count in proof.counts.items() if count)
    return f"{proof.id}  {when}  by {proof.actor or '?'}: {proof.reason}  ({counts or 'nothing'})"


def _asked(
    kind: Callable[..., Result],
    email: str | None,
    user_id: str | None,
    phone: str | None,
    lead: str | None,
    **more: Any,
) -> Result:
    """The request; what is wrong with it is told without what was given."""
    from pydantic import ValidationError

    try:
        return kind(email=email, user_id=user_id, phone=phone, lead_id=lead, **more)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        _fail(f"{where}: {first['msg']}" if where else str(first["msg"]))


def _at_desk(ask: Callable[[PersonDesk], Awaitable[Result]]) -> Result:
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.refusals import RefusedError

    try:
        return asyncio.run(_with_desk(ask))
    except RefusedError as refused:
        _fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        _fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")


async def _with_desk(ask: Callable[[PersonDesk], Awaitable[Result]]) -> Result:
    from deploy.local.state import load_settings
    from services.console.erasures import PersonDesk
    from services.console.event_sender import EventSender
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    hash_key = settings.hash_key.get_secret_value().encode()
    try:
        return await ask(
            PersonDesk(
                engine,
                hash_key,
                sender.send_erasure,
                lambda: time.time_ns() // 1_000_000,
                forms_of(settings),
            )
        )
    finally:
        await sender.stop()
        await engine.dispose()


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
