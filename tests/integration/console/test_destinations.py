"""Destinations and deliveries over HTTP: the same checks as the commands, and no secrets told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.outbound import destinations
from shared.outbound.destinations import Destination
from tests.integration.router.receiver import receiver

PUBLIC = "https://93.184.215.14/hook?key=in-the-query"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Connections as the commands have them."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as made:
        yield made


async def made(api: httpx.AsyncClient, **asked: Any) -> httpx.Response:
    return await api.post("/v1/destinations", json={"name": "crm", "url": PUBLIC, **asked})


async def stored(pool: asyncpg.Pool[asyncpg.Record], name: str = "crm") -> Destination:
    return await destinations.find(pool, name)


async def test_a_destination_is_added_shown_changed_and_removed(api: httpx.AsyncClient) -> None:
    """Its secret is told once; headers by their names only; the URL without its query."""
    settings = {"filter": {"types": ["handoff.*"]}, "headers": {"X-Key": "very-secret"}, "rate": 5}
    added = await made(api, settings=settings)
    assert added.status_code == 201
    assert added.json()["secret"].startswith("whsec_")
    shown = await api.get("/v1/destinations/crm")
    told = shown.json()
    assert told["address"] == "https://93.184.215.14/hook"
    assert (told["state"], told["secrets"], told["waiting"]) == ("enabled", 1, 0)
    assert told["settings"]["headers"] == ["X-Key"]
    everything = shown.text + (await api.get("/v1/destinations")).text
    for secret in ("very-secret", "whsec_", "in-the-query"):
        assert secret not in everything
    changed = await api.patch("/v1/destinations/crm", json={"settings": {"rate": None}})
    assert changed.json()["settings"]["rate"] is None
    assert changed.json()["settings"]["headers"] == ["X-Key"]
    assert (await made(api)).status_code == 409
    assert (await api.delete("/v1/destinations/crm")).status_code == 204
    assert (await api.get("/v1/destinations/crm")).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"url": "https://127.0.0.1/hook"},
        {"url": "https://169.254.169.254/latest"},
        {"url": "http://93.184.215.14/"},
        {"url": "https://[::ffff:10.0.0.1]/"},
        {"url": ""},
        {"settings": {"headers": {"Host": "x"}}},
        {"settings": {"headers": {"webhook-id": "x"}}},
        {"settings": {"headers": {"X-A": "a\r\nX-B: b"}}},
        {"settings": {"fields": {"exclude": ["lead_id"]}}},
        {"settings": {"unknown": 1}},
        {"settings": {"rate": -1}},
        {"settings": {"filter": {"types": ["handoff.sale"]}}},
        {"kind": "email", "url": ""},
        {"kind": "email", "url": "", "settings": {"to": ["a@b.example\nBcc: c@d.example"]}},
        {"name": "a/b"},
        {"name": ".."},
    ],
)
async def test_what_must_not_be_is_refused_at_create_and_update(
    api: httpx.AsyncClient, asked: dict[str, Any]
) -> None:
    """Addresses inside, headers of ours, and what isn't known; nothing is stored."""
    refused = await made(api, **asked)
    assert refused.status_code == 400, refused.text
    assert (await api.get("/v1/destinations")).json()["items"] == []
    if "name" in asked or "kind" in asked or asked.get("url") == "":
        return
    assert (await made(api)).status_code == 201
    assert (await api.patch("/v1/destinations/crm", json=asked)).status_code == 400


