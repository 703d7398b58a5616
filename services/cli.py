"""The command `leadscore`: the parts' commands under one name."""

from __future__ import annotations

import importlib
import logging
from enum import StrEnum

import typer

from deploy.local.commands import app as local_commands
from services.console.duplicates.commands import app as duplicates
from services.console.exports.commands import app as exports
from services.console.handoffs.commands import app as handoffs
from services.console.lead_commands import app as leads
from services.console.person_commands import app as persons
from services.console.reports.commands import app as reports
from services.console.sequences.commands import app as sequences
from services.console.stage_commands import app as stage
from services.ingest.commands import app as sources
from services.ingest.imports.commands import app as imports
from services.ingest.key_commands import app as keys
from services.ingest.link_commands import app as links
from services.router.commands import app as destinations
from services.router.delivery_commands import app as deliveries
from services.scorer.audit.commands import app as audits
from services.scorer.commands import app as rules
from services.scorer.retention.commands import app as retention

app = typer.Typer(
    name="leadscore",
    help="Event-driven lead scoring.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(local_commands)
app.add_typer(sources, name="sources")
app.add_typer(keys, name="keys")
app.add_typer(imports, name="import")
app.add_typer(exports, name="export")
app.add_typer(links, name="links")
app.add_typer(destinations, name="destinations")
app.add_typer(handoffs, name="handoffs")
app.add_typer(sequences, name="sequences")
app.add_typer(reports, name="report")
app.add_typer(deliveries, name="deliveries")
app.add_typer(rules, name="rules")
app.add_typer(stage, name="stage")
app.add_typer(leads, name="lead")
app.add_typer(duplicates, name="duplicates")
app.add_typer(persons, name="person")
app.add_typer(audits)
app.add_typer(retention, name="retention")


class Process(StrEnum):
    """What can be served."""

    ingest = "ingest"
    scorer = "scorer"
    router = "router"
    console = "console"


@app.command()
def serve(process: Process) -> None:
    """Run one process until SIGTERM; settings come from the environment (or the local stack)."""
    from deploy.local.state import load_settings

    importlib.import_module(f"services.{process.value}.main").run(load_settings())


def main() -> None:
    """The console script."""
    from deploy.local.state import NoStackError

    # Commands say themselves what is away; `serve` sets up its own logs.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        app()
    except NoStackError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
