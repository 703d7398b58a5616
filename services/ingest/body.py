"""Request bodies: bounded in bytes and time while streaming, and again while decompressing."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from services.ingest.limits import BODY_SECONDS
from services.ingest.refusal import Refusal, invalid

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_GZIP_NAMES = (b"gzip", b"x-gzip")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body, decompressed where Content-Encoding says gzip.

    `limit` (bytes) holds before and after decompressing. Raises Refusal: 413 too large,
    408 too slow, 415 another encoding or a nested one, 400 broken gzip.
    """
    encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > limit):
            raise _too_large(limit)
        if name == b"content-encoding":
            encoding = encoding + b"," + value if encoding else value
    body = await _read_stream(receive, limit)
    encoding = encoding.strip().lower()
    if not encoding or encoding == b"identity":
        return body
    if encoding not in _GZIP_NAMES:
        raise Refusal(
            415, "encoding_not_supported", "Content-Encoding may be gzip, once, or nothing."
        )
    return decompress(body, limit)


async def _read_stream(receive: Receive, limit: int) -> bytes:
    """The body as it was sent. One message is the usual case and needs no timer."""
    async with asyncio.timeout(BODY_SECONDS) as deadline:
        try:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                return body
            chunks = [body]
            size = len(body)
            while message.get("more_body", False):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
            return b"".join(chunks)
        except asyncio.CancelledError:
            if not deadline.expired():
                raise
            raise Refusal(
                408, "body_too_slow", f"The body took longer than {BODY_SECONDS:g} s."
            ) from None


def decompress(body: bytes, limit: int) -> bytes:
    """Gunzip at most `limit` bytes. Raises Refusal: 413, or 400 when it isn't one gzip member."""
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise invalid("gzip_broken", "The body is not valid gzip.") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise invalid("gzip_broken", "The gzip body is cut short, or something follows it.")
    return plain


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"The body may have {limit} bytes.")
