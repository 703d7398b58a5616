"""The real SDKs, as their users run them, pointed at ingest by their ordinary option."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.envelope import Event
from shared.settings import Settings
from tests.ingest_server import Written, reading_events, serving_ingest
from tests.sdks.installing import command, environment

KEY = "test-write-key"
SECONDS = 120
COUNT = 25
SENT = list(range(COUNT))
PAGE = {"url": "https://shop.example/pricing", "path": "/pricing", "title": "Pricing"}


@dataclass(frozen=True)
class Sdk:
    """A script of tests/sdks. also: what it sends beside the demos, by type · index: where the
    number of a demo stands.
    """

    script: str
    also: dict[str, dict[str, Any]] = field(default_factory=dict)
    index: str = "index"


IDENTIFIED = {"lead_identified": {"email": "ann@example.com"}}
VIEWED = {"page_viewed": {"page": PAGE}}
SDKS = (
    Sdk("send_segment.py", IDENTIFIED),
    Sdk("send_rudder.py", IDENTIFIED),
    Sdk("send_segment.mjs", IDENTIFIED),
    Sdk("send_rudder.mjs", IDENTIFIED),
    Sdk("send_snowplow.py", {**VIEWED, "content_downloaded": {"label": "guide", "value": 3}}),
    Sdk("send_snowplow.mjs", VIEWED),
    Sdk("send_matomo.mjs", VIEWED, index="dimension1"),
    Sdk(
        "send_ga4.py",
        {**VIEWED, "purchase_made": {"order_id": "A-1", "amount": 49.5, "brand": "Acme"}},
    ),
)


@pytest.fixture
async def ingest(settings: Settings) -> AsyncIterator[str]:
    async with serving_ingest(settings) as url:
        yield url


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    async with reading_events(settings) as written:
        yield written


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.script)
async def test_an_sdk_works_unchanged(sdk: Sdk, ingest: str, written: Written) -> None:
    """All that it sends arrives as our events, each once, and it ends without complaint."""
    told = await asyncio.to_thread(
        subprocess.run,
        command(sdk.script, ingest, KEY, str(COUNT), "0"),
        env=environment(), capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    expected = COUNT + len(sdk.also)
    events = await written.until(lambda events: len(events) >= expected, "all of it")
    demos = [event for event in events if event.type == "demo_requested"]
    assert sorted(int(event.properties[sdk.index]) for event in demos) == SENT
    assert {event.source for event in events} == {"web"}
    assert len({event.id for event in events}) == len(events) == expected
    for event_type, said in sdk.also.items():
        [event] = [one for one in events if one.type == event_type]
        assert said.items() <= _said(event).items()
    who = {(one.identifiers.user_id, one.identifiers.anonymous_id) for one in demos}
    assert len(who) == 1


def _said(event: Event) -> dict[str, Any]:
    return {**event.properties, **event.traits, "page": event.context.get("page")}
