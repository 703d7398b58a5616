"""The commands of the local stack: up, down, status, doctor, migrate."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.local.state import LocalState

app = typer.Typer()


def _default_scorers() -> int:
    """Half the cores, 1 to 4: Postgres and Kafka need the others."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


@app.command()
def up(
    detach: Annotated[bool, typer.Option(help="Return once it is ready; it goes on.")] = False,
    fresh: Annotated[bool, typer.Option(help="Forget all data first; keys stay.")] = False,
    scorers: Annotated[
        int | None, typer.Option(min=1, max=12, help="Scorer processes.", show_default="cores / 2")
    ] = None,
) -> None:
    """Start the whole system on this machine, with its data in .leadscore/ here."""
    from deploy.local.detached import start_detached
    from deploy.local.state import FOLDER
    from deploy.local.steps import Steps
    from deploy.local.up import CannotStartError, Wish, given_servers, run

    folder = Path.cwd() / FOLDER
    wish = Wish(scorers or _default_scorers(), fresh)
    if fresh and any(given_servers()):
        _fail(
            "--fresh forgets only what was started here: unset KAFKA_BOOTSTRAP_SERVERS and "
            "DATABASE_URL, or empty those servers yourself"
        )
    if detach:
        raise typer.Exit(start_detached(folder, wish))
    try:
        run(folder, wish, Steps())
    except CannotStartError as error:
        _fail(str(error))


@app.command()
def down() -> None:
    """Stop the stack that was started here; its data stays."""
    from deploy.local.down import stop

    folder, _ = _state()
    typer.echo("stopped; the data stays" if stop(folder) else "nothing runs")


@app.command()
def status() -> None:
    """What runs, and whether it is ready. Exit code 1 unless all is."""
    from deploy.local.doctor import process_checks
    from deploy.local.report import print_checks

    folder, state = _state()
    if not state.supervisor_pid:
        typer.echo(f"nothing runs; data and keys are in {folder}")
        raise typer.Exit(1)
    if not print_checks(process_checks(state)):
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check broker, topics, database, migrations, ruleset, clock, ports; say how to mend."""
    from deploy.local.doctor import all_checks
    from deploy.local.report import print_checks

    if not print_checks(all_checks()):
        raise typer.Exit(1)


@app.command()
def migrate(
    revision: Annotated[str, typer.Option(help="Where to; `base` empties the database.")] = "head",
) -> None:
    """Bring the database's tables up to date."""
    from deploy.local.state import load_settings
    from shared.database import NewerSchemaError, pending_migrations
    from shared.database import migrate as run

    url = load_settings().database_url.get_secret_value()
    if revision != "base":
        try:
            typer.echo("to run: " + (", ".join(pending_migrations(url)) or "nothing"))
        except NewerSchemaError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    run(url, revision)
    typer.echo("done")


def _state() -> tuple[Path, LocalState]:
    from deploy.local.state import find_folder, read_state

    folder = find_folder()
    if folder is None:
        _fail("no stack was started here; `leadscore up` starts one")
    assert folder is not None
    return folder, read_state(folder)


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