async def test_private_addresses_are_for_those_with_the_command(
    api: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """A caller of the API can neither add one nor lead an allowed one elsewhere."""
    assert (await made(api, allow_private=True)).status_code == 400
    await destinations.add(pool, "crm", "http://127.0.0.1:9/hook", allow_private=True)
    led = await api.patch("/v1/destinations/crm", json={"url": "http://127.0.0.1:5432/"})
    assert led.status_code == 409
    assert (await stored(pool)).url == "http://127.0.0.1:9/hook"


async def test_a_test_message_goes_out_and_its_answer_comes_back_without_a_word(
    api: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """Signed with both secrets while they change."""
    async with receiver() as to:
        former = await destinations.add(pool, "crm", to.url, allow_private=True)
        # The clock of this API stands still; that of a test message doesn't.
        rotated = await destinations.rotate(pool, "crm", time.time())
        for secret in (former, rotated):
            to.secret = secret
            tested = await api.post("/v1/destinations/crm/test")
            assert tested.json() == {"ok": True, "answer": "HTTP 204"}
    assert to.faults == []
    assert [each.body["type"] for each in to.posted] == ["leadscore.test"] * 2
    assert (await api.post("/v1/destinations/nobody/test")).status_code == 404


async def test_a_test_is_guarded_too(
    api: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """What is stored may lead inside by now."""
    async with receiver() as to:
        await destinations.add(pool, "crm", "https://93.184.215.14/hook")
        await pool.execute("UPDATE destination SET url = $1", f"https://localhost:{to.port}/")
        tested = (await api.post("/v1/destinations/crm/test")).json()
    assert tested == {"ok": False, "answer": "refused: the address is loopback"}
    assert to.posted == []


async def test_dry_runs_change_nothing(api: httpx.AsyncClient) -> None:
    """But check all the same."""
    assert (await made(api, dry_run=True)).json()["secret"] is None
    assert (await made(api, dry_run=True, url="https://10.0.0.1/")).status_code == 400
    assert (await api.get("/v1/destinations")).json()["items"] == []
    await made(api)
    await api.patch("/v1/destinations/crm", json={"settings": {"rate": 7}, "dry_run": True})
    await api.post("/v1/destinations/crm/rotate", json={"dry_run": True})
    told = (await api.get("/v1/destinations/crm")).json()
    assert (told["settings"]["rate"], told["secrets"]) == (None, 1)


async def test_a_disabled_destination_says_why_until_it_is_enabled(api: httpx.AsyncClient) -> None:
    """By hand, as by a 410."""
    await made(api)
    disabled = await api.post("/v1/destinations/crm/disable", json={"why": "moving house"})
    assert (disabled.json()["state"], disabled.json()["disabled_why"]) == (
        "disabled",
        "moving house",
    )
    assert (await api.post("/v1/destinations/crm/enable")).json()["state"] == "enabled"


async def test_deliveries_are_listed_shown_and_sent_again(
    api: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """In pages, with their attempts; those that wait are left alone."""
    await made(api)
    destination = (await stored(pool)).id
    for number in range(5):
        await pool.execute(
            "INSERT INTO delivery (destination_id, lead_id, message_id, body, type, status,"
            " attempts, spent, next_attempt_at, last_answer, ended_at)"
            " VALUES ($1, $2, $3, '{}', 'handoff.sales', $4, 10, 10, now(), 'HTTP 500',"
            " CASE WHEN $4 = 'waiting' THEN NULL ELSE now() END)",
            destination,
            uuid4(),
            f"m{number}",
            "waiting" if number == 0 else "failed" if number < 4 else "delivered",
        )
    first = (await api.get("/v1/deliveries", params={"limit": 3})).json()
    rest = await api.get("/v1/deliveries", params={"limit": 3, "cursor": first["next_cursor"]})
    ids = [each["message_id"] for each in first["items"] + rest.json()["items"]]
    assert ids == ["m4", "m3", "m2", "m1", "m0"]
    assert rest.json()["next_cursor"] is None
    one = rest.json()["items"][0]["id"]
    await pool.execute(
        "INSERT INTO delivery_attempt VALUES ($1, 10, now(), 12, 'failed', 'HTTP 500')", one
    )
    shown = (await api.get(f"/v1/deliveries/{one}")).json()
    assert [(each["attempt"], each["answer"]) for each in shown["made"]] == [(10, "HTTP 500")]
    asked = {"destination": "crm", "dry_run": True}
    assert (await api.post("/v1/deliveries/resend", json=asked)).json()["queued"] == 3
    assert (await api.post(f"/v1/deliveries/{one}/resend")).json()["queued"] == 1
    assert (await api.post(f"/v1/deliveries/{one}/resend")).json()["queued"] == 0
    asked = {"destination": "crm"}
    assert (await api.post("/v1/deliveries/resend", json=asked)).json()["queued"] == 2
    waiting = (await api.get("/v1/deliveries", params={"status": "waiting"})).json()["items"]
    assert [each["message_id"] for each in waiting] == ["m3", "m2", "m1", "m0"]
    assert (await api.post("/v1/deliveries/resend", json={})).status_code == 400
    assert (await api.get("/v1/deliveries/999999")).status_code == 404
    asked = {"destination": "crn"}
    assert (await api.get("/v1/deliveries", params=asked)).status_code == 404
    assert (await api.post("/v1/deliveries/resend", json=asked)).status_code == 404


async def test_settings_of_a_later_version_can_be_seen_and_removed(
    api: httpx.AsyncClient, pool: asyncpg.Pool[asyncpg.Record]
) -> None:
    """They harm no other destination, and nothing goes where they are."""
    await made(api)
    await made(api, name="other")
    await pool.execute("UPDATE destination SET settings = '{\"later\": 1}' WHERE name = 'crm'")
    items = (await api.get("/v1/destinations")).json()["items"]
    assert {each["name"]: each["state"] for each in items} == {
        "crm": "unreadable", "other": "enabled",
    }  # fmt: skip
    changed = await api.patch("/v1/destinations/crm", json={"settings": {"rate": 1}})
    assert (changed.status_code, "can't be read" in changed.text) == (400, True)
    assert (await api.delete("/v1/destinations/crm")).status_code == 204
