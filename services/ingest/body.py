"""Request bodies: bounded in bytes and time while streaming, and again while decompressing."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from services.ingest.limits import BODY_SECONDS
from services.ingest.refusal import Refusal, invalid

GZIP_WINDOW = 16 + zlib.MAX_WBITS
GZIP_NAMES = (b"gzip", b"x-gzip")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body, decompressed where Content-Encoding says gzip.

    `limit` (bytes) holds before and after decompressing. Raises Refusal: 413 too large,
    408 too slow, 415 another encoding or a nested one, 400 broken gzip.
    """
    encoding = b""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > limit):
            raise too_large(limit)
        if name == b"content-encoding":
            encoding = encoding + b"," + value if encoding else value
    body = await _read_stream(receive, limit)
    encoding = encoding.strip().lower()
    if not encoding or encoding == b"identity":
        return body
    if encoding not in GZIP_NAMES:
        raise Refusal(
            415, "encoding_not_supported", "Content-Encoding may be gzip, once, or nothing."
        )
    return decompress(body, limit)


async def _read_stream(receive: Receive, limit: int) -> bytes:
    """The body as it was sent. Usually it is all here already, and needs no timer."""
    coming = cast("Coroutine[Any, Any, Message]", receive())
    try:
        waits_for = coming.send(None)
    except StopIteration as done:
        message: Message = done.value
        if not message.get("more_body", False):
            return _chunk(message, limit)
        return await _read_on([_chunk(message, limit)], receive, limit)
    return await _read_on([], receive, limit, _Resumed(coming, waits_for))


async def _read_on(
    chunks: list[bytes], receive: Receive, limit: int, coming: Awaitable[Message] | None = None
) -> bytes:
    """The rest, within the time a body may take."""
    size = sum(map(len, chunks))
    async with asyncio.timeout(BODY_SECONDS) as deadline:
        try:
            while True:
                message = await (coming or receive())
                coming = None
                chunks.append(_chunk(message, limit, size))
                size += len(chunks[-1])
                if not message.get("more_body", False):
                    return b"".join(chunks)
        except asyncio.CancelledError:
            if not deadline.expired():
                raise
            raise Refusal(
                408, "body_too_slow", f"The body took longer than {BODY_SECONDS:g} s."
            ) from None


def decompress(body: bytes, limit: int) -> bytes:
    """Gunzip at most `limit` bytes. Raises Refusal: 413, or 400 when it isn't one gzip member."""
    inflater = zlib.decompressobj(GZIP_WINDOW)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise invalid("gzip_broken", "The body is not valid gzip.") from None
    if len(plain) > limit:
        raise too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise invalid("gzip_broken", "The gzip body is cut short, or something follows it.")
    return plain


def _chunk(message: Message, limit: int, before: int = 0) -> bytes:
    """What a message brings; `before`: bytes that came already."""
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    chunk: bytes = message.get("body", b"")
    if before + len(chunk) > limit:
        raise too_large(limit)
    return chunk


@dataclass(frozen=True, slots=True)
class _Resumed:
    """A coroutine that was started by hand and now waits for something: goes on with it."""

    coroutine: Coroutine[Any, Any, Message]
    waits_for: Any

    def __await__(self) -> Generator[Any, Any, Message]:
        waits_for = self.waits_for
        try:
            while True:
                try:
                    answer = yield waits_for
                except BaseException as error:  # noqa: BLE001 - handed on: a cancellation
                    waits_for = self.coroutine.throw(error)
                else:
                    waits_for = self.coroutine.send(answer)
        except StopIteration as done:
            message: Message = done.value
            return message


def too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"The body may have {limit} bytes.")
