"""leadscore audit: is every lead stored as its events say?"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    import asyncpg

    from services.scorer.audit.examiner import Asked
    from services.scorer.audit.report import Telling
    from services.scorer.audit.runs import Run
    from shared.settings import Settings

app = typer.Typer()

DIFFERENT, COULD_NOT_RUN, INTERRUPTED = 1, 2, 130
NOTE_EVERY_SECONDS = 1.0


@app.command()
def audit(
    lead: Annotated[
        UUID | None, typer.Option(help="One lead by its id; the result is told, not kept.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that compute; one a core by default.")
    ] = os.cpu_count() or 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the last audit that was interrupted.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Score leads that differ again from their events.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --repair: say what it would do, change nothing.")
    ] = False,
) -> None:
    """Recompute every lead from its stored events, by code that shares nothing with the scorer's
    core, and compare: scores, entries, rules that hold, traits, what limits and counts remember.

    Scorers may go on meanwhile. Exit code 0: all are equal, or were repaired; 1: some differ; 2:
    could not run; 130: interrupted, and can be resumed.
    """
    if dry_run and not repair:
        raise _ended("--dry-run goes with --repair")
    if lead is not None and resume:
        raise _ended("--resume goes with an audit of all leads")
    from services.scorer.audit.examiner import Asked

    raise typer.Exit(_run(Asked(repair, dry_run), lead, jobs, resume=resume))


def _ended(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(COULD_NOT_RUN)


def _run(asked: Asked, lead: UUID | None, jobs: int, *, resume: bool) -> int:
    """The exit code."""
    from concurrent.futures.process import BrokenProcessPool

    import asyncpg

    from deploy.local.state import load_settings
    from services.scorer.audit.runs import NoRunError

    settings = load_settings()
    work = _one(settings, asked, lead) if lead else _all(settings, asked, jobs, resume=resume)
    try:
        return asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        go_on = "" if lead else ": go on by leadscore audit --resume"
        typer.echo(f"interrupted{go_on}", err=True)
        return INTERRUPTED
    except (LookupError, NoRunError) as error:
        typer.echo(str(error), err=True)
    except BrokenProcessPool:
        typer.echo("a process of the audit died: go on by leadscore audit --resume", err=True)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        typer.echo(f"Postgres: {error or type(error).__name__}", err=True)
    return COULD_NOT_RUN


async def _one(settings: Settings, asked: Asked, lead_id: UUID) -> int:
    from services.scorer.audit.examiner import Examiner
    from services.scorer.audit.report import told
    from services.scorer.audit.workers import connected

    async with connected(settings) as connection:
        _, findings = await Examiner(connection, settings, asked).examine(lead_id)
    for finding in findings:
        for line in told(finding):
            typer.echo(line)
    if not findings:
        typer.echo(f"lead {lead_id}: equal")
    return DIFFERENT if any(not finding.is_mended for finding in findings) else 0


async def _all(settings: Settings, asked: Asked, jobs: int, *, resume: bool) -> int:
    from services.scorer.audit import runs
    from services.scorer.audit.report import Telling, summary
    from services.scorer.audit.workers import connected

    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with connected(settings) as connection:
        run = await (runs.resume if resume else runs.begin)(connection)
        with Telling(run) as telling:
            try:
                await _work_through(connection, settings, asked, run, jobs, telling)
            finally:
                await runs.note(connection, run)
                telling.rest()
        typer.echo(summary(run, telling.seconds, telling.checked))
    return DIFFERENT if run.differs_still else 0


async def _work_through(
    connection: asyncpg.Connection[asyncpg.Record], settings: Settings, asked: Asked, run: Run,
    jobs: int, telling: Telling,
) -> None:  # fmt: skip
    """To the end, with the position kept every second."""
    from services.scorer.audit import runs
    from services.scorer.audit.workers import examined

    noted_at = time.monotonic()
    async with aclosing(examined(connection, settings, asked, run, jobs)) as chunks:
        async for findings in chunks:
            telling.findings(findings)
            if time.monotonic() - noted_at >= NOTE_EVERY_SECONDS:
                await runs.note(connection, run)
                noted_at = time.monotonic()
