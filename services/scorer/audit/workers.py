"""Processes that examine chunks of leads, each over a connection of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from services.scorer.audit import queries
from services.scorer.audit.examiner import Asked, Examiner, Finding
from services.scorer.audit.runs import Run
from shared.database import dsn
from shared.settings import Settings

CHUNK_LEADS = 50
# So that no process waits while the first of the line takes long.
CHUNKS_A_JOB = 4

# A process's own: its event loop, and its examiner.
_runner: asyncio.Runner
_examiner: Examiner


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Any]:
    """A connection to Postgres."""
    connection = await _connect(settings)
    try:
        yield connection
    finally:
        await connection.close()


async def _connect(settings: Settings) -> Any:
    named = {"application_name": "leadscore-audit"}
    return await asyncpg.connect(dsn(settings), command_timeout=120, server_settings=named)


async def examined(
    connection: Any, settings: Settings, asked: Asked, run: Run, jobs: int
) -> AsyncGenerator[list[Finding], None]:
    """Examine the leads of a run from its position on, by so many processes. After each chunk, in
    order, the run is moved on and the chunk's findings come out.
    """
    loop = asyncio.get_running_loop()
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), _begin, (settings, asked)
    )
    waiting: deque[tuple[UUID, asyncio.Future[tuple[int, list[Finding]]]]] = deque()
    handed_out: UUID | None = run.position
    try:
        while True:
            while handed_out is not None and len(waiting) < jobs * CHUNKS_A_JOB:
                ends = await connection.fetchval(
                    queries.CHUNK_ENDS, handed_out, run.last_lead, CHUNK_LEADS
                )
                if ends is not None:
                    chunk = loop.run_in_executor(pool, _examine, handed_out, ends)
                    waiting.append((ends, chunk))
                handed_out = ends
            if not waiting:
                break
            ends, chunk = waiting.popleft()
            checked, findings = await chunk
            run.take(ends, checked, findings)
            yield findings
    finally:
        # What is under way in the processes is finished, and done again by whoever resumes.
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(settings: Settings, asked: Asked) -> None:
    global _runner, _examiner
    # Ctrl-C reaches the whole group of processes; the first of them ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _runner = asyncio.Runner()
    _examiner = Examiner(_runner.run(_connect(settings)), settings, asked)


def _examine(after: UUID, upto: UUID) -> tuple[int, list[Finding]]:
    return _runner.run(_examiner.examine_range(after, upto))
