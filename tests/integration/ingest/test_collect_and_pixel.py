"""Beacons and pixels over HTTP, onto Kafka."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import REGISTRY

from services.ingest.app import create_app
from services.ingest.edge import Edge
from services.ingest.email_links import links_of
from services.ingest.handling import PLAIN
from services.ingest.intake import Intake
from services.ingest.keys import keys_of
from services.ingest.pixel import GIF
from services.ingest.sources import Sources
from shared.bus import SupervisedProducer, create_producer
from shared.health import Health
from shared.settings import Settings
from tests.ingest_server import Written, reading_events, served, serving_ingest

KEY = "test-write-key"
TEXT = {"content-type": "text/plain;charset=UTF-8"}


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an ingest."""
    async with serving_ingest(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    """What is on the topic."""
    async with reading_events(settings) as written:
        yield written


def refused(code: str) -> float:
    """How often something was refused for this reason."""
    labels = {"code": code}
    return REGISTRY.get_sample_value("leadscore_ingest_rejected_total", labels) or 0.0


async def test_collect_takes_whatever_a_beacon_can_send(
    client: httpx.AsyncClient, written: Written
) -> None:
    """A batch as text, one call without any type, and a urlencoded call."""
    page = {"type": "page", "anonymousId": "a1", "messageId": "m1"}
    batch = {"writeKey": KEY, "batch": [page, {"type": "page"}]}
    answer = await client.post("/collect", content=json.dumps(batch), headers=TEXT)
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert [error["path"] for error in answer.json()["errors"]] == ["batch[1].userId"]
    track = {"type": "track", "event": "Demo Requested", "userId": "u1", "messageId": "m2"}
    answer = await client.post("/collect", content=json.dumps({**track, "writeKey": KEY}))
    assert answer.json() == {"success": True}
    flat = {"writeKey": KEY, "type": "video_watched", "anonymousId": "a1", "p.seconds": "30"}
    assert (await client.post("/collect", data=flat)).json() == {"success": True}
    events = await written.until(lambda events: len(events) == 3, "three events")
    assert {event.type for event in events} == {"page_viewed", "demo_requested", "video_watched"}


async def test_collect_answers_a_beacon_with_credentials_by_its_own_origin(
    client: httpx.AsyncClient,
) -> None:
    """A JSON blob makes the browser ask first; "*" would not do."""
    origin = {"origin": "https://www.example.com"}
    preflight = await client.options("/collect", headers=origin)
    assert preflight.headers["access-control-allow-origin"] == origin["origin"]
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert "content-type" in preflight.headers["access-control-allow-headers"]


async def test_nothing_good_is_400_and_an_unknown_key_401(client: httpx.AsyncClient) -> None:
    """The same shape of errors as everywhere."""
    bad = {"writeKey": KEY, "batch": [{"type": "page"}]}
    answer = await client.post("/collect", content=json.dumps(bad), headers=TEXT)
    assert answer.status_code == 400
    assert answer.json()["error"]["path"] == "batch[0].userId"
    assert answer.json()["errors"][0]["index"] == 0
    unknown = {"writeKey": "?", "batch": [{"type": "page", "anonymousId": "a1"}]}
    assert (await client.post("/collect", content=json.dumps(unknown))).status_code == 401
    assert (await client.post("/collect", content="x" * 70_000)).status_code == 413


async def test_a_privacy_signal_withholds_what_is_passive_and_keeps_forms(
    client: httpx.AsyncClient, written: Written
) -> None:
    """The header is the browser's own word, whatever the script did."""
    form = {"type": "form", "form": "guide", "event": "content_downloaded"}
    calls = [
        {"type": "page", "anonymousId": "a1"},
        {**form, "fields": {"email": "s@example.com"}},
        {"type": "page", "anonymousId": "a1", "context": {"consent": {"analytics": "denied"}}},
    ]
    body = json.dumps({"writeKey": KEY, "batch": calls})
    answer = await client.post("/collect", content=body, headers={**TEXT, "sec-gpc": "1"})
    assert answer.json() == {"success": True, "withheld": {"gpc": 2}}
    answer = await client.post(
        "/collect", content=json.dumps({"writeKey": KEY, **calls[2]}), headers=TEXT
    )
    assert answer.json() == {"success": True, "withheld": {"consent": 1}}
    await written.one("content_downloaded")
    await client.get("/v1/pixel.gif", params={"writeKey": KEY, "userId": "end"})
    await written.until(lambda events: events[-1:] and events[-1].identifiers.user_id, "the end")
    assert sorted(event.type for event in written.events) == ["content_downloaded", "page_viewed"]


async def test_the_pixel_is_an_image_and_an_event(
    client: httpx.AsyncClient, written: Written
) -> None:
    """Never cached, so that each view is a request."""
    params = {
        "writeKey": KEY,
        "type": "email_opened",
        "email": "sarah@example.com",
        "campaign": "day-2",
        "p.content_id": "retirement-guide",
    }
    for _ in range(2):
        answer = await client.get("/v1/pixel.gif", params=params)
        assert (answer.status_code, answer.content) == (200, GIF)
    assert answer.headers["content-type"] == "image/gif"
    assert "no-store" in answer.headers["cache-control"]
    events = await written.until(lambda events: len(events) == 2, "two openings")
    assert len({event.id for event in events}) == 1
    assert events[0].context["campaign"] == {"name": "day-2"}
    assert events[0].properties == {"content_id": "retirement-guide"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "key_missing"),
        ("writeKey=nobody", "key_unknown"),
        (f"writeKey={KEY}", "identity_missing"),
        (f"writeKey={KEY}&email=a@example.com", "email_in_address"),
        (f"writeKey={KEY}&userId=%00", "null_character"),
        (f"writeKey={KEY}&userId=u&timestamp=never", "timestamp_unreadable"),
        ("&".join(f"p.{n}=1" for n in range(101)), "too_many_fields"),
    ],
)
async def test_the_pixel_is_an_image_whatever_is_wrong(
    client: httpx.AsyncClient, query: str, code: str
) -> None:
    """What is refused is counted."""
    before = refused(code)
    answer = await client.get(f"/v1/pixel.gif?{query}")
    assert (answer.status_code, answer.content) == (200, GIF)
    assert refused(code) == before + 1


