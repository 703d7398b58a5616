"""Event bodies as they are stored: JSON as it is, or one zstd frame of it."""

from __future__ import annotations

import threading

import zstandard

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_own = threading.local()


def open_body(body: bytes) -> bytes:
    """The event's JSON. Raises ValueError if it is neither JSON nor a readable zstd frame."""
    if body[:1] == b"{":
        return body
    if body[:4] != ZSTD_MAGIC:
        raise ValueError("an event body is neither JSON nor a zstd frame")
    try:
        return _decompressor().decompress(body)
    except zstandard.ZstdError as error:
        raise ValueError(f"an event body is a broken zstd frame: {error}") from error


def _decompressor() -> zstandard.ZstdDecompressor:
    """One a thread: making one costs more than opening a body, and it can't be shared."""
    made: zstandard.ZstdDecompressor | None = getattr(_own, "decompressor", None)
    if made is None:
        made = _own.decompressor = zstandard.ZstdDecompressor()
    return made


def pack_body(body: bytes) -> bytes:
    """The body as it is stored."""
    return body
