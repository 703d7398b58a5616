"""Versions of rulesets in a real Postgres."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from services.scorer.commands import app
from shared.database import create_engine
from shared.ruleset.reading import RulesetErrors
from shared.ruleset.store import live_version, load, publish, source_of
from shared.settings import Settings

FIRST = """
models:
  e:
    rules:
      - {id: visit, on: page_viewed, points: 1}
      - {id: read, on: page_left, points: 2}
stages: {ladder: [{name: inform}]}
"""
SECOND = FIRST.replace("id: visit", "id: look")


async def test_versions_are_numbered_and_the_last_is_live(settings: Settings) -> None:
    """Rules keep their numbers over versions; an old version can still be loaded."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        assert await live_version(connection) is None
        first = await publish(connection, FIRST, "the first")
        second = await publish(connection, SECOND)
        assert await live_version(connection) == second > first
        old, new = await load(connection, first), await load(connection, second)
        assert old.rule_numbers["e/read"] == new.rule_numbers["e/read"]
        assert len({new.rule_numbers[name] for name in ("e/visit", "e/look", "e/read")}) == 3
        assert old.document.rule_names() == ["e/visit", "e/read"]
        assert await source_of(connection, first) == FIRST
        with pytest.raises(LookupError):
            await load(connection, second + 1)
    await engine.dispose()


async def test_a_text_that_is_live_is_not_stored_again(settings: Settings) -> None:
    """Publishing twice is publishing once; publishing an older text again is a new version."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        first = await publish(connection, FIRST)
        assert await publish(connection, FIRST) == first
        await publish(connection, SECOND)
        assert await publish(connection, FIRST) > first
    await engine.dispose()


async def test_a_faulty_text_leaves_no_trace(settings: Settings) -> None:
    """It is refused before anything is written."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        with pytest.raises(RulesetErrors):
            await publish(connection, FIRST.replace("points: 1", "points: many"))
        assert await live_version(connection) is None
    await engine.dispose()


async def test_publishers_at_the_same_time_take_turns(settings: Settings) -> None:
    """Every text gets its own version, and rules their one number."""
    engine = create_engine(settings)

    async def one(number: int) -> int:
        async with engine.begin() as connection:
            return await publish(connection, FIRST.replace("id: visit", f"id: visit{number % 3}"))

    versions = await asyncio.gather(*(one(number) for number in range(6)))
    async with engine.connect() as connection:
        assert await live_version(connection) == max(versions)
        stored = await load(connection, max(versions))
        assert set(stored.rule_numbers) == {"e/read", "e/visit0", "e/visit1", "e/visit2"}
    await engine.dispose()


async def test_only_one_row_is_ever_live(settings: Settings) -> None:
    """The foreign key keeps the live row pointing at a version that is there."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, FIRST)
    with pytest.raises(DBAPIError):
        async with engine.begin() as connection:
            await connection.execute(sa.text("UPDATE ruleset_live SET version = 999"))
    await engine.dispose()


def test_the_commands_publish_and_show(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is published is shown word for word; the same again is nothing to do."""
    monkeypatch.setattr("deploy.local.state.load_settings", lambda: settings)
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(FIRST)
    runner = CliRunner()
    assert runner.invoke(app, ["show"]).exit_code == 1
    assert "is live" in runner.invoke(app, ["publish", str(file)]).stdout
    assert "nothing to do" in runner.invoke(app, ["publish", str(file)]).stdout
    assert FIRST in runner.invoke(app, ["show"]).stdout
    assert runner.invoke(app, ["show", "--version", "77"]).exit_code == 1


def test_a_ruleset_whose_tests_fail_is_only_published_when_asked(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions are compared, and gone back to, by their numbers."""
    monkeypatch.setattr("deploy.local.state.load_settings", lambda: settings)
    good, bad = (tmp_path_factory.mktemp("rules") / name for name in ("good.yaml", "bad.yaml"))
    story = "{name: t, events: [{type: page_viewed}], expect: {score: {e: 1}}}"
    good.write_text(FIRST + f"tests: [{story}]\n")
    bad.write_text(good.read_text().replace("points: 1", "points: 5"))
    runner = CliRunner()
    assert runner.invoke(app, ["publish", str(good)]).exit_code == 0
    refused = runner.invoke(app, ["publish", str(bad)])
    assert refused.exit_code == 1
    assert "expected 1, got 5" in refused.output
    assert good.read_text() in runner.invoke(app, ["show"]).stdout
    assert runner.invoke(app, ["test"]).exit_code == 0
    forced = runner.invoke(app, ["publish", str(bad), "--skip-tests"])
    version = int(forced.stdout.split()[2])
    assert runner.invoke(app, ["test"]).exit_code == 1
    compared = runner.invoke(app, ["diff", str(version - 1), "live"]).stdout
    assert compared == "~ rule e/visit\n    points: 1 → 5\n"
    assert "is live" in runner.invoke(app, ["publish", str(version - 1)]).stdout
    assert good.read_text() in runner.invoke(app, ["show"]).stdout
