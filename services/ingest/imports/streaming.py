"""The body of an upload, piece by piece: bounded in size and in the time between pieces."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from services.ingest.body import GZIP_NAMES, GZIP_WINDOW, too_large
from services.ingest.limits import IMPORT_BYTES, IMPORT_SILENCE_SECONDS, KIB
from services.ingest.refusal import Refusal, invalid

_PIECE: Final = 64 * KIB


async def body_pieces(scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
    """The body, gunzipped where Content-Encoding says gzip. Nothing is read ahead of who takes the
    pieces, so that a sender is slowed down to what Kafka takes.

    Raises Refusal: 413 for more than IMPORT_BYTES (before or after unpacking), 408 where nothing
    comes for too long, 415 for another encoding, 400 for broken gzip; ClientDisconnect.
    """
    said = [value for name, value in scope["headers"] if name == b"content-encoding"]
    encoding = b",".join(said).strip().lower()
    if encoding not in (b"", b"identity", *GZIP_NAMES):
        raise Refusal(
            415, "encoding_not_supported", "Content-Encoding may be gzip, once, or nothing."
        )
    size = 0
    sent = _sent(receive)
    async for piece in _gunzipped(sent) if encoding in GZIP_NAMES else sent:
        size += len(piece)
        if size > IMPORT_BYTES:
            raise too_large(IMPORT_BYTES)
        yield piece


async def _sent(receive: Receive) -> AsyncIterator[bytes]:
    more, size = True, 0
    while more:
        try:
            async with asyncio.timeout(IMPORT_SILENCE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise Refusal(
                408, "body_too_slow", f"Nothing came for {IMPORT_SILENCE_SECONDS:g} s."
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > IMPORT_BYTES:
            raise too_large(IMPORT_BYTES)
        if piece:
            yield piece


async def _gunzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Never more than a piece at once, however much it unpacks to."""
    inflater = zlib.decompressobj(GZIP_WINDOW)
    async for packed in pieces:
        rest = packed
        while rest and not inflater.eof:
            try:
                plain = inflater.decompress(rest, _PIECE)
            except zlib.error:
                raise invalid("gzip_broken", "The body is not valid gzip.") from None
            rest = inflater.unconsumed_tail
            if plain:
                yield plain
        if inflater.unused_data:
            raise _cut_or_more()
    if not inflater.eof:
        raise _cut_or_more()


def _cut_or_more() -> Refusal:
    return invalid("gzip_broken", "The gzip body is cut short, or something follows it.")
