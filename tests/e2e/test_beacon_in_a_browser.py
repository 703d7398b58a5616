"""The tracker in a real browser, on a real site, with what it sends arriving on a real Kafka."""

from __future__ import annotations

from playwright.async_api import Browser, Route

from tests.e2e.conftest import Local
from tests.e2e.visitor import visiting

GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})"
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})"


async def test_a_visit_is_told_page_by_page(browser: Browser, local: Local) -> None:
    """Where it came from, where it landed, what it saw and for how long, what it clicked."""
    async with visiting(browser, local) as visitor:
        came = "/?utm_source=search&utm_campaign=retire&gclid=g1#top"
        await visitor.goto(came, referer="https://search.test/")
        first = await visitor.written.one("page_viewed")
        page = first.context["page"]
        landing = f"{visitor.site.url}/?utm_source=search&utm_campaign=retire&gclid=g1"
        assert (page["url"], page["path"], page["title"]) == (landing, "/", "Page /")
        assert page["referrer"] == "https://search.test/"
        assert page["landing"] == landing
        campaign = {"source": "search", "name": "retire", "gclid": "g1"}
        assert first.context["campaign"] == campaign
        assert first.consent == {"granted": True}
        assert first.judgement == "unknown"

        await visitor.page.wait_for_function("performance.now() > 1500")
        await visitor.page.click("#next")
        await visitor.page.wait_for_url("**/pricing")
        left = await visitor.written.one("page_left")
        assert 0.5 <= left.properties["seconds"] <= 15
        assert left.properties["view_id"] == first.id
        assert left.context["page"]["path"] == "/"

        events = await visitor.written.until(
            lambda events: sum(event.type == "page_viewed" for event in events) == 2,
            "a second page",
        )
        second = [event for event in events if event.type == "page_viewed"][1]
        assert second.context["page"]["path"] == "/pricing"
        assert second.context["page"]["referrer"] == landing
        assert second.context["page"]["landing"] == landing
        assert second.context["campaign"] == campaign
        assert len({event.anonymous_id for event in events}) == 1
        assert first.anonymous_id


async def test_downloads_and_outbound_links_are_told(browser: Browser, local: Local) -> None:
    """A file is content, another host is a link; a link within the site is neither."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/")
        await visitor.page.click("#guide", modifiers=["Control"])
        download = await visitor.written.one("content_downloaded")
        assert download.properties == {
            "content_id": "/files/guide.pdf",
            "title": "Your Guide to a Secure Retirement",
            "url": f"{visitor.site.url}/files/guide.pdf",
        }
        await visitor.page.click("#out")
        link = await visitor.written.one("link_clicked")
        assert link.properties["text"] == "A partner"
        assert link.properties["url"].endswith("/elsewhere")
        assert link.properties["outbound"] is True


async def test_a_marked_form_says_who_it_is_and_keeps_secrets(
    browser: Browser, local: Local
) -> None:
    """The address identifies the browser; passwords, tokens and card numbers stay behind."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/pricing")
        viewed = await visitor.written.one("page_viewed")
        for name, value in (
            ("email", "sarah@example.com"),
            ("company", "Acme"),
            ("pass", "secret-1"),
            ("shown_password", "secret-2"),
            ("card", "4111"),
        ):
            await visitor.page.fill(f"#callback [name={name}]", value)
        await visitor.page.click("#callback button")
        await visitor.page.wait_for_url("**/done")
        form = await visitor.written.one("form_submitted")
        assert form.email == "sarah@example.com"
        assert form.anonymous_id == viewed.anonymous_id
        assert form.traits == {"email": "sarah@example.com", "company": "Acme"}
        assert form.properties == {"form": "callback", "topic": "tax, funds"}


