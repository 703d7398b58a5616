"""How closely somebody looks, as the tracker tells it: visits, time, scrolling, videos, routes."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.e2e.conftest import Local
from tests.e2e.visitor import Visitor, visiting

# The window's focus, which tests can't take from a headless browser, under a page's own control.
FOCUS = "document.hasFocus = () => window.away !== true"
LATER = """() => {
  const visit = JSON.parse(localStorage.leadscore_visit);
  visit.at -= 31 * 60 * 1000;
  localStorage.leadscore_visit = JSON.stringify(visit);
}"""


async def viewed(visitor: Visitor, path: str, count: int = 1) -> None:
    """Wait until the page was told of so many times."""
    await visitor.written.until(
        lambda events: (
            count
            == sum(
                event.type == "page_viewed" and event.context["page"]["path"] == path
                for event in events
            )
        ),
        f"{count} views of {path}",
    )


async def test_a_visit_says_where_it_came_from(browser: Browser, local: Local) -> None:
    """Its number grows after half an hour of silence; each has its own way in, on every event."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/", referer="https://www.google.de/")
        await viewed(visitor, "/")
        await visitor.page.click("#next")
        await viewed(visitor, "/pricing")
        first, second = visitor.written.events[0], visitor.written.events[-1]
        assert first.context["inflow"] == {"channel": "search", "source": "google"}
        assert second.context["inflow"] == first.context["inflow"]
        assert first.context["session"] == second.context["session"]
        assert first.context["session"]["number"] == 1
        assert first.context["timezone"]
        assert first.judgement == "unknown"

        await visitor.page.evaluate(LATER)
        await visitor.goto("/article", referer="https://mail.google.com/")
        await viewed(visitor, "/article")
        again = visitor.written.events[-1]
        assert again.context["inflow"] == {"channel": "email", "source": "gmail"}
        assert again.context["session"]["number"] == 2
        assert again.context["session"]["id"] != first.context["session"]["id"]
        assert again.context["page"]["landing"].endswith("/article")
        assert again.anonymous_id == first.anonymous_id
        await visitor.goto("/?utm_medium=cpc&utm_source=ads")
        await viewed(visitor, "/", 2)
        bought = visitor.written.events[-1]
        assert bought.context["inflow"] == {"channel": "paid", "source": "ads"}
        assert bought.context["session"]["number"] == 3


async def test_only_time_in_focus_counts_and_the_exit_is_told(
    browser: Browser, local: Local
) -> None:
    """A window behind another one isn't read. A page closed in mid-read says so, how far it was
    read, and that nothing came after it.
    """
    async with visiting(browser, local, script=FOCUS) as visitor:
        await visitor.goto("/article")
        await visitor.page.wait_for_function("performance.now() > 800")
        await visitor.page.evaluate("window.away = true; dispatchEvent(new Event('blur'))")
        before = await visitor.page.evaluate("performance.now()")
        await visitor.page.wait_for_function(f"performance.now() > {before} + 1500")
        await visitor.page.evaluate("window.away = false; dispatchEvent(new Event('focus'))")
        await visitor.page.mouse.wheel(0, 1500)
        scrolled = await visitor.written.one("page_scrolled")
        assert scrolled.properties["percent"] in (25, 50)
        total = await visitor.page.evaluate("performance.now()")
        await visitor.page.close(run_before_unload=True)
        left = await visitor.written.one("page_left")
        assert 0.3 <= left.properties["seconds"] <= total / 1000 - 1.4
        assert left.properties["scroll_percent"] >= scrolled.properties["percent"]
        assert left.properties["scroll_percent"] < 100
        assert left.properties["exit"] is True
        assert left.properties["view_id"] == scrolled.properties["view_id"]


async def test_a_link_within_the_site_is_no_exit(browser: Browser, local: Local) -> None:
    """The next page comes right after."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/")
        await visitor.page.wait_for_function("performance.now() > 500")
        await visitor.page.click("#next")
        left = await visitor.written.one("page_left")
        assert "exit" not in left.properties


async def test_how_far_a_video_was_watched_is_told(browser: Browser, local: Local) -> None:
    """Each quarter at most once, however often it is played again."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/article")
        play = "async () => { const v = document.getElementById('talk'); await v.play(); }"
        ended = "() => document.getElementById('talk').ended"
        for _ in range(2):
            await visitor.page.evaluate(play)
            await visitor.page.wait_for_function(ended)
        whole = await visitor.written.one("video_watched", percent=100)
        assert whole.properties["title"] == "Tom and Ann"
        assert whole.properties["url"] == f"{visitor.site.url}/files/talk.wav"
        assert whole.properties["duration"] == 2
        await visitor.page.evaluate("leadscore.track('marker')")
        await visitor.written.one("marker")
        told = [
            e.properties["percent"] for e in visitor.written.events if e.type == "video_watched"
        ]
        assert told == sorted(set(told))


async def test_routes_of_a_single_page_app_are_pages(browser: Browser, local: Local) -> None:
    """By themselves, with the title that comes after the address; forth, back, and not twice."""
    async with visiting(browser, local) as visitor:
        await visitor.goto("/")
        await viewed(visitor, "/")
        await visitor.page.evaluate("history.pushState({}, '', '/two'); document.title = 'Two'")
        await viewed(visitor, "/two")
        two = visitor.written.events[-1]
        assert two.context["page"]["title"] == "Two"
        assert two.context["page"]["referrer"] == f"{visitor.site.url}/"
        left = await visitor.written.one("page_left")
        assert left.context["page"]["path"] == "/"
        # The app tells of the route itself, later; and one that is the same place is no page.
        await visitor.page.evaluate("leadscore.page()")
        await visitor.page.evaluate("history.replaceState({a: 1}, '', '/two#part')")
        await visitor.page.go_back()
        await viewed(visitor, "/", 2)
        await viewed(visitor, "/two", 1)
