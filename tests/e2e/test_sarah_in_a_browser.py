"""Sarah, in a real browser, on a real site with the tracker, with mails whose links are ours."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from playwright.async_api import Browser, Page

from tests.e2e.adviser_site import EBOOK, MAILS, MISTAKES, TESTIMONIAL, adviser_site, mail
from tests.e2e.conftest import Local
from tests.e2e.people import eventually
from tests.e2e.published import HANDOFF_SALES, messages
from tests.e2e.site import serving


async def test_sarahs_visits_end_in_a_sales_hand_off(browser: Browser, local: Local) -> None:
    """From a search to the alert: who she is, what she read, watched and downloaded, how long she
    looked, and where she came from.
    """
    email = f"sarah-{uuid.uuid4().hex[:8]}@example.com"
    mails: dict[str, str] = {}
    snippet = (
        f'<script async src="{local["ingest_url"]}/beacon.js"'
        f' data-write-key="{local["write_key"]}"></script>'
    )
    async with serving(adviser_site(snippet, mails)) as port:
        site = f"http://127.0.0.1:{port}"
        for _, message, path in MAILS:
            mails[message] = await linked(local, mail(site, path), email, message)
        context = await browser.new_context()
        await context.clock.install()
        page = await context.new_page()
        await finds_the_site(page, site)
        await gives_her_address(page, email)
        for days, message, path in MAILS:
            await context.clock.fast_forward(days * 86_400_000)
            await page.goto(f"{site}/mail/{message}")
            await page.click("#read")
            await page.wait_for_url(f"**{path}")
            await ready(page)
            await looks(page, path)
        await page.close(run_before_unload=True)
        lead = await asyncio.to_thread(scored, local, email, lambda one: one["stage"] == "validate")
        await context.close()
    await asyncio.to_thread(check_what_sales_is_told, local, lead, email)


async def linked(local: Local, html: str, email: str, message: str) -> str:
    """The mail with our links, by the command."""
    file = local.folder / f"{message}-{uuid.uuid4().hex[:6]}.html"
    await asyncio.to_thread(file.write_text, html)
    done = await asyncio.to_thread(
        local.run, "leadscore", "links", "html", str(file), "--email", email,
        "--message", message, "--base", local["ingest_url"],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


async def ready(page: Page) -> None:
    await page.wait_for_function("() => window.leadscore && window.leadscore.track")


async def finds_the_site(page: Page, site: str) -> None:
    """By a search; she lets herself be counted, looks at the page for a moment, and goes on."""
    address = f"{site}/retirement-savings-strategies"
    await page.goto(address, referer="https://www.google.com/")
    await ready(page)
    await page.evaluate("leadscore.consent(true)")
    await page.clock.fast_forward("00:20")
    await page.click("#guide")
    await page.wait_for_url("**/guides/secure-retirement")
    await ready(page)


async def gives_her_address(page: Page, email: str) -> None:
    """And downloads the e-book."""
    await page.fill("[name=name]", "Sarah Miller")
    await page.fill("[name=email]", email)
    await page.fill("[name=password]", "not-to-be-told")
    await page.click("button")
    await page.wait_for_url("**/thanks*")
    await ready(page)
    await page.click("#download", modifiers=["Control"])


async def looks(page: Page, path: str) -> None:
    """At what the mail led to: she watches the story, reads the rest, and at last the fees."""
    if path.startswith("/stories"):
        await page.evaluate("() => document.getElementById('story').play()")
        await page.wait_for_function("() => document.getElementById('story').ended")
    else:
        await page.clock.fast_forward("00:45")
        await page.mouse.wheel(0, 2000)
        await page.clock.fast_forward("00:50")
        await page.mouse.move(90, 90)
    if path == "/guides/asset-allocation":
        await page.click("#fees")
        await page.wait_for_url("**/pricing")
        await ready(page)
        await page.clock.fast_forward("02:30")


def scored(local: Local, email: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The lead of this address, once it is so."""

    def there() -> dict[str, Any] | None:
        items = local.api(f"/v1/leads?email={email}")["items"]
        return items[0] if items and so(items[0]) else None

    return eventually(there, f"{email} is ready for sales")


def check_what_sales_is_told(local: Local, lead: dict[str, Any], email: str) -> None:
    (packet,) = messages(local, HANDOFF_SALES, lead["id"], bool)
    assert packet["who"]["emails"] == [email]
    assert packet["stage"]["name"] == "validate"
    content = {each["title"] for each in packet["content"]}
    assert {EBOOK, MISTAKES, TESTIMONIAL} <= content
    words = " ".join(reason["words"] for reason in packet["reasons"])
    assert TESTIMONIAL in words or EBOOK in words, words

    timeline = local.api(f"/v1/leads/{lead['id']}/timeline?limit=100")["items"]
    kinds = {each["type"] for each in timeline}
    assert {
        "page_viewed", "page_left", "page_scrolled", "form_submitted", "content_downloaded",
        "video_watched", "email_opened", "email_clicked",
    } <= kinds  # fmt: skip
    assert [(each["type"], each["why"]) for each in timeline if each["bot"]] == []
    assert "not-to-be-told" not in str(timeline)
    seconds = {
        each["page"]["path"]: each["properties"]["total_seconds"]
        for each in timeline
        if each["type"] == "page_left"
    }
    assert 20 <= seconds["/retirement-savings-strategies"] < 40
    # The page then stood open for days, of which a minute may have been looking.
    assert 95 <= seconds["/blog/common-retirement-mistakes"] < 180
    first = min(timeline, key=lambda each: each["occurred_at"])
    assert first["inflow"] == {"channel": "search", "source": "google"}