async def test_a_form_that_posts_to_ingest_gets_the_ids(browser: Browser, local: Local) -> None:
    """It is sent once, by the browser itself, and joins the visit."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/pricing?utm_source=news")
        viewed = await visitor.written.one("page_viewed")
        await visitor.page.fill("#direct [name=email]", "sarah@example.com")
        await visitor.page.click("#direct button")
        await visitor.page.wait_for_url("**/v1/forms/ebook")
        assert "Thank you" in await visitor.page.content()
        form = await visitor.written.one("form_submitted")
        await visitor.written.one("page_left")
        assert sum(event.type == "form_submitted" for event in visitor.written.events) == 1
        assert form.source == "form:ebook"
        assert form.anonymous_id == viewed.anonymous_id
        assert form.context["page"]["path"] == "/pricing"
        assert form.context["campaign"] == {"source": "news"}
        assert not form.id.endswith("-0")


async def test_without_consent_nothing_passive_is_sent_or_stored(
    browser: Browser, local: Local
) -> None:
    """Required is the default. A form goes without an id; after consent the rest follows."""
    async with visiting(browser, local, attributes="") as visitor:
        await visitor.goto("/")
        await visitor.page.click("#guide", modifiers=["Control"])
        await visitor.page.evaluate("leadscore.track('video_watched')")
        await visitor.goto("/pricing")
        await visitor.page.fill("#callback [name=email]", "sarah@example.com")
        await visitor.page.click("#callback button")
        form = await visitor.written.one("form_submitted")
        assert form.anonymous_id is None
        assert form.consent == {"granted": False}
        assert [event.type for event in visitor.written.events] == ["form_submitted"]
        await visitor.goto("/")
        assert await visitor.stored() == {}

        await visitor.page.evaluate("leadscore.consent(true)")
        viewed = await visitor.written.one("page_viewed")
        stored = await visitor.stored()
        assert stored["leadscore_consent"] == "1"
        assert stored["leadscore_id"] == viewed.anonymous_id
        await visitor.goto("/pricing")
        await visitor.written.until(
            lambda events: sum(event.type == "page_viewed" for event in events) == 2,
            "the page after consent",
        )
        await visitor.page.evaluate("leadscore.consent(false)")
        assert await visitor.stored() == {"leadscore_consent": "0"}
        assert await visitor.page.evaluate("leadscore.anonymousId()") is None


async def test_global_privacy_control_is_stronger_than_granted(
    browser: Browser, local: Local
) -> None:
    """No id, no passive event, even after consent; what a person submits still goes."""
    headers = {"Sec-GPC": "1"}
    async with visiting(browser, local, script=GPC, extra_http_headers=headers) as visitor:
        await visitor.goto("/")
        await visitor.page.evaluate("leadscore.consent(true)")
        await visitor.page.click("#guide", modifiers=["Control"])
        await visitor.goto("/pricing")
        await visitor.page.fill("#callback [name=email]", "sarah@example.com")
        await visitor.page.click("#callback button")
        form = await visitor.written.one("form_submitted")
        assert form.anonymous_id is None
        assert form.consent == {"granted": False, "gpc": True}
        await visitor.goto("/")
        assert "leadscore_id" not in await visitor.stored()
        assert [event.type for event in visitor.written.events] == ["form_submitted"]


async def test_the_site_can_speak_to_the_tracker(browser: Browser, local: Local) -> None:
    """identify, track and page; calls made before the script came are not lost."""
    head = (
        "<script>(window.leadscore = []).push(['track', 'Trial Started', {plan: 'pro'}])</script>"
    )
    async with visiting(browser, local, head=head) as visitor:
        await visitor.goto("/")
        early = await visitor.written.one("trial_started", plan="pro")
        await visitor.page.evaluate("leadscore.identify(42, {email: 'sarah@example.com'})")
        who = await visitor.written.one("lead_identified")
        assert (who.user_id, who.email) == ("42", "sarah@example.com")
        assert who.anonymous_id == early.anonymous_id
        await visitor.page.evaluate("history.pushState({}, '', '/blog'); leadscore.page()")
        left = await visitor.written.one("page_left")
        assert left.context["page"]["path"] == "/"
        events = await visitor.written.until(
            lambda events: [e for e in events if e.context["page"]["path"] == "/blog"], "the blog"
        )
        blog = next(event for event in events if event.context["page"]["path"] == "/blog")
        assert blog.context["page"]["referrer"] == f"{visitor.site.url}/"
        await visitor.page.evaluate("leadscore.reset()")
        fresh = await visitor.page.evaluate("leadscore.anonymousId()")
        assert fresh != early.anonymous_id
        # Whatever the page does wrong is its own affair, and silent.
        await visitor.page.evaluate("const o = {}; o.o = o; leadscore.track('loop', o)")


async def test_blocked_storage_and_an_insecure_page_change_little(
    browser: Browser, local: Local
) -> None:
    """The id then lives as long as the page; event ids need no secure page."""
    async with visiting(browser, local, script=NO_STORAGE) as visitor:
        visitor.site.url = visitor.site.url.replace("127.0.0.1", "site.test")
        await visitor.goto("/")
        assert await visitor.page.evaluate("typeof crypto.randomUUID") == "undefined"
        viewed = await visitor.written.one("page_viewed")
        await visitor.page.evaluate("leadscore.track('video_watched')")
        watched = await visitor.written.one("video_watched")
        assert watched.anonymous_id == viewed.anonymous_id
        assert len({viewed.id, watched.id, watched.anonymous_id}) == 3


async def test_what_ingest_cannot_take_now_is_sent_again(browser: Browser, local: Local) -> None:
    """After a 429 the same events come back by themselves, under the same ids."""
    bodies: list[str] = []

    async def refuse_once(route: Route) -> None:
        bodies.append(route.request.post_data or "")
        if len(bodies) == 1:
            await route.fulfill(status=429, headers={"access-control-allow-origin": "*"})
        else:
            await route.continue_()

    async with visiting(browser, local) as visitor:
        await visitor.page.route("**/collect", refuse_once)
        await visitor.goto("/")
        viewed = await visitor.written.one("page_viewed")
        assert len(bodies) == 2
        assert all(viewed.id in body for body in bodies)
