"""leadscore rules: check a ruleset, make it live, show the live one."""

from __future__ import annotations

import asyncio
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from shared.ruleset.document import RulesetDocument

app = typer.Typer(help="Rulesets: check, publish, show.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A ruleset in YAML.")]


@app.command()
def check(file: File) -> None:
    """Check a ruleset. Exit code 1 when it has faults: each with its line and how to mend it."""
    document = _read(file, _text(file))
    rules = sum(len(model.rules) for model in document.models.values())
    stages = " → ".join(stage.name for stage in document.stages.ladder)
    typer.echo(f"{file}: fine. {_count(len(document.models), 'model')}, {_count(rules, 'rule')}")
    typer.echo(f"stages: {stages}")
    for hint in _hints(document):
        typer.echo(f"note: {hint}")


@app.command()
def publish(
    file: File,
    note: Annotated[str, typer.Option(help="What changed, for the history of versions.")] = "",
    hand_off: Annotated[
        bool, typer.Option("--hand-off", help="Hand over the leads that the new scores move.")
    ] = False,
) -> None:
    """Make a ruleset live. Every scorer takes it up within seconds, and scores are computed again
    from the stored events; hand-offs that come of that are withheld, unless --hand-off is given.
    """
    text = _text(file)
    _read(file, text)
    version, fresh = asyncio.run(_publish(text, note, hand_off))
    if fresh:
        typer.echo(f"ruleset version {version} is live")
    else:
        typer.echo(f"nothing to do: this text is live already, as version {version}")


@app.command()
def show(
    version: Annotated[int | None, typer.Option(help="Another version than the live one.")] = None,
) -> None:
    """Print the live ruleset as it was published."""
    number, text = asyncio.run(_stored(version))
    if text is None:
        typer.echo(f"there is no version {number}" if number else "no ruleset is live", err=True)
        raise typer.Exit(1)
    typer.echo(f"# ruleset version {number}", err=True)
    typer.echo(text, nl=not text.endswith("\n"))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        typer.echo(f"{file}: not UTF-8 (save the file as UTF-8)", err=True)
        raise typer.Exit(1) from None


def _read(file: Path, text: str) -> RulesetDocument:
    from shared.ruleset.reading import RulesetErrors, read_ruleset

    try:
        return read_ruleset(text)
    except RulesetErrors as found:
        for error in found.errors:
            typer.echo(f"{file}: {error}", err=True)
        typer.echo(_count(len(found.errors), "fault"), err=True)
        raise typer.Exit(1) from None


def _hints(document: RulesetDocument) -> list[str]:
    """Custom event types are allowed; one that is nearly a standard one is worth a look."""
    from shared.event_types import STANDARD_EVENT_TYPES

    hints = []
    for model, part in document.models.items():
        for rule in part.rules:
            for name in rule.on or ():
                near = difflib.get_close_matches(name, STANDARD_EVENT_TYPES, n=1, cutoff=0.85)
                if near and name not in STANDARD_EVENT_TYPES:
                    hints.append(f"{model}/{rule.id}: {name} is a custom type; meant {near[0]}?")
    return hints


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _engine() -> AsyncEngine:
    from deploy.local.state import load_settings
    from shared.database import create_engine

    return create_engine(load_settings())


async def _publish(text: str, note: str, hand_off: bool) -> tuple[int, bool]:
    from shared.ruleset import store

    engine = _engine()
    try:
        async with engine.begin() as connection:
            before = await store.live_version(connection)
            version = await store.publish(connection, text, note, hand_off=hand_off)
            return version, version != before
    finally:
        await engine.dispose()


async def _stored(version: int | None) -> tuple[int | None, str | None]:
    from shared.ruleset import store

    engine = _engine()
    try:
        async with engine.connect() as connection:
            number = version or await store.live_version(connection)
            if number is None:
                return None, None
            return number, await store.source_of(connection, number)
    finally:
        await engine.dispose()
