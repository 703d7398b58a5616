"""Least data: the settings hold on every road into ingest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from shared.settings import Settings
from tests.ingest_server import Written, reading_events, serving_ingest
from tests.integration.ingest.test_sendgrid_webhook import Account, item, items

KEY = {"authorization": "Bearer test-write-key"}
AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
PAGE = "https://x.example/a?email=ada%40example.com&b=1"
PLAIN = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Strict:
    """An ingest that keeps little, and what it wrote."""

    http: httpx.AsyncClient
    written: Written
    account: Account

    async def post(self, path: str, content: Any, **headers: str) -> dict[str, Any]:
        body = json.dumps(content) if isinstance(content, dict) else content
        answer = await self.http.post(path, content=body, headers={**KEY, **headers})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def strict(settings: Settings) -> AsyncIterator[Strict]:
    account = Account()
    told = {
        "sendgrid_public_key": account.public_key,
        "email_rules": "example.com:plus",
        "ip": "none",
        "user_agent": "family",
        "fields_deny": "**.iban, context.timezone, properties.category",
        "fields_allow": "traits.name, traits.email, traits.phone",
    }
    async with (
        serving_ingest(settings.model_copy(update=told)) as url,
        httpx.AsyncClient(base_url=url, timeout=60, headers={"user-agent": AGENT}) as http,
        reading_events(settings) as written,
    ):
        yield Strict(http, written, account)


async def test_the_settings_hold_on_every_road(strict: Strict) -> None:
    """Segment's calls alone and in a batch, beacons as JSON and as a form, submitted forms, the
    pixel and webhooks: fields, addresses of pages, user agent, ip, and the form of addresses.
    """
    traits = {"name": "Ada", "email": "Ada+x@example.com", "iban": "AT1", "city": "Wien"}
    context = {"page": {"url": PAGE, "referrer": PAGE}, "timezone": "Europe/Vienna"}
    properties = {"url": PAGE, "iban": "AT1", "deep": {"iban": "AT1", "n": 1}}
    call = {"anonymousId": "a", "context": {**context, "traits": traits}, "properties": properties}
    form = {"email": "Ada+x@example.com", "name": "Ada", "city": "Wien", "IBAN": "AT1", "url": PAGE}
    flat = {"type": "email_opened", "email": "Ada+x@example.com", "url": PAGE, "p.iban": "AT1",
            "p.url": PAGE}  # fmt: skip
    await strict.post("/v1/track", {**call, "event": "One"})
    batched = {"type": "track", "event": "Two", **call}
    await strict.post("/v1/batch", {"batch": [batched]})
    await strict.post("/collect", {"type": "track", "event": "Three", **call})
    await strict.post("/collect", str(httpx.QueryParams({**flat, "type": "Four"})), **PLAIN)
    beacon = {"type": "form", "form": "five", "fields": form, "context": context}
    await strict.post("/collect", beacon)
    await strict.post("/v1/forms/six", str(httpx.QueryParams(form)), **PLAIN, referer=PAGE)
    await strict.http.get("/v1/pixel.gif", params={**flat, "writeKey": "test-write-key"})
    hook = items(item("click", email="Ada+x@example.com", url=PAGE, iban="AT1", category="c",
                      ip="203.0.113.7", useragent=AGENT))  # fmt: skip
    await strict.account.post(strict.http, hook)
    events = await strict.written.until(lambda events: len(events) == 8, "eight events")
    assert {event.type for event in events} >= {"One", "Two", "Three", "Four", "email_clicked"}
    for event in events:
        assert event.identifiers.email == "ada@example.com"
        assert event.traits.keys() <= {"name", "email"}
        assert event.properties.get("url") in (None, "https://x.example/a?b=1")
        assert event.context.get("page", {}).get("url") in (None, "https://x.example/a?b=1")
        assert event.context["user_agent"] == "Chrome on Windows"
        said = repr((event.properties, event.context)).lower()
        for gone in ("at1", "ada", "127.0", "203.0", "vienna", "131", "category"):
            assert gone not in said, (event.type, gone)
    assert sum("url" in event.properties for event in events) == 8


async def test_answers_note_the_identifiers_that_were_left_out(strict: Strict) -> None:
    """A placeholder is no reason to refuse, but the sender can see it, in a batch by call."""
    one = {"userId": "null", "anonymousId": "a1", "event": "x"}
    note = {
        "code": "placeholder",
        "message": "This value stands for nobody; it was not used as an identifier.",
        "path": "userId",
    }
    assert await strict.post("/v1/track", one) == {"success": True, "notes": [note]}
    track = {"type": "track", **one}
    for path in ("/v1/batch", "/collect"):
        good = {**track, "userId": "u1"}
        answer = await strict.post(path, {"batch": [good, track, {"type": "x", **one}]})
        assert [error["index"] for error in answer["errors"]] == [2]
        assert answer["notes"] == [{"index": 1, **note, "path": "batch[1].userId"}]
    assert (await strict.post("/collect", track))["notes"] == [note]
    answer = await strict.post("/v1/forms/f", {"email": "a@b.co", "phone": "12"})
    assert [(each["code"], each["path"]) for each in answer["notes"]] == [
        ("unreadable", "traits.phone")
    ]
    alone = {"userId": "null", "event": "x"}
    refused = await strict.http.post("/v1/track", json=alone, headers=KEY)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "identity_placeholder")
