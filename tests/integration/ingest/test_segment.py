"""Segment's HTTP API over a real socket and a real Kafka: what is answered is what is written."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.envelope import Event
from shared.ids import partition_key
from shared.settings import Settings
from tests.ingest_server import Written, reading_events, serving_ingest

KEY = "test-write-key"
BASIC = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
SUCCESS = {"success": True}


@pytest.fixture
async def ingest(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ingest."""
    async with serving_ingest(settings) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    """What stands on lead-events."""
    async with reading_events(settings) as reader:
        yield reader


def track(number: int = 1, **over: Any) -> dict[str, Any]:
    return {
        "type": "track", "messageId": f"m{number}", "event": "Tried", "anonymousId": "a1", **over,
    }  # fmt: skip


async def ids(written: Written, count: int) -> list[str]:
    events = await written.until(lambda events: len(events) >= count, f"{count} events")
    return [event.id for event in events]


@pytest.mark.parametrize("kind", ["track", "identify", "page", "screen", "group", "alias"])
async def test_every_call_is_answered_200_and_written(
    ingest: httpx.AsyncClient, written: Written, kind: str
) -> None:
    """Exactly 200 {"success": true}, as SDKs expect."""
    call = track(userId="u1", previousId="old", groupId="g1")
    answer = await ingest.post(f"/v1/{kind}", json=call, headers={"authorization": BASIC})
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert await ids(written, 1) == ["m1"]


@pytest.mark.parametrize(
    ("headers", "in_body"),
    [
        ({"authorization": BASIC}, {}),
        ({"authorization": f"Bearer {KEY}"}, {}),
        ({"authorization": "Bearer some-oauth-token"}, {"writeKey": KEY}),
        ({}, {"writeKey": KEY}),
    ],
)
async def test_the_key_may_come_in_each_of_its_ways(
    ingest: httpx.AsyncClient, headers: dict[str, str], in_body: dict[str, str]
) -> None:
    """Basic auth, bearer token, or in the body."""
    answer = await ingest.post("/v1/track", json={**track(), **in_body}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer nobody"}])
async def test_an_unknown_key_is_refused(
    ingest: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """401, and how to do better."""
    answer = await ingest.post("/v1/track", json=track(), headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] in ("key_missing", "key_unknown")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense", None],
)
async def test_the_content_type_is_ignored_and_gzip_is_read(
    ingest: httpx.AsyncClient, written: Written, content_type: str | None
) -> None:
    """RudderStack's SDK says form and sends gzipped JSON."""
    headers = {"authorization": BASIC, "content-encoding": "gzip"}
    if content_type:
        headers["content-type"] = content_type
    packed = gzip.compress(json.dumps(track()).encode())
    answer = await ingest.post("/v1/track", content=packed, headers=headers)
    assert answer.status_code == 200
    assert await ids(written, 1) == ["m1"]


async def test_good_events_of_a_batch_are_taken_and_bad_ones_named(
    ingest: httpx.AsyncClient, written: Written
) -> None:
    """Index, code and path for each; the others are safe."""
    batch = [track(0), track(1, event=None), 3, track(3, timestamp="1970-01-01"), track(4)]
    answer = await ingest.post("/v1/batch", json={"batch": batch, "writeKey": KEY})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert [(each["index"], each["code"], each["path"]) for each in body["errors"]] == [
        (1, "event_missing", "batch[1].event"),
        (2, "wrong_type", "batch[2]"),
        (3, "timestamp_absurd", "batch[3].timestamp"),
    ]
    assert sorted(await ids(written, 2)) == ["m0", "m4"]


async def test_a_batch_without_a_good_event_is_refused(ingest: httpx.AsyncClient) -> None:
    """400, with every reason."""
    for batch, code in (([track(1, event=None)], "event_missing"), ([], "batch_empty")):
        answer = await ingest.post("/v1/batch", json={"batch": batch, "writeKey": KEY})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == code


async def test_the_limits_of_size_hold(ingest: httpx.AsyncClient, written: Written) -> None:
    """32 KB an event, 500 KB and 2,500 events a batch."""

    async def post(path: str, body: Any) -> tuple[int, Any]:
        answer = await ingest.post(path, json=body, headers={"authorization": BASIC})
        return answer.status_code, answer.json()

    large = track(1, properties={f"p{n}": "x" * 8000 for n in range(5)})
    assert (await post("/v1/track", large))[0] == 413
    status, body = await post("/v1/batch", {"batch": [large, track(2)]})
    assert (status, body["errors"][0]["code"]) == (200, "too_large")
    many = [{"type": "track", "event": "x", "anonymousId": "a"}] * 2501
    assert (await post("/v1/batch", {"batch": many}))[0] == 413
    assert (await post("/v1/batch", {"batch": many[1:]}))[0] == 200
    wide = [track(n, properties={"a": "y" * 8000}) for n in range(70)]
    assert (await post("/v1/batch", {"batch": wide}))[0] == 413
    assert len(await ids(written, 2501)) == 2501


async def test_a_batch_lends_its_context_and_sent_at(
    ingest: httpx.AsyncClient, written: Written
) -> None:
    """An item's own win over the batch's."""
    context = {"page": {"path": "/a"}, "locale": "de"}
    batch = [track(1), track(2, context={"page": {"path": "/b"}})]
    body = {"batch": batch, "writeKey": KEY, "context": context}
    assert (await ingest.post("/v1/batch", json=body)).status_code == 200
    await ids(written, 2)
    kept = {event.id: event.context for event in written.events}
    assert kept["m1"]["page"]["path"] == "/a"
    assert kept["m2"]["page"]["path"] == "/b"
    assert kept["m2"]["locale"] == "de"


async def test_the_record_key_is_the_hash_of_the_strongest_identifier(
    ingest: httpx.AsyncClient, written: Written, settings: Settings
) -> None:
    """So a person's events are in one partition, and no address is readable in the key."""
    calls = [track(n, userId="u1", event=f"e{n}") for n in range(20)]
    await ingest.post("/v1/batch", json={"batch": calls, "writeKey": KEY})
    await ids(written, 20)
    secret = settings.hash_key.get_secret_value().encode()
    key = partition_key(secret, written.events[0].identifiers)
    assert b"u1" not in key
    assert written.keys == {key}
    assert len(written.partitions) == 1


async def test_browsers_on_other_sites_may_send(ingest: httpx.AsyncClient) -> None:
    """Preflight first; the very origin is echoed, because beacons bring credentials."""
    origin = {"origin": "https://shop.example"}
    asked = await ingest.options(
        "/v1/track",
        headers={**origin, "access-control-request-method": "POST",
                 "access-control-request-headers": "authorization,content-type"},
    )  # fmt: skip
    assert asked.status_code in (200, 204)
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert "POST" in asked.headers["access-control-allow-methods"]
    answer = await ingest.post("/v1/track", json={**track(), "writeKey": KEY}, headers=origin)
    refused = await ingest.post("/v1/track", json={}, headers=origin)
    assert (answer.status_code, refused.status_code) == (200, 401)
    for each in (asked, answer, refused):
        assert each.headers["access-control-allow-origin"] == "https://shop.example"
        assert each.headers["access-control-allow-credentials"] == "true"
        assert "origin" in each.headers["vary"].lower()


async def test_other_origins_are_turned_away_where_a_list_is_set(settings: Settings) -> None:
    """The list is LEADSCORE_ALLOWED_ORIGINS."""
    narrow = settings.model_copy(update={"allowed_origins": "https://ours.example"})
    async with serving_ingest(narrow) as url, httpx.AsyncClient(base_url=url) as client:
        for origin, status in (("https://ours.example", 200), ("https://other.example", 403)):
            answer = await client.post(
                "/v1/track", json={**track(), "writeKey": KEY}, headers={"origin": origin}
            )
            assert answer.status_code == status
            assert ("access-control-allow-origin" in answer.headers) is (status == 200)


async def test_sec_gpc_withholds_passive_events_only(
    ingest: httpx.AsyncClient, written: Written
) -> None:
    """Answered 200 all the same, and told; a server's key speaks for no browser."""
    gpc = {"sec-gpc": "1", "authorization": BASIC}
    batch = [track(1), track(2, event="Demo Requested"), track(3, type="page")]
    for path, body, count in (("/v1/batch", {"batch": batch}, 2), ("/v1/page", track(4), 1)):
        answer = await ingest.post(path, json=body, headers=gpc)
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "withheld": {"gpc": count}}
    server = {"sec-gpc": "1", "authorization": "Bearer test-secret-key"}
    assert (await ingest.post("/v1/page", json=track(5), headers=server)).status_code == 200
    assert sorted(await ids(written, 2)) == ["m2", "m5"]
    sources = {event.id: event.source for event in written.events}
    assert sources == {"m2": "web", "m5": "server"}


