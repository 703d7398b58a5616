"""Sequences by API and command: started, paused, resumed, stopped and moved by hand."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.router.ruleset_words import Rulesets
from services.router.sequences.clock import SequenceClock
from shared.database import create_engine
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.integration.console.sales_desk import SalesDesk, now_ms, sales_desk, until
from tests.processes import environment

RULES = """
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}]}
sequences:
  welcome:
    title: Welcome
    hours: {from: "00:00", to: "24:00", days: [mon, tue, wed, thu, fri, sat, sun]}
    steps:
      - {id: hello, day: 1, content: {content: {id: hello}}}
      - {id: more, day: 2, content: {content: {id: more}}}
"""
EMAIL = "sarah@example.com"


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[SalesDesk]:
    async with sales_desk(settings, RULES) as made:
        yield made


async def known_lead(desk: SalesDesk) -> str:
    await desk.does(EMAIL)

    async def there() -> str:
        items = (await desk.api.get("/v1/leads", params={"email": EMAIL})).json()["items"]
        return items[0]["id"] if items else ""

    return str(await until(there))


async def command(desk: SalesDesk, *words: str) -> tuple[int, str]:
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "sequences", *words],
        env=environment(desk.settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


async def test_a_lead_is_started_paused_resumed_and_stopped_by_command(desk: SalesDesk) -> None:
    """A dry run changes nothing; what isn't there is told with what is."""
    lead = await known_lead(desk)
    code, text = await command(desk, "start", "welcom", EMAIL)
    assert (code, "there are: welcome" in text) == (1, True)
    code, text = await command(desk, "start", "welcome", "nobody@example.com")
    assert (code, "no such lead" in text) == (1, True)
    assert "would change 1 lead" in (await command(desk, "start", "welcome", EMAIL, "--dry-run"))[1]

    async def status() -> list[tuple[str, str]]:
        items = (await desk.api.get(f"/v1/leads/{lead}/sequences")).json()["items"]
        return [(item["status"], item["why"]) for item in items]

    assert await status() == []
    assert "changed 1 lead" in (await command(desk, "start", "welcome", EMAIL))[1]

    async def runs() -> bool:
        return await status() == [("running", "")]

    await until(runs)
    assert "on it already" in (await command(desk, "start", "welcome", EMAIL))[1]
    assert "changed 1 lead" in (await command(desk, "pause", "welcome", EMAIL))[1]
    assert await status() == [("paused", "")]
    assert "changed 1 lead" in (await command(desk, "resume", "welcome", EMAIL))[1]
    await until(runs)
    code, text = await command(desk, "list")
    assert (code, "welcome\truns\t1 on it\t0 sent\tWelcome" in text) == (0, True)
    assert "changed 1 lead" in (await command(desk, "stop", "welcome", EMAIL))[1]
    assert await status() == [("ended", "by hand")]


async def test_a_sequence_rests_for_everybody_and_leads_move_to_the_live_version(
    desk: SalesDesk, database_url: str
) -> None:
    """While it rests nothing of it goes out, however due; a lead finishes the version it began
    under, unless it is moved.
    """
    lead = await known_lead(desk)
    started = await desk.api.post("/v1/sequences/welcome/start", json={"lead_id": lead})
    assert started.json() == {"changed": 1}
    assert (await desk.api.post("/v1/sequences/welcome/start", json={})).status_code == 400

    async def running() -> bool:
        return bool((await desk.api.get("/v1/sequences/welcome")).json()["running"].get("running"))

    await until(running)
    assert (await desk.api.post("/v1/sequences/welcome/pause", json={})).status_code == 200
    assert (await desk.api.get("/v1/sequences/welcome")).json()["paused_since"]
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        later_ms = now_ms() + 25 * 3_600_000
        clock = SequenceClock(pool, Rulesets(pool), 4, lambda: later_ms)
        assert await clock.act() == 0
        await desk.api.post("/v1/sequences/welcome/resume", json={})
        assert await clock.act() == 1
        engine = create_engine(desk.settings)
        async with engine.begin() as connection:
            before = "      - {id: before, day: 0, content: {content: {id: first}}}\n"
            await publish(connection, RULES.replace("    steps:\n", f"    steps:\n{before}"))
        await engine.dispose()
        shown = (await desk.api.get("/v1/sequences/welcome")).json()
        assert (shown["older_versions"], shown["steps"][1]["sent"]) == (1, 1)
        moved = await desk.api.post("/v1/sequences/welcome/move", json={"lead_id": lead})
        assert moved.json() == {"changed": 1}
        assert (await desk.api.get("/v1/sequences/welcome")).json()["older_versions"] == 0
        later_ms += 30 * 24 * 3_600_000
        while await clock.act():
            later_ms += 24 * 3_600_000
        sent = await pool.fetch("SELECT step_id FROM sequence_step ORDER BY at_ms")
        # What went out isn't sent again from its new place, and what was put before isn't sent.
        assert [row["step_id"] for row in sent] == ["hello", "more"]
    assert (await desk.api.get("/v1/sequences/none")).status_code == 404
