"""The page on which an operator sees the destinations and sends each a test. It holds no data: all
that it shows comes by the API, with the token that its reader types in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_HERE = Path(__file__).parent


def destination_page_routes() -> APIRouter:
    """Open to everybody: nothing in them is a secret, and nothing happens without the token."""
    router = APIRouter(include_in_schema=False)
    html, script, style = (
        (_HERE / f"destinations.{ending}").read_bytes() for ending in ("html", "js", "css")
    )

    @router.get("/destinations")
    async def page() -> Response:
        return Response(html, headers=HEADERS, media_type="text/html")

    @router.get("/destinations/page.js")
    async def code() -> Response:
        return Response(script, headers=HEADERS, media_type="text/javascript")

    @router.get("/destinations/page.css")
    async def looks() -> Response:
        return Response(style, headers=HEADERS, media_type="text/css")

    return router
