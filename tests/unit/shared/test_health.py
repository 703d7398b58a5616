"""Liveness, readiness, metrics."""

from __future__ import annotations

import asyncio

import httpx
from starlette.applications import Starlette

from deploy.local.ports import choose
from shared.health import Health, health_app, serve_health
from shared.settings import Settings


async def test_a_process_is_ready_when_every_check_holds() -> None:
    """Not before each was made once; and 503 names what is away, and why."""
    health = Health.waiting_for("kafka", "postgres")
    client = _client(health_app(health))
    assert (await client.get("/readyz")).status_code == 503
    health.set("kafka", True)
    health.set("postgres", False, "refused")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "away": {"postgres": "refused"}}
    health.set("postgres", True)
    assert (await client.get("/readyz")).json() == {"ready": True, "away": {}}


async def test_a_process_lives_while_its_servers_are_away() -> None:
    """Killing it would not bring them back."""
    client = _client(health_app(Health.waiting_for("kafka")))
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_show_what_is_away() -> None:
    """In Prometheus' text format."""
    health = Health.waiting_for("kafka")
    client = _client(health_app(health))
    assert 'leadscore_dependency_up{dependency="kafka"} 0.0' in (await client.get("/metrics")).text
    health.set("kafka", True)
    assert 'leadscore_dependency_up{dependency="kafka"} 1.0' in (await client.get("/metrics")).text


async def test_the_health_server_ends_when_cancelled() -> None:
    """It leaves signals to its process, and frees its port."""
    port = choose(taken=set())
    settings = Settings(kafka_bootstrap_servers="k", database_url="d", hash_key="x" * 16, port=port)
    serving = asyncio.create_task(serve_health(settings, Health()))
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                assert (await client.get(f"http://127.0.0.1:{port}/livez")).status_code == 200
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.01)
    serving.cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(serving, return_exceptions=True)
    assert choose(port, taken=set()) == port


def _client(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
