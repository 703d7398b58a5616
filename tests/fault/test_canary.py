"""A person is planted, erased, and searched for in every byte of Postgres, Kafka and the logs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.bodies import pack_body
from shared.bus import admin_client
from tests.fault.every_byte import files_with
from tests.fault.planted import DEADLINE_SECONDS, PARTITIONS, TOPIC, Plant, Planted, until
from tests.processes import environment


async def test_an_erased_person_is_in_no_byte_on_disk(plant: Plant) -> None:
    """After retention in Kafka and vacuum in Postgres; another person is found all along."""
    canary, control = Planted(f"kanari{uuid4().hex[:8]}"), Planted(f"amsel{uuid4().hex[:8]}")
    await _live(plant, canary, control)
    await plant.ask("CHECKPOINT")
    for where in (plant.kafka, plant.postgres):
        found = files_with([*canary.words, *control.words], where)
        assert set(found) == {*canary.words, *control.words}, "the search finds what is there"
    await _erase(plant, canary)
    await plant.put(canary.record())
    await until(_dropped(plant), "the record of before is dropped")
    await _pass_retention(plant, canary)
    await plant.send(Planted(f"{control.mark}x"))  # and Kafka goes on
    await _settle_postgres(plant, canary)
    everywhere = [*plant.kafka, *plant.postgres, *plant.logs]
    assert files_with([canary.mark], everywhere) == {}, "it begins all words"
    assert set(files_with(control.words, plant.postgres)) == set(control.words)
    assert files_with([f"{control.mark}xmail"], plant.kafka)
    assert files_with([canary.mark, control.mark], plant.logs) == {}


def test_the_search_finds_words_however_they_are_written(tmp_path: Path) -> None:
    """As they are, in capitals, in UTF-16, in base64 wherever they begin, and in packed bodies."""
    import base64

    word = "kanari0123456789"
    written = [word.encode(), word.upper().encode(), word.encode("utf-16-le")]
    written += [base64.b64encode(b"x" * shift + word.encode() + b"yz") for shift in range(5)]
    written += [b"\0\1" + pack_body(f'{{"id":"{word}"}}'.encode()) + b"\2"]
    for number, content in enumerate(written):
        (tmp_path / str(number)).write_bytes(content)
    assert len(files_with([word], [tmp_path])[word]) >= len(written)
    for number in range(len(written)):
        found = files_with([word], [tmp_path / str(number)])
        assert found, f"not in {written[number]!r}"
    assert files_with(["kanari9876543210"], [tmp_path]) == {}


async def _live(plant: Plant, canary: Planted, control: Planted) -> None:
    """Both are scored, handed over, and delivered; one record of each is a dead letter; and the
    control's event names the canary.
    """
    await plant.send(canary)
    await plant.send(control)
    await plant.put(*(one.record() + b"}" for one in (canary, control)))

    async def told() -> bool:
        bodies = [str(one.body) for one in plant.hooks.posted]
        return all(any(one.email in body for body in bodies) for one in (canary, control))

    await until(told, "both are handed over, and the webhooks delivered")

    async def put_aside() -> bool:
        return plant.scorer_counts('leadscore_scorer_events_total{outcome="dead_letter"}') == 2

    await until(put_aside, "both dead letters are written")
    # After both have said who they are: before that, it would make them one person.
    await plant.put(control.record(0, user_id=f"{control.mark}user", email=canary.email))

    async def mentioned() -> bool:
        return bool(await plant.ask("SELECT count(*) = 7 FROM event"))

    await until(mentioned, "the control's event that names the canary is taken in")
    people = await plant.ask(
        "SELECT count(DISTINCT lead_id) FROM identifier WHERE kind = 2 AND value = ANY($1::text[])",
        [canary.email, control.email],
    )
    assert people == 2, "the control is somebody else"


async def _erase(plant: Plant, canary: Planted) -> None:
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "person", "erase", canary.email, "--reason", "test",
         "--yes"],
        env=environment(plant.settings), capture_output=True, text=True, check=False,
        timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert canary.mark not in ran.stdout + ran.stderr


def _dropped(plant: Plant) -> Any:
    async def dropped() -> bool:
        return plant.scorer_counts('leadscore_scorer_events_total{outcome="erased"}') == 1

    return dropped


async def _pass_retention(plant: Plant, canary: Planted) -> None:
    """Records of a second ago are old now."""
    async with admin_client(plant.settings) as admin:
        await admin.alter_configs([
            ConfigResource(
                ConfigResourceType.TOPIC, topic.name, configs={**TOPIC, "retention.ms": "1000"}
            )
            for topic in plant.settings.topics.table(PARTITIONS)
        ])  # fmt: skip

    async def gone() -> bool:
        return not await asyncio.to_thread(files_with, [canary.mark], plant.kafka)

    await until(gone, "Kafka has deleted what is old")
    async with admin_client(plant.settings) as admin:
        await admin.alter_configs([
            ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=TOPIC)
            for topic in plant.settings.topics.table(PARTITIONS)
        ])  # fmt: skip


async def _settle_postgres(plant: Plant, canary: Planted) -> None:
    """What vacuum, statistics and checkpoints do in days: tables are written anew, and the log's
    files used again.
    """
    await plant.ask("VACUUM (FULL, ANALYZE)")  # the statistics hold values of columns
    await plant.ask("VACUUM FULL pg_statistic")

    async def overwritten() -> bool:
        await plant.ask("SELECT pg_create_restore_point('next')")
        await plant.ask("SELECT pg_switch_wal()")
        await plant.ask("CHECKPOINT")
        return not await asyncio.to_thread(files_with, [canary.mark], plant.postgres)

    await until(overwritten, "the write-ahead log is used again")