async def test_the_api_describes_itself_without_the_network(ingest: httpx.AsyncClient) -> None:
    """OpenAPI, and its page with everything served from here."""
    document = (await ingest.get("/openapi.json")).json()
    assert {"/v1/track", "/v1/batch", "/v1/webhooks/{provider}"} <= set(document["paths"])
    page = await ingest.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"docs/static/{name}" in page.text
        assert (await ingest.get(f"/docs/static/{name}")).status_code == 200


async def test_unknown_paths_and_methods_are_json_errors(ingest: httpx.AsyncClient) -> None:
    """One shape for all of them."""
    for answer, status in (
        (await ingest.get("/v1/nothing"), 404),
        (await ingest.get("/v1/track"), 405),
        (await ingest.put("/v1/batch"), 405),
    ):
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"code", "message", "path"}


async def test_metrics_count_what_happened(ingest: httpx.AsyncClient) -> None:
    """Accepted by source, refused by code."""
    await ingest.post("/v1/track", json=track(), headers={"authorization": BASIC})
    await ingest.post("/v1/track", json=track())
    text = (await ingest.get("/metrics")).text
    assert 'leadscore_ingest_events_accepted_total{source="web"}' in text
    assert 'leadscore_ingest_rejected_total{code="key_missing"}' in text


def test_an_event_has_no_more_than_the_envelope() -> None:
    """A reminder for whoever adds a field: golden files and documents want it too."""
    assert len(Event.__struct_fields__) == 12
