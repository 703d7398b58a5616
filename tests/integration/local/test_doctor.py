"""What `leadscore doctor` says of servers that answer and aren't as they should be."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from deploy.local.doctor import broker_checks, database_checks
from deploy.local.report import Check
from deploy.local.ruleset import publish_default
from shared.bus import admin_client
from shared.database import dsn, migrate
from shared.settings import Settings
from tests.processes import environment


def found(checks: object) -> dict[str, Check]:
    return {check.name: check for check in checks}  # type: ignore[attr-defined]


def test_all_is_well_where_all_was_made(settings: Settings) -> None:
    """The yardstick for the tests below: nothing to mend."""
    asyncio.run(publish_default(settings))
    checks = [*broker_checks(settings), *database_checks(settings)]
    assert [check for check in checks if not check.ok] == []
    assert {"broker", "database", "migrations", "ruleset", "clock"} < set(found(checks))


def test_a_missing_topic_is_named_with_its_partitions(settings: Settings) -> None:
    """The others are found to be there."""
    topic = settings.topics.lead_events

    async def remove() -> None:
        async with admin_client(settings) as admin:
            await admin.delete_topics([topic])

    asyncio.run(remove())
    until = time.monotonic() + 60
    while (checks := found(broker_checks(settings)))[f"topic {topic}"].ok:
        assert time.monotonic() < until  # brokers forget a topic a moment later
    missing = checks.pop(f"topic {topic}")
    assert missing.detail == "is missing"
    assert f"with {settings.event_partitions} partitions" in missing.remedy
    assert "leadscore up" in missing.remedy
    assert all(check.ok for check in checks.values())


def test_a_topic_with_another_number_of_partitions_is_named(settings: Settings) -> None:
    """Both numbers, and the setting that ought to say what the topic has."""
    other = settings.model_copy(update={"event_partitions": settings.event_partitions + 1})
    check = found(broker_checks(other))[f"topic {settings.topics.lead_events}"]
    assert not check.ok
    assert check.detail == "4 partitions, 5 expected"
    assert "LEADSCORE_EVENT_PARTITIONS" in check.remedy


def test_the_command_says_how_to_mend_a_database_that_is_not_migrated(
    settings: Settings, tmp_path: Path
) -> None:
    """The revisions to run and the command for it; it works; then the ruleset is what is missing;
    exit code 1 both times.
    """
    migrate(dsn(settings), "base")
    said = _doctor(settings, tmp_path)
    assert "✗ migrations: to run: 0001, 0002" in said
    assert "    Run `leadscore migrate`." in said
    assert "ruleset" not in said  # its table isn't there

    _leadscore(settings, tmp_path, "migrate", code=0)
    said = _doctor(settings, tmp_path)
    assert "✓ migrations: all applied" in said
    assert "✗ ruleset: none" in said
    assert "leadscore rules publish FILE" in said


def test_a_live_ruleset_that_can_not_be_read_is_found(settings: Settings) -> None:
    """Its faults are told: scorers could not load it either."""
    asyncio.run(publish_default(settings))

    async def spoil() -> None:
        connection = await asyncpg.connect(dsn(settings))
        try:
            await connection.execute("UPDATE ruleset_version SET source = 'models: {}'")
        finally:
            await connection.close()

    asyncio.run(spoil())
    check = found(database_checks(settings))["ruleset"]
    assert not check.ok
    assert "has faults" in check.detail
    assert "leadscore rules publish FILE" in check.remedy


def test_a_clock_that_is_off_is_found_with_how_much(settings: Settings) -> None:
    """Ours three seconds behind the database's; two either way are let pass."""
    behind = found(database_checks(settings, lambda: time.time() - 3))["clock"]
    assert not behind.ok
    assert float(behind.detail.split()[0]) == pytest.approx(3.0, abs=0.2)
    assert "NTP" in behind.remedy
    assert found(database_checks(settings, lambda: time.time() - 1))["clock"].ok


def _doctor(settings: Settings, folder: Path) -> str:
    return _leadscore(settings, folder, "doctor", code=1)


def _leadscore(settings: Settings, folder: Path, *words: str, code: int) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "services.cli", *words],
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
