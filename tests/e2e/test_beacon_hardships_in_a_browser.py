"""The tracker where things are hard: no network, strict pages, several hosts, people who say no."""

from __future__ import annotations

import json

from playwright.async_api import Browser

from tests.e2e.conftest import Local
from tests.e2e.visitor import visiting

DNT = "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})"
QUEUE = "() => localStorage.leadscore_queue || '[]'"


async def test_what_happens_offline_is_sent_when_the_network_is_back(
    browser: Browser, local: Local
) -> None:
    """From the same page, or from the next one when the page was closed meanwhile; each once."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/")
        await visitor.written.one("page_viewed")
        await visitor.context.set_offline(True)
        await visitor.page.evaluate("leadscore.track('demo_requested', {n: 1})")
        await visitor.page.wait_for_function("() => localStorage.leadscore_queue")
        await visitor.context.set_offline(False)
        first = await visitor.written.one("demo_requested", n=1)
        await visitor.page.wait_for_function("() => !localStorage.leadscore_queue")

        await visitor.context.set_offline(True)
        await visitor.page.evaluate("leadscore.track('demo_requested', {n: 2})")
        await visitor.page.wait_for_function("() => localStorage.leadscore_queue")
        kept = json.loads(await visitor.page.evaluate(QUEUE))
        former, visitor.page = visitor.page, await visitor.context.new_page()
        async with former.expect_event("close"):
            await former.close(run_before_unload=True)
        await visitor.context.set_offline(False)
        await visitor.goto("/pricing")
        second = await visitor.written.one("demo_requested", n=2)
        assert json.loads(kept[-1])["messageId"] == second.id
        assert second.context["page"]["path"] == "/"
        left = await visitor.written.one("page_left")
        assert left.context["page"]["path"] == "/"
        assert first.anonymous_id == second.anonymous_id
        # What was written is taken out once the answer is there.
        await visitor.page.wait_for_function(f"() => ({QUEUE})() === '[]'")


async def test_without_consent_nothing_waits_in_the_browser(browser: Browser, local: Local) -> None:
    """A form that could not be sent is tried again as long as the page lives, and isn't stored."""
    async with visiting(browser, local, attributes="") as visitor:
        await visitor.goto("/pricing")
        await visitor.context.set_offline(True)
        await visitor.page.evaluate("leadscore.identify('u-9', {email: 'sarah@example.com'})")
        await visitor.page.wait_for_function("() => window.leadscore")
        assert await visitor.stored() == {}
        assert await visitor.context.cookies() == []
        await visitor.context.set_offline(False)
        assert (await visitor.written.one("lead_identified")).user_id == "u-9"
        assert await visitor.stored() == {}


async def test_a_strict_policy_of_the_page_is_kept(browser: Browser, local: Local) -> None:
    """Nothing but the script and its endpoint is asked for: no inline code, no eval, no styles."""
    ingest = local["ingest_url"]
    policy = f"default-src 'none'; script-src {ingest}; connect-src {ingest}; form-action 'self'"
    headers = {"content-security-policy": f"{policy}; require-trusted-types-for 'script'"}
    said: list[str] = []
    async with visiting(browser, local, page_headers=headers) as visitor:
        visitor.page.on("console", lambda message: said.append(message.text))
        await visitor.page.goto(visitor.site.url + "/pricing")
        viewed = await visitor.written.one("page_viewed")
        await visitor.page.fill("#callback [name=email]", "sarah@example.com")
        await visitor.page.click("#callback button")
        form = await visitor.written.one("form_submitted")
        assert form.anonymous_id == viewed.anonymous_id
        await visitor.written.one("page_left")
    assert [text for text in said if "Content Security Policy" in text] == []


async def test_hosts_of_one_site_know_one_visitor(browser: Browser, local: Local) -> None:
    """Once a person agreed on one, the others needn't ask; a no on one is a no on all of them."""
    async with visiting(browser, local, attributes="") as visitor:
        port = visitor.site.url.rpartition(":")[2]

        async def go(host: str) -> None:
            visitor.site.url = f"http://{host}.site.test:{port}"
            await visitor.goto("/")

        await go("www")
        assert await visitor.context.cookies() == []
        await visitor.page.evaluate("leadscore.consent(true)")
        viewed = await visitor.written.one("page_viewed")
        await go("blog")
        assert await visitor.page.evaluate("leadscore.anonymousId()") == viewed.anonymous_id
        names = {cookie["name"]: cookie for cookie in await visitor.context.cookies()}
        assert set(names) == {"leadscore_id", "leadscore_consent"}
        assert {cookie["domain"] for cookie in names.values()} == {".site.test"}
        await visitor.page.evaluate("leadscore.consent(false)")
        (cookie,) = await visitor.context.cookies()
        assert (cookie["name"], cookie["value"]) == ("leadscore_consent", "0")
        await go("www")
        assert await visitor.page.evaluate("leadscore.anonymousId()") is None
        assert await visitor.stored() == {"leadscore_consent": "0"}


