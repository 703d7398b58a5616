"""The page of destinations, in a real Chromium: a test is sent by a button, and the answer told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from playwright.async_api import Page, expect
from starlette.responses import Response

from services.console.app import create_app
from shared.health import Health
from shared.outbound import destinations
from tests.browser import chromium
from tests.ingest_server import served
from tests.integration.console.conftest import NOW_MS, TOKEN, Rows
from tests.integration.router.receiver import receiver


async def never(*_: object) -> None:
    raise AssertionError("nothing is sent to Kafka here")


@pytest.fixture
async def console(rows: Rows) -> AsyncIterator[str]:
    app = create_app(rows.engine, Health(), TOKEN, lambda: NOW_MS, never)
    async with served(app) as url:
        yield url


@pytest.fixture
async def page(console: str) -> AsyncIterator[Page]:
    """Opened; whatever its policy forbids, or its script fails at, ends the test."""
    wrong: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: wrong.append(said.text) if "Content Security" in said.text else None,
        )
        await page.goto(f"{console}/destinations")
        yield page
    assert not wrong


async def enter(page: Page, token: str) -> None:
    await page.get_by_label("API token").fill(token)
    await page.get_by_role("button", name="Show destinations").click()


async def test_a_button_sends_a_test_and_tells_the_answer(page: Page, database_url: str) -> None:
    """Taken by one that is well; of one that fails the page says so, and how."""
    async with (
        receiver() as well,
        receiver() as broken,
        asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool,
    ):
        broken.answer = lambda _: Response(status_code=503)
        for name, to in (("crm", well), ("<b>dial & call", broken)):
            await destinations.add(pool, name, to.url, allow_private=True)
        await enter(page, TOKEN)
        await page.get_by_role("button", name="Send a test to crm").click()
        await expect(page.get_by_text("Taken: HTTP 204", exact=True)).to_be_visible()
        assert [each.body["type"] for each in well.posted] == ["leadscore.test"]
        assert not broken.posted
        await page.get_by_role("button", name="Send a test to <b>dial & call").click()
        await expect(page.get_by_text("Not taken: HTTP 503")).to_be_visible()
        assert len(broken.posted) == 1
        assert await page.locator("td b").count() == 0  # a name is text


async def test_without_the_token_nothing_is_told(page: Page) -> None:
    await enter(page, "another")
    await expect(page.get_by_text("This token isn't the API's.")).to_be_visible()
    await expect(page.get_by_role("table")).to_be_hidden()


async def test_the_page_itself_holds_no_data(console: str, database_url: str) -> None:
    """It is open to everybody, and may be framed by nobody."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await destinations.add(pool, "very-own-name", "http://127.0.0.1:9/x", allow_private=True)
    async with httpx.AsyncClient(base_url=console) as client:
        for path in ("/destinations", "/destinations/page.js", "/destinations/page.css"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "very-own-name" not in answer.text
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
