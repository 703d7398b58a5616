"""`leadscore export`: leads, events and the ledger as files."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, NoReturn

import typer

if TYPE_CHECKING:
    from services.console.exports.reading import Filter
    from services.console.exports.rows import What
    from services.console.exports.writers import Format
    from shared.settings import Settings

app = typer.Typer(help="Leads, events and the ledger as files.", no_args_is_help=True)

LINE_SECONDS: Final = 5.0
_STDOUT: Final = Path("-")
_ENDINGS: Final[dict[str, Format]] = {
    ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
_Out = Annotated[
    Path, typer.Argument(help="For you alone to read; - for the output.", dir_okay=False)
]
_Format = Annotated[str, typer.Option("--format", help="csv, jsonl, parquet; else by the name.")]
_Since = Annotated[str, typer.Option(help="From this instant on, such as 2026-05-01.")]
_Until = Annotated[str, typer.Option(help="Up to before this instant.")]
_Stage = Annotated[str | None, typer.Option(help="Of leads that stand in this stage now.")]


@app.command("leads")
def leads(
    file: _Out = _STDOUT, format_: _Format = "", since: _Since = "", until: _Until = "",
    stage: _Stage = None,
) -> None:  # fmt: skip
    """Leads with their scores of now; --since and --until by when they were made. Absorbed ones
    are left out.
    """
    _run("leads", file, format_, since, until, stage)


@app.command("events")
def events(
    file: _Out = _STDOUT, format_: _Format = "", since: _Since = "", until: _Until = "",
    stage: _Stage = None,
) -> None:  # fmt: skip
    """Events by lead and time; --since and --until by when they happened."""
    _run("events", file, format_, since, until, stage)


@app.command("ledger")
def ledger(
    file: _Out = _STDOUT, format_: _Format = "", since: _Since = "", until: _Until = "",
    stage: _Stage = None,
) -> None:  # fmt: skip
    """Every entry of points: whose, when, by which rule and event, and what cut it."""
    _run("ledger", file, format_, since, until, stage)


def _run(
    what: What, file: Path, format_: str, since: str, until: str, stage: str | None
) -> None:  # fmt: skip
    from sqlalchemy.exc import SQLAlchemyError

    from services.console.exports.reading import Filter
    from services.console.exports.writers import ParquetMissingError

    kind = _format(format_, file)
    which = Filter(_instant(since, "--since"), _instant(until, "--until"), stage)
    try:
        rows = asyncio.run(_export(what, which, kind, file))
    except ParquetMissingError:
        _fail("Parquet needs an extra: pip install 'leadscore[parquet]'")
    except BrokenPipeError:
        sys.stderr.close()  # who read it has gone
        return
    except (SQLAlchemyError, ConnectionError) as error:
        _fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")
    except OSError as error:
        _fail(f"{error.filename or file} can't be written ({type(error).__name__})")
    if file != _STDOUT:
        typer.echo(f"{rows} rows in {file}")


async def _export(what: What, which: Filter, format_: Format, file: Path) -> int:
    """A file has its name once it is whole."""
    from deploy.local.state import load_settings

    settings = load_settings()
    if file == _STDOUT:
        return await _written(settings, what, which, format_, sys.stdout.buffer)
    part = file.with_name(file.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            rows = await _written(settings, what, which, format_, out)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return rows


async def _written(
    settings: Settings, what: What, which: Filter, format_: Format, out: BinaryIO
) -> int:
    from services.console.exports.reading import exporting
    from services.console.exports.writers import writer_for
    from shared.database import create_engine

    engine = create_engine(settings, pool_size=1)
    rows, begun = 0, time.monotonic()
    told = begun
    try:
        async with exporting(engine, what, which, time.time_ns() // 1_000_000) as export:
            writer = writer_for(format_, out, await export.columns(what))
            async for some in export.rows(what):
                writer.write(some)
                rows += len(some)
                if time.monotonic() - told >= LINE_SECONDS:
                    told = time.monotonic()
                    typer.echo(f"{rows:,} rows, {rows / (told - begun):,.0f}/s", err=True)
            writer.close()
    finally:
        await engine.dispose()
    return rows


def _format(given: str, file: Path) -> Format:
    from services.console.exports.writers import FORMATS

    if not given:
        return _ENDINGS.get(file.suffix.lower(), "csv")
    known = next((one for one in FORMATS if one == given), None)
    return known or _fail(f"a format is one of {', '.join(FORMATS)}")


def _instant(text: str, option: str) -> int | None:
    from shared.envelope import milliseconds

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _fail(f"{option}: give a date and time such as 2026-05-01 or 2026-05-01T10:00:00+02:00")
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
