"""`leadscore import`: leads and events out of files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.ingest.commands import failed, with_connection
from services.ingest.imports.columns import Kind

app = typer.Typer(help="Leads and events out of files.", no_args_is_help=True)

SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")
_FileName = Annotated[
    Path, typer.Argument(help="CSV, JSON lines (.jsonl) or Parquet.", dir_okay=False)
]
_Map = Annotated[
    list[str],
    typer.Option(
        "--map",
        help="COLUMN=TARGET: email, phone, user_id, id, time, event, traits.NAME, properties.NAME, "
        "external.SYSTEM, consent.PURPOSE, - for nowhere. With :number, read as one.",
    ),
]
_Set = Annotated[list[str], typer.Option("--set", help="NAME=VALUE: a property of all events.")]
_Source = Annotated[str, typer.Option(help="The source of the events.")]
_At = Annotated[str, typer.Option(help="When it happened, for rows that don't say.")]
_Zone = Annotated[str, typer.Option(help="Of times that name no zone, such as Europe/Berlin.")]
_TimeFormat = Annotated[str, typer.Option(help="How times are written, such as %d/%m/%Y %H:%M.")]
_Decimal = Annotated[str, typer.Option(help="point or comma.")]
_Format = Annotated[str, typer.Option("--format", help="csv, jsonl, parquet; else by the name.")]
_Encoding = Annotated[str, typer.Option(help="Such as cp1252; else found out.")]
_Delimiter = Annotated[str, typer.Option(help="What parts cells; else found out.")]
_Rejects = Annotated[
    Path | None,
    typer.Option(help="Where rejected rows go; else beside FILE, of a dry run nowhere."),
]
_Again = Annotated[bool, typer.Option("--again", help="Though it was imported before.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Read everything, send nothing.")]
_Json = Annotated[bool, typer.Option("--json", help="The outcome as JSON.")]


@app.command("leads")
def leads(
    file: _FileName, map_: _Map = [], source: _Source = "import", at: _At = "",  # noqa: B006
    zone: _Zone = "UTC", time_format: _TimeFormat = "", decimal: _Decimal = "point",
    format_: _Format = "", encoding: _Encoding = "", delimiter: _Delimiter = "",
    rejects: _Rejects = None, again: _Again = False, dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:  # fmt: skip
    """People and what is known of them: a row each. Whoever is known already is found by email
    address, phone number or id.
    """
    said = _reading("leads", map_, [], "", at, zone, time_format, decimal)
    _run(said, file, source, format_, encoding, delimiter, rejects, again, dry_run, as_json)


@app.command("events")
def events(
    file: _FileName, map_: _Map = [],  # noqa: B006
    type_: Annotated[
        str, typer.Option("--type", help="What happened, in all rows: Seminar, call_held, …")
    ] = "",
    set_: _Set = [],  # noqa: B006
    source: _Source = "import", at: _At = "",
    zone: _Zone = "UTC", time_format: _TimeFormat = "", decimal: _Decimal = "point",
    format_: _Format = "", encoding: _Encoding = "", delimiter: _Delimiter = "",
    rejects: _Rejects = None, again: _Again = False, dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:  # fmt: skip
    """What people did, online or off: a row for each time."""
    said = _reading("events", map_, set_, type_, at, zone, time_format, decimal)
    _run(said, file, source, format_, encoding, delimiter, rejects, again, dry_run, as_json)


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many, the newest first.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show imports, of files here and uploaded ones: what each came to, and how far it is."""
    from services.ingest.imports.journal import newest, shown

    rows = with_connection(lambda connection: newest(connection, limit))
    told = [shown(row, datetime.now(UTC)) for row in rows]
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for one in told:
        typer.echo(
            f"{one['begun_at'][:16]}\t{one['state']}\t{one['kind']}\t{one['source']}"
            f"\t{one['file']}\t{_counted(one)}"
        )
    if not told:
        typer.echo("nothing was imported yet")


def _reading(
    kind: Kind, maps: list[str], sets: list[str], type_: str, at: str, zone: str,
    time_format: str, decimal: str,
) -> Any:  # fmt: skip
    from services.ingest.imports.mapping import Reading

    return Reading(
        kind=kind, targets=_pairs(maps, "--map COLUMN=TARGET"), event=type_, at=at, zone=zone,
        time_format=time_format, decimal=decimal,
        properties=_pairs(sets, "--set NAME=VALUE"),
    )  # fmt: skip


def _pairs(given: list[str], form: str) -> dict[str, str]:
    """At the last =: a column's name may hold one."""
    pairs = [one.rpartition("=") for one in given]
    if not all(equals and name for name, equals, _ in pairs):
        failed(f"say {form}")
    return {name: value for name, _, value in pairs}


