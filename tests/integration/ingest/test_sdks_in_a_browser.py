"""The browser SDKs of Segment and RudderStack, on a page of another origin, in a real Chromium."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shared.envelope import Event
from shared.settings import Settings
from tests.browser import chromium
from tests.ingest_server import Written, reading_events, served, serving_ingest
from tests.sdks.installing import npm_packages

KEY = "test-write-key"
SEGMENT = "@segment/analytics-next/dist/umd/index.js"
RUDDER = "@rudderstack/analytics-js/dist/npm/legacy/bundled/umd/index.js"
PAGE = """<!doctype html><title>Pricing</title>
<script src="/sdks/{sdk}"></script><script>{script}</script>"""
BY_SEGMENT = """
const analytics = AnalyticsNext.AnalyticsBrowser.load(
  {{ writeKey: "{key}", cdnURL: "{ingest}" }},
  {{ integrations: {{ "Segment.io": {{ deliveryStrategy: {strategy} }} }} }});
"""
BY_RUDDER = """
const analytics = new rudderanalytics.RudderAnalytics();
analytics.load("{key}", "{ingest}", {{ configUrl: "{ingest}", useBeacon: {beacon},
  beaconQueueOptions: {{ flushQueueInterval: 500 }} }});
"""
CALLS = """
analytics.page();
analytics.identify("u-1", {{ email: "ann@example.com" }});
analytics.track("Demo Requested", {{ plan: "pro" }});
"""


@contextlib.asynccontextmanager
async def site(sdk: str, script: str) -> AsyncIterator[str]:
    """A page that loads an SDK and runs a script."""
    page = PAGE.format(sdk=sdk, script=script)
    packages: Path = await asyncio.to_thread(npm_packages)
    app = Starlette(
        routes=[
            Route("/pricing", lambda _: HTMLResponse(page)),
            Mount("/sdks", StaticFiles(directory=packages)),
        ]
    )
    async with served(app) as url:
        yield url


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser:
        yield await browser.new_page()


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    async with reading_events(settings) as written:
        yield written


@pytest.mark.parametrize(
    ("sdk", "load", "options", "path"),
    [
        (SEGMENT, BY_SEGMENT, {"strategy": '{ strategy: "standard" }'}, "/v1/t"),
        (
            SEGMENT, BY_SEGMENT,
            {"strategy": '{ strategy: "batching", config: { size: 2, timeout: 500 } }'},
            "/v1/b",
        ),
        (RUDDER, BY_RUDDER, {"beacon": "false"}, "/v1/track"),
        (RUDDER, BY_RUDDER, {"beacon": "true"}, "/beacon/v1/batch"),
    ],
    ids=["segment", "segment in batches", "rudderstack", "rudderstack by beacons"],
)  # fmt: skip
async def test_an_sdk_in_a_page_works_unchanged(
    settings: Settings, written: Written, page: Page,
    sdk: str, load: str, options: dict[str, str], path: str,
) -> None:  # fmt: skip
    """Settings asked for, calls by its own paths, batches and beacons: each event arrives once."""
    async with serving_ingest(settings) as ingest:
        script = (load + CALLS).format(key=KEY, ingest=ingest, **options)
        async with site(sdk, script) as url:
            said: list[str] = []
            asked: set[str] = set()
            page.on("request", lambda request: asked.add(urlsplit(request.url).path))
            page.on("console", lambda message: said.append(message.text))
            await page.goto(f"{url}/pricing")
            events = await written.until(lambda events: len(events) >= 3, f"three calls: {said}")
    assert path in asked
    assert sorted(event.type for event in events) == [
        "demo_requested", "lead_identified", "page_viewed",
    ]  # fmt: skip
    assert _one(events, "demo_requested").properties["plan"] == "pro"
    assert _one(events, "lead_identified").identifiers.email == "ann@example.com"
    assert _one(events, "page_viewed").context["page"]["path"] == "/pricing"
    assert len({event.identifiers.anonymous_id for event in events}) == 1


def _one(events: list[Event], event_type: str) -> Event:
    [event] = [event for event in events if event.type == event_type]
    return event
