"""Requests that no honest sender makes, the same ones every time: values, bodies, times, encodings,
sizes, depth, markup, for every way in.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from tests.provider_payloads import CLICKS
from tests.signed_deliveries import SIGNERS, url_of

BASE = "https://in.example"
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


TEXTS = (
    "", " ", "\x00", "\ufeff", "\u202e\u2066", "\ud83d\ude00" * 500, "<script>alert(1)</script>",
    "<svg/onload=alert(1)>", "'; DROP TABLE lead;--", "${jndi:ldap://x}", "{{7*7}}", "%00",
    "%ff%fe",
    "../../etc/passwd", "javascript:alert(1)", "a" * 9000, "1e999", "-1", "NaN", "null", "=1+1",
    "a@b", "ann@example.com\r\nBcc: x@example.com", "0x41", "\u0661\u0662", "[" * 500,
)  # fmt: skip
BODY_PATHS = (
    "/v1/track", "/v1/batch", "/collect", "/v1/webhooks/sendgrid", "/v1/forms/x", "/matomo.php",
    "/com.snowplowanalytics.snowplow/tp2", "/mp/collect?api_secret=test-write-key", "/v1/b",
)  # fmt: skip
PACKED = {**AUTH, "content-encoding": "gzip"}
GOOD = b'{"anonymousId": "a", "event": "x", "properties": {"a": [1, {"b": "c"}]}}'


@dataclass(frozen=True)
class Bad:
    """A bad, or merely odd, request."""

    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: AUTH)
    method: str = "POST"


def corpus() -> Iterator[Bad]:
    yield from odd_fields()
    yield from odd_bodies()
    yield from odd_contexts_and_times()
    yield from garbled()
    yield from odd_addresses()
    yield from odd_forms()
    yield from odd_items_of_others()
    yield from odd_deliveries()
    for encoding in ("gzip, gzip", "br", "gzip", "x-what", "identity, gzip"):
        yield Bad("/v1/track", GOOD, {**AUTH, "content-encoding": encoding})
    for authorization in ("", "Basic", "Basic %%%", "Basic w7/Dvw==", "Bearer", "Bearer ~", "x"):
        yield Bad("/v1/track", GOOD, {"authorization": authorization})


def odd_fields() -> Iterator[Bad]:
    """Each field with each odd value, alone and in a batch."""
    for name in FIELDS:
        for value in ODD_VALUES:
            call = {"anonymousId": "a", "event": "x", "groupId": "g", "type": "track"}
            call.pop(name, None)
            item = f'{{{json.dumps(call)[1:-1]}, "{name}": {value}}}'
            yield Bad("/v1/track", item.encode())
            yield Bad("/v1/batch", f'{{"batch": [{item}]}}'.encode())


def odd_bodies() -> Iterator[Bad]:
    """Things that are no JSON, or not the JSON that is wanted; plain and packed."""
    for body in ODD_BODIES:
        for path in BODY_PATHS:
            yield Bad(path, body)
            yield Bad(path, gzip.compress(body), PACKED)
    yield Bad("/v1/track", gzip.compress(bytes(50_000_000)), PACKED)
    yield Bad("/v1/batch", b"[" + b"1," * 400_000 + b"1]")


def odd_contexts_and_times() -> Iterator[Bad]:
    """Contexts with the wrong things in the right places, and times nobody lives in."""
    for context in ODD_CONTEXTS:
        call = {"anonymousId": "a", "event": "x", "context": context}
        for path in PATHS[:-1]:
            yield Bad(path, json.dumps(call).encode())
        yield Bad("/v1/batch", json.dumps({"batch": [], "context": context}).encode())
    for at in TIMES:
        for name in ("timestamp", "sentAt", "originalTimestamp"):
            call = {"anonymousId": "a", "event": "x", "timestamp": "2026-05-03", name: at}
            yield Bad("/v1/track", json.dumps(call).encode())


def garbled() -> Iterator[Bad]:
    """A good call with a few bytes changed: the same ones every time."""
    chance = random.Random(7)
    for _ in range(150):
        body = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        yield Bad(chance.choice(PATHS), bytes(body))


def odd_addresses() -> Iterator[Bad]:
    """Everything that is asked for by GET, with texts of all kinds in its parameters and paths."""
    for path, names in (
        ("/v1/pixel.gif", ("type", "userId", "email", "url", "timestamp", "p.a", "utm_source")),
        ("/i", ("e", "uid", "url", "ue_px", "se_ac", "dtm", "eid")),
        ("/matomo.php", ("rec", "uid", "url", "cdt", "e_a", "revenue", "ec_items")),
        ("/sourceConfig", ("writeKey",)),
    ):
        for name in names:
            for text in TEXTS:
                given = {"writeKey": KEY, "aid": KEY, "idsite": KEY, "rec": "1", "e": "pv"}
                query = urlencode({**given, "userId": "a", name: text}, errors="surrogatepass")
                yield Bad(f"{path}?{query}", method="GET", headers={})
    for path in ("/o/", "/c/", "/v1/projects/", "/v1/webhooks/", "/v1/webhooks/sendgrid/"):
        for text in TEXTS:
            named = quote(text[:2000], safe="", errors="surrogatepass") or "-"
            yield Bad(f"{path}{named}", method="GET", headers={})


def odd_forms() -> Iterator[Bad]:
    """Fields of a form, urlencoded and in parts that are none."""
    for name in (
        "email",
        "phone",
        "_event",
        "_redirect",
        "_context",
        "_consent",
        "first_name",
        "x",
    ):
        for text in TEXTS:
            fields = {"writeKey": KEY, "email": "a@example.com", name: text}
            yield Bad("/v1/forms/x", urlencode(fields, errors="surrogatepass").encode(), {})
    for boundary in ("X", "", "X; charset=utf-7", '"X', "X" * 300):
        for body in (
            b"--X\r\n",
            b"--X--\r\n",
            b"--X\r\nContent-Disposition: form-data\r\n\r\n1\r\n",
        ):
            kind = {"content-type": f"multipart/form-data; boundary={boundary}", **AUTH}
            yield Bad("/v1/forms/x", body * 3, kind)


def odd_items_of_others() -> Iterator[Bad]:
    """Items of other trackers with odd values where they have texts and objects."""
    for value in ODD_VALUES:
        for name in ("e", "uid", "dtm", "ue_pr", "se_va"):
            item = f'{{"aid": "{KEY}", "e": "se", "se_ac": "x", "uid": "a", "{name}": {value}}}'
            yield Bad("/com.snowplowanalytics.snowplow/tp2", f'{{"data": [{item}]}}'.encode(), {})
        for name in ("uid", "cdt", "rec", "url"):
            item = f'{{"idsite": "{KEY}", "rec": 1, "uid": "a", "{name}": {value}}}'
            yield Bad("/matomo.php", f'{{"requests": [{item}]}}'.encode())
        for name in ("client_id", "timestamp_micros", "user_properties", "events"):
            event = f'{{"name": "x", "params": {{"items": {value}, "value": {value}}}}}'
            given = f'{{"client_id": "a", "events": [{event}], "{name}": {value}}}'
            yield Bad(f"/mp/collect?api_secret={KEY}", given.encode(), {})


def odd_deliveries() -> Iterator[Bad]:
    """Each provider's own post, soundly signed, with one of its values replaced by an odd one."""
    chance = random.Random(11)
    now = datetime.now(UTC)
    for provider, signer in SIGNERS.items():
        document = CLICKS[provider][0]
        for _ in range(25):
            text = chance.choice(ODD_VALUES)
            body = _spoilt(chance, document).replace('"\uffff"', text, 1).encode()
            try:
                headers, whole = signer.sign(body, url_of(provider, BASE), now)
            except (ValueError, TypeError, AttributeError):
                continue  # its form can't hold this
            yield Bad(f"/v1/webhooks/{provider}", whole, headers)


def _spoilt(chance: random.Random, document: Any) -> str:
    """The document as JSON, with one of its values, at any depth, "\uffff"."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict) and value:
            name = chance.choice(sorted(value))
            return {**value, name: spoil(value[name])}
        if isinstance(value, list) and value:
            place = chance.randrange(len(value))
            return [*value[:place], spoil(value[place]), *value[place + 1 :]]
        return "\uffff"

    return json.dumps(spoil(document), ensure_ascii=False)