def _run(
    reading: Any, path: Path, source: str, format_: str, encoding: str, delimiter: str,
    rejects: Path | None, again: bool, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    from deploy.local.state import load_settings
    from services.ingest.imports import progress
    from services.ingest.imports.rejects import Rejects, usual_path
    from services.ingest.imports.running import rehearse, run_import
    from shared.event_types import OPERATOR

    if not SOURCE.fullmatch(source) or source == OPERATOR:
        failed("a source has letters, digits, - _ and . (at most 63), and isn't called operator")
    with _errors_in_words(path):
        file = _file(path, format_, encoding, delimiter)
        settings = load_settings()
        watcher = progress.watching(path.stat().st_size)
        sample: list[Any] = []
        columns: dict[str, str] = {}
        try:
            if dry_run:
                kept = Rejects(rejects, file.format) if rejects else contextlib.nullcontext()
                with kept as rejected:
                    tally, sample, columns = rehearse(
                        settings, file, reading, source, rejected, watcher
                    )
            else:
                rejects = rejects or usual_path(path, file.format)
                tally = asyncio.run(
                    run_import(settings, file, reading, source, rejects, watcher, again=again)
                )
        finally:
            watcher.stop()
    _tell(tally, rejects, as_json, {"columns": columns, "first": sample} if dry_run else None)
    if tally.rejected and not tally.accepted:
        raise typer.Exit(1)


def _file(path: Path, format_: str, encoding: str, delimiter: str) -> Any:
    """What is to be read, its encoding found out."""
    from services.ingest.imports.decoding import encoding_named
    from services.ingest.imports.reading import format_named, usual_encoding
    from services.ingest.imports.running import File

    kind = format_named(format_, path.name)
    if kind == "parquet":
        return File(path, kind)
    found = encoding_named(encoding) if encoding else usual_encoding(path)
    if found and not encoding:
        typer.echo(f"not UTF-8: read as {found} (--encoding says otherwise)", err=True)
    return File(path, kind, found, delimiter)


@contextlib.contextmanager
def _errors_in_words(path: Path) -> Iterator[None]:
    """Says what is wrong, and what to do."""
    from sqlalchemy.exc import SQLAlchemyError

    from services.ingest.imports.running import AlreadyDoneError, RunningElsewhereError
    from services.ingest.refusal import Refusal
    from shared.errors import TryAgainError

    try:
        yield
    except Refusal as refusal:
        failed(f"{refusal.path}: {refusal.message}" if refusal.path else refusal.message)
    except AlreadyDoneError as done:
        typer.echo(f"{path}: imported already, {done}; --again goes through it once more")
        raise typer.Exit from None
    except RunningElsewhereError:
        failed(f"{path} is being imported by another process")
    except TryAgainError:
        failed("Kafka does not answer: is the stack up? Nothing was sent.")
    except KeyboardInterrupt:
        failed("stopped; the same command goes on from there")
    except ValueError as error:
        failed(str(error))
    except (SQLAlchemyError, ConnectionError) as error:
        failed(
            f"the database can't be used ({type(error).__name__}): is it up and migrated? The same "
            "command goes on from there."
        )
    except OSError as error:
        failed(f"{error.filename or path} can't be used ({type(error).__name__})")


def _tell(
    tally: Any, out: Path | None, as_json: bool, rehearsed: dict[str, Any] | None
) -> None:  # fmt: skip
    """What it came to. rehearsed: of a dry run, what columns were taken for, and first events."""
    import msgspec

    told = {"rows": tally.rows, **tally.counts(), "reasons": dict(tally.reasons)}
    if as_json:
        kept = str(out) if out and tally.rejected else None
        told |= {"errors": tally.errors, "rejects_file": kept}
        if rehearsed is not None:
            told |= {"dry_run": True, **msgspec.to_builtins(rehearsed)}
        typer.echo(json.dumps(told, indent=2))
        return
    if rehearsed is not None:
        for column, target in rehearsed["columns"].items():
            typer.echo(f"{column} → {target}")
        for event in rehearsed["first"]:
            typer.echo(msgspec.json.format(msgspec.json.encode(event), indent=2).decode())
    typer.echo(f"{'dry run, nothing sent: ' if rehearsed is not None else ''}{_counted(told)}")
    for code, count in tally.reasons.most_common():
        first = next((one for one in tally.errors if one["code"] == code), None)
        where = f": row {first['row']}, {first['path']}: {first['message']}" if first else ""
        typer.echo(f"  {count} {code}{where}")
    if tally.rejected and out:
        typer.echo(f"rejected rows are in {out}: mend them, and import that file")


def _counted(told: dict[str, Any]) -> str:
    words = [f"{told['rows']} rows", f"{told['accepted']} taken"]
    words += [
        f"{told[name]} {said}"
        for name, said in (
            ("rejected", "rejected"),
            ("withheld", "withheld for want of consent"),
            ("left_out", "identifiers left out"),
        )
        if told[name]
    ]
    return ", ".join(words)
