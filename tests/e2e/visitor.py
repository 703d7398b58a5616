"""A person with a browser on a site with the tracker, and what is written of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.conftest import Local
from tests.e2e.site import Site
from tests.e2e.written import Written, reading_events


@dataclass
class Visitor:
    """A person with a browser on the site, and what is written of it."""

    site: Site
    page: Page
    context: BrowserContext
    written: Written
    faults: list[str] = field(default_factory=list)

    async def goto(self, path: str, **options: Any) -> None:
        await self.page.goto(self.site.url + path, **options)
        await self.page.wait_for_function("!!(window.leadscore && window.leadscore.track)")

    async def stored(self) -> dict[str, str]:
        stored: dict[str, str] = await self.page.evaluate("Object.assign({}, localStorage)")
        return stored


@contextlib.asynccontextmanager
async def visiting(
    browser: Browser,
    local: Local,
    attributes: str = 'data-consent="granted"',
    script: str = "",
    head: str = "",
    page_headers: dict[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Visitor]:
    """A fresh browser profile on a site whose beacon reports to ingest.

    script: runs in every page before anything else · page_headers: of the site's answers ·
    options: of the browser's profile.
    Fails when a page had an uncaught error.
    """
    site = Site(local["ingest_url"], local["write_key"], attributes, head, page_headers or {})
    async with site.served() as port, reading_events(local, port) as written:
        context = await browser.new_context(**options)
        if script:
            await context.add_init_script(script)
        context.set_default_timeout(60_000)
        page = await context.new_page()
        visitor = Visitor(site, page, context, written)
        page.on("pageerror", lambda error: visitor.faults.append(str(error)))
        try:
            yield visitor
        finally:
            await context.close()
        assert visitor.faults == []