async def test_while_kafka_is_away_the_pixel_is_an_image_and_the_rest_comes_again(
    settings: Settings,
) -> None:
    """Nobody is told that something was kept which wasn't."""
    never_started = SupervisedProducer(lambda: create_producer(settings))
    intake = Intake(settings, never_started)
    edge = Edge(
        settings,
        intake,
        keys_of(settings),
        Sources(),
        origins=None,
        handling=PLAIN,
        links=links_of(settings),
    )
    async with (
        served(create_app(edge, Health())) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        before = refused("kafka_away")
        answer = await client.get("/v1/pixel.gif", params={"writeKey": KEY, "userId": "u1"})
        assert (answer.status_code, answer.content) == (200, GIF)
        body = json.dumps({"writeKey": KEY, "type": "page", "anonymousId": "a1"})
        beacon = await client.post("/collect", content=body)
        form = await client.post(f"/v1/forms/f?writeKey={KEY}", data={"email": "a@b.co"})
        assert [beacon.status_code, form.status_code] == [429, 429]
        assert form.headers["retry-after"] == beacon.headers["retry-after"] == "2"
        assert refused("kafka_away") == before + 3


async def test_looking_at_the_pixel_without_fetching_it_is_no_event(
    client: httpx.AsyncClient, written: Written
) -> None:
    """Some mail programs ask for the size of an image first."""
    for method in ("HEAD", "GET"):
        params = {"writeKey": KEY, "userId": "u1", "messageId": method}
        answer = await client.request(method, "/v1/pixel.gif", params=params)
        assert answer.headers["content-length"] == "43"
    await written.one("page_viewed")
    assert [event.id for event in written.events] == ["GET"]


async def test_the_beacon_is_served(client: httpx.AsyncClient) -> None:
    """Where the snippet looks for it."""
    answer = await client.get("/beacon.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
