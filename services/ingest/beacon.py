"""GET /beacon.js: the browser tracker, compressed once, when ingest starts.

What is served is beacon.min.js, which `make beacon` makes of beacon.js; a test holds them together.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

SERVED = Path(__file__).with_name("beacon.min.js")
# An hour: long enough to be free, short enough for a fix to arrive.
CACHE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is served: plain and gzip bytes, and the tag that names this content."""

    plain: bytes
    gzipped: bytes
    etag: str


def load_script() -> Script:
    """Read the script from beside this file and prepare what is served."""
    plain = SERVED.read_bytes()
    etag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
    return Script(plain, gzip.compress(plain, 9, mtime=0), etag)


_SCRIPT = load_script()


async def beacon_js(request: Request) -> Response:
    """The script; 304 when the browser has this one already."""
    headers = {
        "Cache-Control": f"public, max-age={CACHE_SECONDS}",
        "ETag": _SCRIPT.etag,
        "Vary": "Accept-Encoding",
        # Pages that isolate themselves, or check the script's integrity, may use it too.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if _SCRIPT.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = _SCRIPT.plain
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = _SCRIPT.gzipped
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type="text/javascript")
