"""leadscore rules: check a ruleset, test it, make it live, show and compare."""

from __future__ import annotations

import asyncio
import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from services.scorer import study_commands
from services.scorer.ruleset_sources import LIVE, Source, engine, read, source_named
from services.scorer.scenario_report import failures, told
from shared.ruleset.condition_words import counted

if TYPE_CHECKING:
    from shared.ruleset.document import RulesetDocument

app = typer.Typer(help="Rulesets: check, test, publish, show, compare.", no_args_is_help=True)
study_commands.add_to(app)

Named = Annotated[str, typer.Argument(help="A ruleset in YAML, or the name of a shipped one.")]


@app.command()
def check(ruleset: Named) -> None:
    """Check a ruleset. Exit code 1 when it has faults: each with its line and how to mend it."""
    source = source_named(ruleset)
    document = read(source)
    rules = sum(len(model.rules) for model in document.models.values())
    stages = " → ".join(stage.name for stage in document.stages.ladder)
    parts = [counted(len(document.models), "model"), counted(rules, "rule")]
    if document.tests:
        parts.append(counted(len(document.tests), "test"))
    typer.echo(f"{source.label}: fine. {', '.join(parts)}")
    typer.echo(f"stages: {stages}")
    for hint in _hints(document):
        typer.echo(f"note: {hint}")


@app.command()
def publish(
    ruleset: Named,
    note: Annotated[str, typer.Option(help="What changed, for the history of versions.")] = "",
    hand_off: Annotated[
        bool, typer.Option("--hand-off", help="Hand over the leads that the new scores move.")
    ] = False,
    skip_tests: Annotated[
        bool, typer.Option("--skip-tests", help="Publish even if its own tests fail.")
    ] = False,
) -> None:
    """Make a ruleset live. Every scorer takes it up within seconds, and scores are computed again
    from the stored events; hand-offs that come of that are withheld, unless --hand-off is given.
    A ruleset whose own tests fail is refused.
    """
    source = source_named(ruleset)
    document = read(source)
    if not skip_tests:
        _refuse_failing(source, document)
    version, fresh = asyncio.run(_publish(source.text, note, hand_off))
    if fresh:
        typer.echo(f"ruleset version {version} is live")
    else:
        typer.echo(f"nothing to do: this text is live already, as version {version}")


@app.command()
def show(
    ruleset: Annotated[str, typer.Argument(help="A shipped one's name, or a file.")] = LIVE,
    version: Annotated[int | None, typer.Option(help="Another version than the live one.")] = None,
) -> None:
    """Print a ruleset as it was published or shipped: the live one unless another is named."""
    source = source_named(str(version) if version is not None else ruleset)
    if source.version is not None:
        typer.echo(f"# ruleset version {source.version}", err=True)
    typer.echo(source.text, nl=not source.text.endswith("\n"))


def _refuse_failing(source: Source, document: RulesetDocument) -> None:
    from services.scorer.scenarios import run_scenarios

    results = run_scenarios(document)
    if failures(results):
        for line in told(results, verbose=False):
            typer.echo(line, err=True)
        typer.echo(f"{source.label} is not published: mend it, or give --skip-tests", err=True)
        raise typer.Exit(1)


def _hints(document: RulesetDocument) -> list[str]:
    """Custom event types are allowed; one that is nearly a standard one is worth a look."""
    from shared.event_types import STANDARD_EVENT_TYPES

    named = [
        (f"{model}/{rule.id}", name)
        for model, part in document.models.items()
        for rule in part.rules
        for name in rule.on or ()
    ]
    named += [
        (f"test “{scenario.name}”", event.type)
        for scenario in document.tests
        for event in scenario.events
    ]
    hints = []
    for where, name in named:
        near = difflib.get_close_matches(name, STANDARD_EVENT_TYPES, n=1, cutoff=0.85)
        if near and name not in STANDARD_EVENT_TYPES:
            hints.append(f"{where}: {name} is a custom type; meant {near[0]}?")
    return hints


async def _publish(text: str, note: str, hand_off: bool) -> tuple[int, bool]:
    from shared.ruleset import store

    pool = engine()
    try:
        async with pool.begin() as connection:
            before = await store.live_version(connection)
            version = await store.publish(connection, text, note, hand_off=hand_off)
            return version, version != before
    finally:
        await pool.dispose()
