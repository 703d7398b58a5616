"""Links of mails over the real route: the image, the way on, the trap, and no way anywhere else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client import REGISTRY

from services.ingest.app import create_app
from services.ingest.edge import Edge
from services.ingest.email_links import Link, Links, links_of
from services.ingest.handling import handling_of
from services.ingest.intake import Intake
from services.ingest.keys import keys_of
from services.ingest.sources import Sources
from shared.bus import SupervisedProducer, create_producer
from shared.health import Health
from shared.settings import Settings
from tests.ingest_server import reading_events, served, serving_ingest

TARGET = "https://acme.example/guide?a=b&c=%20d#part"
LINK = Link("click", email="Sarah@Example.com", message_id="m1", campaign="may", target=TARGET)
AGENT = {"user-agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"}


@pytest.fixture
def links(settings: Settings) -> Links:
    return links_of(settings)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_ingest(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def follow(
    client: httpx.AsyncClient, links: Links, link: Link, **headers: str
) -> httpx.Response:
    return await client.get(links.url("", link), headers=AGENT | headers)


async def test_openings_clicks_and_traps_are_events(
    client: httpx.AsyncClient, links: Links, settings: Settings
) -> None:
    """The person is led on to the very address; who follows what can't be seen is a machine."""
    opened = await follow(client, links, replace(LINK, kind="open", target=""))
    assert (opened.status_code, opened.headers["content-type"]) == (200, "image/gif")
    assert "no-store" in opened.headers["cache-control"]
    clicked = await follow(client, links, LINK)
    assert (clicked.status_code, clicked.headers["location"]) == (302, TARGET)
    assert clicked.headers["referrer-policy"] == "no-referrer"
    trapped = await follow(client, links, replace(LINK, kind="trap", target=""))
    assert trapped.status_code == 200
    await follow(client, links, replace(LINK, message_id="m2"), **{"sec-purpose": "prefetch"})
    await follow(client, links, replace(LINK, message_id="m3", expires_s=int(time.time()) - 1))
    assert (await client.head(links.url("", LINK))).status_code == 302
    async with reading_events(settings) as written:
        events = await written.until(lambda events: len(events) >= 4, "four events")
    found = [
        (one.type, one.properties["message_id"], one.verdict.judgement, one.verdict.why)
        for one in events
    ]
    assert found == [
        ("email_opened", "m1", "unknown", ""),
        ("email_clicked", "m1", "unknown", ""),
        ("email_link_trap", "m1", "bot", "followed a link that people don't see"),
        ("email_clicked", "m2", "bot", "prefetched"),
    ]
    assert events[1].properties["url"] == TARGET
    assert {one.identifiers.email for one in events} == {"sarah@example.com"}


async def test_there_is_no_way_to_where_we_did_not_sign(
    client: httpx.AsyncClient, links: Links
) -> None:
    """Made up, changed, or of another kind: a page that leads nowhere."""
    token = links.token(LINK)
    image = links.token(replace(LINK, kind="open", target=""))
    for path in (f"/c/{token[:-2]}AA", "/c/x", "/c/https://evil.example", f"/c/{image}", "/c/%00"):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert "location" not in answer.headers
    assert (await client.get(f"/o/{token}")).status_code == 200  # an image, and no event


async def test_a_person_is_led_on_while_kafka_is_away(settings: Settings, links: Links) -> None:
    """The event is lost, and counted."""
    never_started = SupervisedProducer(lambda: create_producer(settings))
    edge = Edge(
        settings, Intake(settings, never_started), keys_of(settings), Sources(), None,
        handling_of(settings), links,
    )  # fmt: skip
    async with (
        served(create_app(edge, Health())) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        assert (await follow(client, links, LINK)).headers["location"] == TARGET
    labels = {"kind": "click", "code": "kafka_away"}
    assert REGISTRY.get_sample_value("leadscore_ingest_link_events_lost_total", labels)
