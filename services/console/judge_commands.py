"""`leadscore lead judge`: events that are a person's, or a machine's, after all."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from services.console.stage_commands import Actor, DryRun, Id, Lead, fail, now_ms, whoever

if TYPE_CHECKING:
    from services.console.judge_orders import Judgement
    from services.console.judging import AcceptedJudgement


class Whose(StrEnum):
    human = "human"
    bot = "bot"


def judge(
    lead: Lead,
    verdict: Annotated[Whose, typer.Argument(help="Whose the events are.")],
    event: Annotated[
        list[str] | None, typer.Option(help="The id of an event, as the timeline shows it.")
    ] = None,
    source: Annotated[str, typer.Option(help="The source of these events.")] = "web",
    message: Annotated[
        str, typer.Option(help="All openings and clicks of the mail with this message_id.")
    ] = "",
    actor: Actor = "",
    id_: Id = "",
    dry_run: DryRun = False,
) -> None:
    """Say that events of a lead are a person's, or a machine's. Their points are given or taken
    back, and stages follow. It counts for what was before; the last word stands.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.judge_orders import MOST_EVENTS, Judgement
    from services.console.refusals import RefusedError

    named = tuple((source, one) for one in event or ())
    if not named and not message:
        fail("name events (--source NAME --event ID), or a mail (--message ID)")
    if len(named) > MOST_EVENTS:
        fail(f"{len(named)} events: give at most {MOST_EVENTS} at a time")
    judgement = Judgement(verdict.value, named, message)
    try:
        done = asyncio.run(_judged(lead, judgement, id_ or uuid4().hex, whoever(actor), dry_run))
    except RefusedError as refused:
        fail(refused.problem.message)
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")
    what = f"{len(named)} events" if named else "the openings and clicks of that mail"
    outcome = "nothing is sent" if dry_run else "accepted"
    typer.echo(f"lead {done.lead_id}: {what} judged {verdict}: {outcome}")


async def _judged(
    lead: str, judgement: Judgement, order_id: str, actor: str, dry_run: bool
) -> AcceptedJudgement:
    from deploy.local.state import load_settings
    from services.console.event_sender import EventSender
    from services.console.judging import JudgeDesk
    from services.console.refusals import RefusedError
    from services.console.stage_setting import find_lead
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings, pool_size=1)
    sender = EventSender(settings)
    try:
        async with engine.connect() as connection:
            lead_id = await find_lead(connection, lead, forms_of(settings))
        if lead_id is None:
            raise RefusedError(404, "lead_not_found", "there is no such lead")
        hash_key = settings.hash_key.get_secret_value().encode()
        desk = JudgeDesk(engine, sender.send, now_ms, hash_key)
        return await desk.judge(lead_id, judgement, order_id, actor, dry_run=dry_run)
    finally:
        await sender.stop()
        await engine.dispose()
