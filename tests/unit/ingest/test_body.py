"""Request bodies: bounded while streaming and while decompressing."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from services.ingest import body
from services.ingest.refusal import Refusal

# The same bytes at every run: they name tests.
GZIPPED = gzip.compress(b"{}", mtime=0)


async def read(*chunks: bytes, limit: int = 1000, **headers: str) -> bytes:
    """Read a body that arrives in these chunks; header names with _ for -."""
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return await body.read_body({"headers": raw}, receive, limit)


async def refused(*chunks: bytes, **over: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        await read(*chunks, **over)
    return caught.value.status, caught.value.code


async def test_chunks_are_put_together() -> None:
    """However they were cut."""
    assert await read(b"ab", b"", b"cd") == b"abcd"


async def test_size_is_bounded_by_header_and_by_count() -> None:
    """A header that lies doesn't help."""
    assert await refused(b"", content_length="1001") == (413, "too_large")
    assert await refused(b"", content_length="-1") == (413, "too_large")
    assert await refused(b"x" * 600, b"x" * 600, content_length="10") == (413, "too_large")
    assert await refused(b"x" * 1001) == (413, "too_large")


async def test_gzip_is_read() -> None:
    """Whatever the case of its name."""
    packed = gzip.compress(b'{"a": 1}')
    assert await read(packed, content_encoding="GZIP") == b'{"a": 1}'
    assert await read(b"{}", content_encoding="identity") == b"{}"


async def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """10 MB of zeros in 10 kB."""
    assert await refused(
        gzip.compress(bytes(10_000_000)), content_encoding="gzip", limit=20_000
    ) == (413, "too_large")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "deflate", "zstd", "gzip,identity"])
async def test_other_and_nested_encodings_are_refused(encoding: str) -> None:
    """Only one layer of gzip."""
    refusal = await refused(b"x", content_encoding=encoding)
    assert refusal == (415, "encoding_not_supported")


@pytest.mark.parametrize(
    "packed",
    [b"", b"not gzip", GZIPPED[:-4], GZIPPED * 2, zlib.compress(b"{}")],
)
async def test_broken_gzip_is_refused(packed: bytes) -> None:
    """Cut short, followed by more, or something else."""
    assert await refused(packed, content_encoding="gzip") == (400, "gzip_broken")


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first chunk comes, the second doesn't."""
    monkeypatch.setattr(body, "BODY_SECONDS", 0.05)
    chunks = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        return chunks.pop() if chunks else await asyncio.Event().wait()  # type: ignore[func-returns-value]

    with pytest.raises(Refusal) as caught:
        await body.read_body({"headers": []}, receive, 1000)
    assert (caught.value.status, caught.value.code) == (408, "body_too_slow")


async def test_a_sender_that_goes_away_is_not_answered() -> None:
    """There is nobody to tell."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientDisconnect):
        await body.read_body({"headers": []}, receive, 1000)
