"""The tracker as it is served. What it does is tested in a real browser."""

from __future__ import annotations

import gzip
import re

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from services.ingest.beacon import beacon_js, load_script

LIMIT_BYTES = 4_096


def test_the_script_is_under_4_kb_compressed() -> None:
    """What a page pays for being scored."""
    script = load_script()
    assert len(script.gzipped) < LIMIT_BYTES
    assert gzip.decompress(script.gzipped) == script.plain


def test_the_script_keeps_to_es2017() -> None:
    """No optional chaining, nullish coalescing, object spread or optional catch binding."""
    code = load_script().plain.decode()
    for newer in (r"\?\.\D", r"\?\?", r"\{\.\.\.", r"catch\{", r"#\w+[=;(]", r"\|\|=", r"&&="):
        assert not re.search(newer, code), newer
    assert code.isascii()


@pytest.fixture
async def client():
    """A client of an app with this route alone."""
    app = Starlette(routes=[Route("/beacon.js", beacon_js)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        yield client


async def test_the_script_is_cached_compressed_and_usable_from_any_site(client) -> None:
    """The headers that a script for other people's pages needs."""
    answer = await client.get("/beacon.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.text == load_script().plain.decode()


async def test_a_browser_that_has_the_script_gets_304(client) -> None:
    """Asking again costs no body."""
    first = await client.get("/beacon.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in first.headers
    again = await client.get("/beacon.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
