"""An adviser's small site, and the mails of the nurture sequence as a web mailer shows them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.e2e.site import silence

EBOOK = "Your Guide to a Secure Retirement"
MISTAKES = "Seven common retirement mistakes"
TESTIMONIAL = "Client story: retired at 62"
TEXT = "<p style='height: 3000px'>A long text</p>"
FORM = """
<form data-leadscore-form="ebook" action="/thanks">
  <input name="name"><input name="email"><input name="password" type="password">
  <button>Send me the guide</button>
</form>
"""
PAGES = {
    "/retirement-savings-strategies": (
        "Retirement savings strategies",
        TEXT + '<a id="guide" href="/guides/secure-retirement">Our free guide</a>',
    ),
    "/guides/secure-retirement": (EBOOK, FORM),
    "/thanks": (
        "Thank you",
        f'<a id="download" href="/files/secure-retirement.pdf">{EBOOK}</a>',
    ),
    "/blog/common-retirement-mistakes": (MISTAKES, TEXT),
    "/stories/harris": (
        "The Harris family",
        f'<video id="story" src="/files/story.wav" title="{TESTIMONIAL}"></video>',
    ),
    "/guides/asset-allocation": ("Asset allocation", '<a id="fees" href="/pricing">Our fees</a>'),
    "/pricing": ("Fees and services", TEXT),
}
# Days since the one before, message id, what it leads to.
MAILS = (
    (2, "retirement-day-2", "/blog/common-retirement-mistakes"),
    (3, "retirement-day-5", "/stories/harris"),
    (4, "retirement-day-9", "/guides/asset-allocation"),
)


def mail(site: str, path: str) -> str:
    """What is written to Sarah, before its links are made ours."""
    return (
        f'<html><body><p>Dear Sarah, <a id="read" href="{site}{path}">read on</a></p></body></html>'
    )


def adviser_site(snippet: str, mails: dict[str, str]) -> Starlette:
    """snippet: of the tracker · mails: message id → HTML, shown under /mail/, without a tracker."""

    async def page(request: Request) -> Response:
        title, body = PAGES[request.url.path]
        return HTMLResponse(
            f"<!doctype html><head>{snippet}<title>{title}</title></head><h1>{title}</h1>{body}"
        )

    async def shown(request: Request) -> Response:
        return HTMLResponse(mails[request.path_params["name"]])

    async def file(request: Request) -> Response:
        if request.url.path.endswith(".wav"):
            return Response(silence(), media_type="audio/wav")
        return PlainTextResponse("a file")

    return Starlette(
        routes=[
            *(Route(path, page) for path in PAGES),
            Route("/mail/{name}", shown),
            Route("/files/{name}", file),
        ]
    )
