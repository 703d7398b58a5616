"""Leads joined and parted by hand: through the API and the command, Kafka, a scorer, Postgres."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

from tests.integration.console.test_stage_by_hand import DEADLINE_SECONDS, Desk, desk, until
from tests.processes import environment

__all__ = ["desk"]  # the fixture


async def merged_into(desk: Desk, lead_id: str) -> Any:
    return (await desk.api.get(f"/v1/leads/{lead_id}")).json()["merged_into"]


async def command(desk: Desk, *words: str) -> tuple[int, str]:
    """Run `leadscore lead …`; its exit code, and all that it said."""
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "lead", *words],
        env=environment(desk.settings),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )
    return ran.returncode, ran.stdout + ran.stderr


async def interest(desk: Desk, lead_id: str) -> Any:
    models = (await desk.api.get(f"/v1/leads/{lead_id}")).json()["scores"]
    return models["interest"]


async def test_a_merge_is_asked_for_carried_out_listed_and_taken_back(desk: Desk) -> None:
    """The older survives; the other stands again afterwards, with its visit and its id."""
    ann = await desk.lead(email="ann@example.com")
    bob = await desk.lead(user_id="bob")
    answer = await desk.api.post(
        f"/v1/leads/{bob}/merge", json={"with": ann, "actor": "kim", "id": "one"}
    )
    assert (answer.status_code, answer.json()["accepted"]) == (202, True)

    async def is_merged() -> bool:
        return bool(await merged_into(desk, bob) == ann)

    async def is_parted() -> bool:
        return await merged_into(desk, bob) is None

    await until(is_merged)
    assert await interest(desk, ann) == 20
    answer = await desk.api.post(f"/v1/leads/{bob}/unmerge", json={"actor": "lee"})
    assert answer.status_code == 202
    await until(is_parted)
    assert [await interest(desk, lead_id) for lead_id in (ann, bob)] == [10, 10]
    [listed] = (await desk.api.get(f"/v1/leads/{ann}/merges")).json()["items"]
    assert (listed["absorbed"], listed["survivor"]) == (bob, ann)
    assert (listed["cause"], listed["actor"], listed["undone_by"]) == ("operator", "kim", "lee")
    code, said = await command(desk, "merges", "bob")
    assert (code, "taken back" in said) == (0, True)


async def test_the_command_merges_and_tries_without_doing(desk: Desk) -> None:
    """A dry run sends nothing; a visitor joins a known lead and is parted from it, each done when
    the wait ends; two visitors can't be joined.
    """
    ann = await desk.lead(email="ann@example.com")
    phone = await desk.lead(anonymous_id="phone")
    await desk.lead(anonymous_id="tablet")
    code, said = await command(desk, "merge", "phone", "ann@example.com", "--dry-run")
    assert (code, "nothing is sent" in said) == (0, True)
    code, said = await command(desk, "merge", "phone", "tablet")
    assert (code, "two visitors without a name" in said) == (1, True)
    code, said = await command(desk, "merge", "phone", "ann@example.com", "--wait")
    assert (code, "done" in said, await merged_into(desk, phone)) == (0, True, ann)
    code, said = await command(desk, "unmerge", phone, "--wait")
    assert (code, "done" in said, await merged_into(desk, phone)) == (0, True, None)
    code, said = await command(desk, "unmerge", phone)
    assert (code, "isn't part of another" in said) == (1, True)


async def test_what_cant_be_done_is_said_with_its_reason(desk: Desk) -> None:
    """A lead with itself, one that isn't part of another, one that nobody knows."""
    ann = await desk.lead(email="ann@example.com")
    refusals: list[tuple[str, dict[str, str], int, str]] = [
        (f"/v1/leads/{ann}/merge", {"with": ann}, 400, "same_lead"),
        (f"/v1/leads/{ann}/merge", {"with": "0" * 32}, 404, "lead_not_found"),
        (f"/v1/leads/{ann}/merge", {}, 400, "invalid_parameter"),
        (f"/v1/leads/{ann}/unmerge", {}, 409, "not_merged"),
    ]
    for path, body, status, code in refusals:
        answer = await desk.api.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path
