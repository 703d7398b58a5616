"""leadscore rules test, schema, diff, explain, diagram, list: what needs no running system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.scorer.ruleset_sources import LIVE, ended, read, source_named
from services.scorer.scenario_report import failures, told
from services.scorer.shipped import DEFAULT, shipped_names, shipped_text
from shared.ruleset.condition_words import counted

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}

Named = Annotated[
    str, typer.Argument(help="A file, a shipped ruleset's name, a version's number, or live.")
]


def add_to(app: typer.Typer) -> None:
    """Put these commands under `leadscore rules`."""
    app.command("test")(run_tests)
    app.command("list")(list_shipped)
    app.command()(schema)
    app.command()(diff)
    app.command()(explain)
    app.command()(diagram)


def run_tests(
    ruleset: Named = LIVE,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell every entry, and rules no test meets.")
    ] = False,
    only: Annotated[str, typer.Option(help="Only tests with this in their names.")] = "",
) -> None:
    """Run the tests that stand in a ruleset. Exit code 1 when one fails: each with what was
    expected, what came out, and the entries that made the score.
    """
    from services.scorer.scenarios import run_scenarios

    source = source_named(ruleset)
    document = read(source)
    if not document.tests:
        raise ended(f"{source.label} has no tests: write some under tests: (docs/rulesets.md)")
    results = run_scenarios(document, only)
    if not results:
        raise ended(f"no test has “{only}” in its name")
    for line in told(results, verbose=verbose):
        typer.echo(line)
    if verbose and not only:
        met = {entry.rule for result in results for entry in result.earned}
        for name in document.rule_names():
            if name not in met:
                typer.echo(f"note: no test meets {name}")
    failed = failures(results)
    summary = f"{counted(len(failed), 'test')} of {len(results)} failed"
    typer.echo(summary if failed else f"{source.label}: {counted(len(results), 'test')}, all hold")
    if failed:
        raise typer.Exit(1)


def list_shipped() -> None:
    """The rulesets that leadscore is shipped with."""
    from shared.ruleset.reading import read_ruleset

    for name in shipped_names():
        document = read_ruleset(shipped_text(name))
        rules = counted(len(document.rule_names()), "rule")
        default = ", the default" if name == DEFAULT else ""
        tests = counted(len(document.tests), "test")
        typer.echo(f"{name:<18} {document.name} ({rules}, {tests}{default})")
        typer.echo(f"{'':<18} {' '.join(document.description.split())}")


def schema(
    out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
) -> None:
    """Print the JSON Schema of rulesets, by which editors complete and check."""
    from shared.ruleset.schema import schema_text

    if out is None:
        typer.echo(schema_text(), nl=False)
    else:
        out.write_text(schema_text(), encoding="utf-8")


def diff(before: Named, after: Named) -> None:
    """Tell what changed from one ruleset to another: rules, scores, stages, tests."""
    from shared.ruleset.diff import changes_between

    changes = changes_between(read(source_named(before)), read(source_named(after)))
    for change in changes:
        typer.echo(f"{_SIGNS[change.kind]} {change.where}")
        for line in change.details:
            typer.echo(f"    {line}")
    if not changes:
        typer.echo("nothing changed but words outside the rules")


def explain(
    ruleset: Named,
    rule: Annotated[str, typer.Argument(help="A rule's id, or MODEL/ID; all when left out.")] = "",
) -> None:
    """Tell what each rule does, or one of them, in a sentence."""
    from shared.ruleset.rule_words import rule_sentence

    document = read(source_named(ruleset))
    sentences = [
        (f"{name}/{each.id}", rule_sentence(name, model, each))
        for name, model in document.models.items()
        for each in model.rules
    ]
    wanted = [each for each in sentences if rule in ("", each[0], each[0].split("/")[1])]
    if not wanted:
        from shared.ruleset.fields import did_you_mean

        near = did_you_mean(
            rule, [part for name, _ in sentences for part in (name.split("/")[1], name)]
        )
        raise ended(f"there is no rule {rule}" + (f" ({near})" if near else ""))
    for name, sentence in wanted:
        typer.echo(f"{name}: {sentence}")


def diagram(
    ruleset: Annotated[
        str, typer.Argument(help="A file, a shipped ruleset, a version's number, or live.")
    ] = DEFAULT,
    write: Annotated[
        Path | None, typer.Option(help="Renew the diagram in this Markdown page.")
    ] = None,
) -> None:
    """Print the stages of a ruleset as a Mermaid state diagram: what leads from one to the next."""
    from shared.ruleset.diagram import NoPlaceError, diagram_of, with_diagram

    drawn = diagram_of(read(source_named(ruleset)))
    if write is None:
        typer.echo(drawn, nl=False)
        return
    try:
        page = with_diagram(write.read_text(encoding="utf-8"), drawn)
    except (OSError, NoPlaceError) as error:
        raise ended(f"{write}: {error}") from None
    write.write_text(page, encoding="utf-8")
