"""Two hundred and more bad requests: each is refused with a reason, none is our failure."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from shared.settings import Settings
from tests.ingest_server import reading_events, serving_ingest

KEY = "test-write-key"
AUTH = {"authorization": f"Bearer {KEY}"}
PATHS = (
    "/v1/track", "/v1/identify", "/v1/page", "/v1/screen", "/v1/group", "/v1/alias", "/v1/batch",
)  # fmt: skip

# JSON values that have no business where a call has an object or a text.
ODD_VALUES: tuple[str, ...] = (
    "null", "true", "7", "-0.0", "1e308", "1e999", "-1e999", "NaN", "Infinity", "[]", "[[]]", "{}",
    '""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u202e"', "9" * 30, "9" * 5000,
    "0." + "1" * 5000, "1e131071", '{"a": {"b": NaN}}', "[1, 2, {}]", '"' + "x" * 9000 + '"',
    "{" + ",".join(f'"k{n}": 1' for n in range(1200)) + "}",
    "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, '{"": 1}', '{"\\u0000": 1}',
)  # fmt: skip
FIELDS = (
    "event", "userId", "anonymousId", "messageId", "timestamp", "sentAt", "properties", "traits",
    "context", "type", "groupId", "previousId", "writeKey", "name",
)  # fmt: skip
ODD_CONTEXTS: tuple[Any, ...] = (
    {"page": 7}, {"page": {"url": "http://[bad"}}, {"page": {"url": 7}},
    {"page": {"url": "x" * 8000}},
    {"campaign": []}, {"campaign": {"name": 7}}, {"userAgent": {}}, {"ip": "999.1.1.1"},
    {"ip": ["1.2.3.4"]}, {"traits": 7}, {"traits": {"email": {}}}, {"externalIds": {}},
    {"externalIds": [{"id": 7, "type": []}]}, {"consent": "yes"}, {"locale": 7},
    {"page": {"search": "?" + "utm_source=a&" * 150}}, {"page": {"search": "?utm_source=%00"}},
)  # fmt: skip
ODD_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"\x00", b"{", b"}", b"[", b"nonsense", b"{}", b"[]", b"3", b"null", b'"text"',
    b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'{"event": "\xff"}', b'{"event": "\xed\xa0\x80"}',
    b'{"event": "x"} trailing', b'{"event": "x",}', b"{'event': 'x'}", b'{"event": "a\nb"}',
    b"[" * 30_000, b'{"a":' * 6_000, b'{"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b"a=1&b=2", b"<xml/>", b"--boundary\r\n", bytes(range(256)), b"{" + b" " * 32_000,
)  # fmt: skip
TIMES = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1999-12-31", "2200-01-01",
    "2026-13-01", "2026-02-30T00:00:00Z", "2026-05-03T10:00:60Z", "yesterday", "12:00", "-1",
    10**18, -5, 1e300, 0, True, "\uff12\uff10\uff12\uff16-05-03", "2026-05-03T10:00:00+99:99",
)  # fmt: skip


Bad = tuple[str, bytes, dict[str, str]]
GOOD = b'{"anonymousId": "a", "event": "x", "properties": {"a": [1, {"b": "c"}]}}'


def corpus() -> Iterator[Bad]:
    """Path, body and headers of each bad, or merely odd, request."""
    yield from odd_fields()
    yield from odd_bodies()
    yield from odd_contexts_and_times()
    yield from garbled()
    for encoding in ("gzip, gzip", "br", "gzip", "x-what", "identity, gzip"):
        yield "/v1/track", GOOD, {**AUTH, "content-encoding": encoding}
    for authorization in ("", "Basic", "Basic %%%", "Basic w7/Dvw==", "Bearer", "Bearer ~", "x"):
        yield "/v1/track", GOOD, {"authorization": authorization}


def odd_fields() -> Iterator[Bad]:
    """Each field with each odd value, alone and in a batch."""
    for field in FIELDS:
        for value in ODD_VALUES:
            call = {"anonymousId": "a", "event": "x", "groupId": "g", "type": "track"}
            call.pop(field, None)
            item = f'{{{json.dumps(call)[1:-1]}, "{field}": {value}}}'
            yield "/v1/track", item.encode(), AUTH
            yield "/v1/batch", f'{{"batch": [{item}]}}'.encode(), AUTH


def odd_bodies() -> Iterator[Bad]:
    """Things that are no JSON, or not the JSON that is wanted; plain and packed."""
    for body in ODD_BODIES:
        for path in ("/v1/track", "/v1/batch", "/collect", "/v1/webhooks/sendgrid"):
            yield path, body, AUTH
            yield path, gzip.compress(body), {**AUTH, "content-encoding": "gzip"}
    yield "/v1/track", gzip.compress(bytes(50_000_000)), {**AUTH, "content-encoding": "gzip"}
    yield "/v1/batch", b"[" + b"1," * 400_000 + b"1]", AUTH


def odd_contexts_and_times() -> Iterator[Bad]:
    """Contexts with the wrong things in the right places, and times nobody lives in."""
    for context in ODD_CONTEXTS:
        call = {"anonymousId": "a", "event": "x", "context": context}
        for path in PATHS[:-1]:
            yield path, json.dumps(call).encode(), AUTH
        yield "/v1/batch", json.dumps({"batch": [], "context": context}).encode(), AUTH
    for at in TIMES:
        for field in ("timestamp", "sentAt", "originalTimestamp"):
            call = {"anonymousId": "a", "event": "x", "timestamp": "2026-05-03", field: at}
            yield "/v1/track", json.dumps(call).encode(), AUTH


def garbled() -> Iterator[Bad]:
    """A good call with a few bytes changed: the same ones every time."""
    chance = random.Random(7)
    for _ in range(150):
        body = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        yield chance.choice(PATHS), bytes(body), AUTH


async def test_no_input_is_answered_with_a_5xx(settings: Settings) -> None:
    """Refused ones say what and where; accepted ones are readable on the topic."""
    statuses: Counter[int] = Counter()
    room = asyncio.Semaphore(16)

    async def send(client: httpx.AsyncClient, path: str, body: bytes, headers: Any) -> None:
        async with room:
            answer = await client.post(path, content=body, headers=headers)
        assert answer.status_code in (200, 400, 401, 413, 415), (path, body[:200], answer.text)
        if answer.status_code != 200:
            assert set(answer.json()["error"]) == {"code", "message", "path"}, body[:200]
        statuses[answer.status_code] += 1

    async with serving_ingest(settings) as url, httpx.AsyncClient(base_url=url) as client:
        await asyncio.gather(*(send(client, *bad) for bad in corpus()))
    assert statuses.total() > 900
    assert statuses[400] > 400
    async with reading_events(settings) as written:
        taken = statuses[200]
        events = await written.until(lambda events: len(events) >= taken, "what was answered 200")
    assert "\\x00" not in repr(events)
