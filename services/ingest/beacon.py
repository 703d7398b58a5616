"""GET /beacon.js: the browser tracker, made small and compressed once, when ingest starts."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

SOURCE = Path(__file__).with_name("beacon.js")
# An hour: long enough to be free, short enough for a fix to arrive.
CACHE_SECONDS = 3600

_STRING = re.compile(r"""("[^"\n]*"|'[^'\n]*')""")
_SPACES_AROUND = re.compile(r" *([=<>?:+*/%&|{}()\[\],;^!-]) *")
_JOINABLE_BREAK = re.compile(r"(?<=[{(,;\[])\n|\n(?=[})\].])")
_LONE_PARAMETER = re.compile(r"\((\w+)\)=>")


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is served: plain and gzip bytes, and the tag that names this content."""

    plain: bytes
    gzipped: bytes
    etag: str


def tightened(source: str) -> str:
    """The same program without comments, indentation and needless spaces.

    It trusts what beacon.js promises: comments stand on lines of their own, strings are in single
    or double quotes on one line, regular expressions hold neither spaces nor quotes.
    """
    lines = (line.strip() for line in source.split("\n"))
    code = "\n".join(line for line in lines if line and not line.startswith("//"))
    parts = _STRING.split(code)
    for at in range(0, len(parts), 2):
        part = _SPACES_AROUND.sub(r"\1", parts[at])
        part = _JOINABLE_BREAK.sub("", part)
        parts[at] = _LONE_PARAMETER.sub(r"\1=>", part).replace(";}", "}")
    return "".join(parts) + "\n"


def load_script() -> Script:
    """Read beacon.js from beside this file and prepare what is served."""
    plain = tightened(SOURCE.read_text("utf-8")).encode()
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