async def test_a_no_on_one_host_holds_where_the_site_says_yes(
    browser: Browser, local: Local
) -> None:
    """And cookies that the browser threw away are no answer: they are made again."""
    async with visiting(browser, local) as visitor:
        port = visitor.site.url.rpartition(":")[2]
        visitor.site.url = f"http://www.site.test:{port}"
        await visitor.goto("/")
        first = await visitor.written.one("page_viewed")
        await visitor.page.evaluate("leadscore.consent(true)")
        await visitor.context.clear_cookies()
        await visitor.goto("/pricing")
        assert await visitor.page.evaluate("leadscore.anonymousId()") == first.anonymous_id
        assert len(await visitor.context.cookies()) == 2
        await visitor.page.evaluate("leadscore.consent(false)")
        visitor.site.url = f"http://blog.site.test:{port}"
        await visitor.goto("/article")
        assert await visitor.page.evaluate("leadscore.anonymousId()") is None
        await visitor.page.evaluate("leadscore.identify('u-5')")
        who = await visitor.written.one("lead_identified")
        assert who.anonymous_id is None
        paths = {event.context["page"]["path"] for event in visitor.written.events}
        assert ("/article" in paths, who.consent) == (True, {"granted": False})
        assert "page_viewed" not in [
            event.type
            for event in visitor.written.events
            if event.context["page"]["path"] == "/article"
        ]


async def test_two_tabs_that_wait_lose_nothing_of_each_other(
    browser: Browser, local: Local
) -> None:
    """One is closed offline; the other, opened before, waits too; the next page sends both."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/")
        first = visitor.page
        visitor.page = await visitor.context.new_page()
        await visitor.goto("/pricing")
        await visitor.context.set_offline(True)
        for page, number in ((first, 1), (visitor.page, 2)):
            await page.evaluate(f"leadscore.track('demo_requested', {{n: {number}}})")
            await page.wait_for_function(
                f"() => (localStorage.leadscore_queue || '').includes('n\\\\\":{number}')"
            )
            if page is first:
                async with first.expect_event("close"):
                    await first.close(run_before_unload=True)
        await visitor.context.set_offline(False)
        await visitor.goto("/article")
        assert await visitor.written.one("demo_requested", n=1)
        assert await visitor.written.one("demo_requested", n=2)


async def test_cookies_can_be_turned_off(browser: Browser, local: Local) -> None:
    """The id then belongs to one host."""
    async with visiting(browser, local, 'data-consent="granted" data-cookies="off"') as visitor:
        visitor.site.url = visitor.site.url.replace("127.0.0.1", "www.site.test")
        await visitor.goto("/")
        await visitor.written.one("page_viewed")
        assert await visitor.context.cookies() == []
        assert "leadscore_id" in await visitor.stored()


async def test_do_not_track_is_a_no_until_the_person_says_yes(
    browser: Browser, local: Local
) -> None:
    """What the site says counts less than what the browser says, and the person more."""
    async with visiting(browser, local, script=DNT) as visitor:
        await visitor.goto("/")
        await visitor.page.evaluate("leadscore.identify('u-7')")
        who = await visitor.written.one("lead_identified")
        assert who.anonymous_id is None
        assert [event.type for event in visitor.written.events] == ["lead_identified"]
        await visitor.page.evaluate("leadscore.consent(true)")
        assert (await visitor.written.one("page_viewed")).anonymous_id


async def test_card_numbers_stay_behind_whatever_their_field_is_called(
    browser: Browser, local: Local
) -> None:
    """Known by their check digit."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/pricing")
        await visitor.page.fill("#callback [name=email]", "sarah@example.com")
        await visitor.page.fill("#callback [name=note]", "4111 1111-1111 1111")
        await visitor.page.fill("#callback [name=company]", "4111 1111-1111 1112")
        await visitor.page.click("#callback button")
        form = await visitor.written.one("form_submitted")
        assert "note" not in form.properties
        assert form.traits["company"] == "4111 1111-1111 1112"
