"""`leadscore lead`: what could happen next to one lead, and what was said of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from services.console.judge_commands import judge
from services.console.merge_commands import merge, merges, unmerge

if TYPE_CHECKING:
    from services.console.answers import NextEvent, NextSteps
    from services.console.reading import LeadReader
    from services.console.trait_answers import TraitHistory

app = typer.Typer(
    help="Leads: what could happen next, who did it, joining and parting them.",
    no_args_is_help=True,
)
app.command()(judge)
app.command()(merge)
app.command()(unmerge)
app.command()(merges)

Who = Annotated[str, typer.Argument(help="A lead's email address, id, user id or anonymous id.")]
# What one reading of the traits looks at: the API goes further back, by page.
TRAIT_EVENTS = 2000
Found = TypeVar("Found")


@app.callback()
def lead() -> None:
    """Leads: what could happen next, who did it, joining and parting them."""


@app.command(name="next")
def next_(
    who: Who,
    journey: Annotated[str, typer.Option(help="Which journey.")] = "main",
    every: Annotated[
        bool, typer.Option("--all", help="Tell of the rules that don't help, too, and why.")
    ] = False,
) -> None:
    """Tell which single events would bring a lead to a higher stage, those of least effort first,
    and where it goes if nothing happens. Every answer was tried on the lead's own history, and
    changes nothing. Exit code 1 when there is no such lead or journey.
    """
    found = asyncio.run(_asked(who, lambda reader, lead_id: reader.next_steps(lead_id, journey)))
    for line in told(found, every=every):
        typer.echo(line)


@app.command()
def traits(
    who: Who,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell each trait's value with the event that said so, and the values it had before, as far as
    the lead's newest 2,000 events tell. Exit code 1 when there is no such lead.
    """
    found = asyncio.run(
        _asked(who, lambda reader, lead_id: reader.traits(lead_id, TRAIT_EVENTS, None))
    )
    if as_json:
        typer.echo(found.model_dump_json())
        return
    for line in traits_told(found):
        typer.echo(line)


async def _asked(who: str, question: Callable[[LeadReader, UUID], Awaitable[Found]]) -> Found:
    """The answer about the lead that is named so; or why there is none, and exit with 1."""
    from deploy.local.state import load_settings
    from services.console.reading import LeadReader
    from services.console.refusals import DATABASE_AWAY, RefusedError
    from services.console.stage_setting import find_lead
    from shared.database import create_engine
    from shared.identifier_forms import forms_of

    settings = load_settings()
    engine = create_engine(settings)
    try:
        async with engine.connect() as connection:
            lead_id = await find_lead(connection, who, forms_of(settings))
        if lead_id is None:
            raise RefusedError(404, "lead_not_found", "there is no such lead")
        reader = LeadReader(engine, lambda: time.time_ns() // 1_000_000)
        return await question(reader, lead_id)
    except RefusedError as refused:
        typer.echo(refused.problem.message, err=True)
    except DATABASE_AWAY as error:
        typer.echo(f"Postgres can't be reached: {type(error).__name__}", err=True)
    finally:
        await engine.dispose()
    raise typer.Exit(1)


def told(found: NextSteps, *, every: bool) -> list[str]:
    """The answer in lines."""
    if found.merged_into is not None:
        return [f"this lead was merged into {found.merged_into}: ask for that one"]
    stands = "not begun" if found.stage is None else f"stage {found.stage}"
    lines = [f"{found.journey}: {stands}, as of {found.at}"]
    if found.locked:
        lines.append(
            f"locked by hand {'until ' + found.locked_until if found.locked_until else 'for good'}"
        )
    elif found.set_by_hand:
        lines.append("set by hand: it stands until points come or go")
    for step in found.steps:
        when = "at once" if step.at_once else f"on {step.at}"
        points = f"{step.points:+g}, {step.clipped}" if step.clipped else f"{step.points:+g}"
        lines.append(f"effort {step.effort}  {step.rule} ({points}) → {step.to_stage} {when}")
        lines.append(f"          {step.say}: {event_words(step.event)}")
    if not found.steps:
        lines.append("no single event brings it higher")
    lines += [f"no help   {one.rule}: {one.because}" for one in found.others if every]
    if found.others and not every:
        lines.append(f"{len(found.others)} other rules don't help: see --all")
    move = found.if_nothing_happens
    moves = "it stays" if move is None else f"{move.from_stage} → {move.to_stage} on {move.at}"
    return [*lines, f"if nothing happens: {moves}"]


def traits_told(found: TraitHistory) -> list[str]:
    """The answer in lines: the value that stands, and below it who said what, newest first."""
    if found.merged_into is not None:
        return [f"this lead was merged into {found.merged_into}: ask for that one"]
    lines = []
    for trait in found.items:
        lines.append(f"{trait.name}: {_as_text(trait.value)}")
        for said in trait.said:
            by = f"{said.type} {said.event_id} of {said.source}"
            often = f", and {said.times - 1} before since {said.since}" if said.times > 1 else ""
            lines.append(f"    {said.at}  {_as_text(said.value)}  {by}{often}")
        if trait.more:
            lines.append("    older values are left out")
    if found.next_cursor is not None:
        lines.append(f"only the newest {found.events:,} events were read")
    return lines or ["nothing was said of it"]


def _as_text(value: object) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def event_words(event: NextEvent) -> str:
    """The type, and what must be in it."""
    parts = {
        name: part
        for name in ("source", "properties", "traits", "context", "consent")
        if (part := getattr(event, name))
    }
    return f"{event.type} {json.dumps(parts, ensure_ascii=False)}" if parts else event.type
