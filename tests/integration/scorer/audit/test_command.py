"""leadscore audit as people run it: exit codes, interruption, beside a scorer at work."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import asyncpg
import pytest

from shared.settings import Settings
from tests.integration.scorer.audit.audited import made_live, settings_for
from tests.integration.scorer.bench_of_leads import RULES, Workbench, happening
from tests.integration.scorer.test_process import all_taken, go_live, send
from tests.processes import environment, service, wait_for

DEADLINE_SECONDS = 60.0


@contextmanager
def started(settings: Settings, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command, running in a group of its own, as a terminal starts it; ended in any case."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "audit", *options],
        env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        process_group=0,
        # A job of a script, as these tests may be, hands on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


async def ran(settings: Settings, *options: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of the command."""
    with started(settings, *options) as process:
        out, err = await asyncio.to_thread(process.communicate, timeout=DEADLINE_SECONDS)
        return process.returncode, out, err


async def _break_a_lead(bench: Workbench) -> None:
    await bench.connection.execute(
        "UPDATE event SET entries = NULL WHERE key = (SELECT key FROM event"
        " WHERE entries IS NOT NULL ORDER BY key LIMIT 1)"
    )


@pytest.fixture
async def full(bench: Workbench, database_url: str) -> Workbench:
    """A bench with a hundred and twenty leads: three chunks."""
    bench.rules = await made_live(database_url, RULES)
    people = [f"p{number}@example.com" for number in range(120)]
    for turn in range(3):
        await bench.take(*[happening(turn * 1000 + at, email=email, after=turn + at / 1000)
                           for at, email in enumerate(people)])  # fmt: skip
    return bench


async def test_it_says_what_differs_repairs_it_and_is_content_then(
    full: Workbench, database_url: str
) -> None:
    """Exit codes 0, 1, 1 for a trial, 0 for the repair, 0; the results are kept."""
    settings = settings_for(database_url)
    code, out, _ = await ran(settings)
    assert (code, re.sub(r"[\d,]+ a second", "N a second", out)) == (
        0, "120 leads checked; N a second: all equal\n",
    )  # fmt: skip
    await _break_a_lead(full)
    code, out, _ = await ran(settings, "--jobs", "1")
    assert code == 1
    assert "engagement/page +5" in out
    assert "stored nothing" in out
    assert out.endswith(": 1 differ\n")
    assert "@" not in out  # nobody's address
    [lead] = re.findall(r"^lead (\S+) differs", out, re.MULTILINE)
    code, out, _ = await ran(settings, "--repair", "--dry-run", "--jobs", "1")
    assert code == 1
    assert "a repair would do: entries of 1 event change, the stage stays" in out
    assert (await ran(settings, "--lead", lead))[0] == 1
    code, out, _ = await ran(settings, "--repair", "--jobs", "1")
    assert code == 0
    assert "repaired, and equal now" in out
    assert out.endswith(": 1 differ, 1 of them repaired\n")
    code, out, _ = await ran(settings, "--lead", lead)
    assert (code, out) == (0, f"lead {lead}: equal\n")
    rows = await full.connection.fetch(
        "SELECT checked, differing, repaired FROM audit_run"
        " WHERE ended_at IS NOT NULL AND position = last_lead ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [(120, 0, 0), (120, 1, 0), (120, 1, 0), (120, 1, 1)]


async def test_what_can_not_be_done_ends_with_two(bench: Workbench, database_url: str) -> None:
    """No ruleset, nothing to resume, no such lead, options that don't fit, no Postgres."""
    settings = settings_for(database_url)
    assert (await ran(settings))[0] == 2
    await made_live(database_url, RULES)
    code, _, err = await ran(settings, "--resume")
    assert (code, err) == (2, "no audit was interrupted: there is nothing to resume\n")
    nobody = str(uuid.UUID(int=7))
    assert (await ran(settings, "--lead", nobody))[0] == 2
    assert (await ran(settings, "--dry-run"))[0] == 2
    assert (await ran(settings_for("postgresql://nobody@127.0.0.1:9/none")))[0] == 2
    code, out, _ = await ran(settings)
    assert (code, out.split(";")[0]) == (0, "0 leads checked")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_audit_is_resumed_where_it_was(
    full: Workbench, database_url: str, number: signal.Signals
) -> None:
    """Each lead is checked once; the difference found before the interruption still counts."""
    settings = settings_for(database_url)
    await _break_a_lead(full)
    last = await full.connection.fetchval("SELECT id FROM lead ORDER BY id DESC LIMIT 1")
    await full.connection.execute("BEGIN")
    # The readers wait for this table.
    await full.connection.execute("LOCK TABLE stage_history IN ACCESS EXCLUSIVE MODE")
    with started(settings, "--jobs", "1") as process:
        await _until(
            database_url,
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()",
        )
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        await full.connection.execute("ROLLBACK")
        out, err = await asyncio.to_thread(process.communicate, timeout=DEADLINE_SECONDS)
    assert (process.returncode, err) == (130, "interrupted: go on by leadscore audit --resume\n")
    assert "all equal" not in out
    run = await full.connection.fetchrow("SELECT * FROM audit_run")
    assert run["ended_at"] is None
    assert run["checked"] < 120
    code, out, _ = await ran(settings, "--resume", "--jobs", "1")
    assert code == 1
    assert out.startswith(("lead ", "120 leads"))
    [run] = await full.connection.fetch("SELECT * FROM audit_run")
    assert (run["checked"], run["differing"], run["position"]) == (120, 1, last)
    assert run["ended_at"] is not None
    assert (await ran(settings, "--resume"))[0] == 2


async def test_a_scorer_at_work_causes_no_false_alarm(settings: Settings) -> None:
    """Batches, late events and merges come in while audits run one after the other; the scorer
    shows the last result.
    """
    url = settings.database_url.get_secret_value()
    await go_live(settings)
    dice = random.Random(1)
    events = [
        happening(number, dice.choice(["page_viewed", "email_clicked", "lead_identified"]),
                  after=dice.randint(0, 600), user_id=f"u{dice.randint(0, 60)}",
                  anonymous_id=f"a{dice.randint(0, 80)}")
        for number in range(3000)
    ]  # fmt: skip
    with service("scorer", settings) as scorer:
        await asyncio.to_thread(scorer.wait_ready)
        sending = asyncio.create_task(send(settings, events))
        audits = 0
        while not sending.done() or audits < 2:
            code, out, err = await ran(settings, "--jobs", "1")
            assert code == 0, out + err
            audits += 1
        await sending
        await all_taken(settings, len(events))
        code, out, _ = await ran(settings)
        assert (code, out.endswith(": all equal\n")) == (0, True)
        connection = await asyncpg.connect(url)
        leads = await connection.fetchval("SELECT count(*) FROM lead")
        await connection.close()
        assert leads > 50

        def shown() -> bool:
            metrics = scorer.answer("/metrics")[1]
            return f"leadscore_scorer_audit_checked_leads {float(leads)}" in metrics

        await asyncio.to_thread(wait_for, shown, "the audit's result in the scorer's metrics")
        assert "leadscore_scorer_audit_differing_leads 0.0" in scorer.answer("/metrics")[1]


async def _until(database_url: str, condition: str) -> None:
    """By a connection of its own: within a transaction what others do isn't looked at again."""
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await connection.fetchval(condition):
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
