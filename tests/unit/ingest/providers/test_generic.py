"""Mappings: proof by template, paths, what comes out, and what is wrong with them."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.mapping_trial import try_out
from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.generic import PROVIDER
from services.ingest.providers.mapping import parts_of, read_mapping
from services.ingest.providers.paths import steps_of, value_at
from services.ingest.refusal import Refusal
from services.ingest.webhooks import check_proof
from tests.provider_payloads import CLICKS, EMAIL, MAPPING

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
EVENT = "event: {type: t, email: email}"
DOCUMENT = {"a": {"b": [{"c": 1}, {"c": 2}, 3]}, "odd name": "x", "n": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b[1].c", 2), ("$.a.b[0].c", 1), ("a.b[*].c", [1, 2]), ('["odd name"]', "x"),
        ("a.b[7].c", None), ("a.x.y", None), ("n", None), ("odd", None), ("a.b[*].x", []),
    ],
)  # fmt: skip
def test_a_path_finds_what_stands_there(path: str, value: Any) -> None:
    """Nothing is nothing, never an error."""
    assert value_at(DOCUMENT, path) == value


@pytest.mark.parametrize(
    "path", ["", "$", "a..b", "a[", "a[-1]", "a b", "a[?(@.x)]", "a." * 20 + "a"]
)
def test_what_is_no_path_is_refused(path: str) -> None:
    """When the mapping is read, not when a post comes."""
    with pytest.raises(ValueError, match="path"):
        steps_of(path)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_paths_and_mappings(text: str) -> None:
    """Either it can be used, or a ValueError says why."""
    for read in (steps_of, parts_of, read_mapping):
        try:
            read(text)
        except ValueError as error:
            assert str(error)  # noqa: PT017 - most texts are wrong, some aren't


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("[1]", "mapping: Input should be"),
        ("a: [", "not YAML (line"),
        ("event: {type: t}", "say who it was"),
        ("event: {type: t, email: a..b}", "event.email: the path"),
        ("event: {type: t, email: e, at: }", None),
        ("event: {type: t, email: e, colour: red}", "event.colour: Extra"),
        ("event: {type: stage_overridden, email: e}", "operator's event"),
        (f"{EVENT}\nproof: {{hmac: {{header: X, message: '{{timestamp}}'}}}}",
         "must contain {body}"),
        (f"{EVENT}\nproof: {{hmac: {{header: X, message: '{{timestamp}}{{body}}'}}}}",
         "say in timestamp"),
        (f"{EVENT}\nproof: {{hmac: {{header: X, message: '{{body}}{{magic}}'}}}}", "in braces"),
        (f"{EVENT}\nproof: {{hmac: {{header: X, algorithm: md5}}}}", "proof.hmac.algorithm"),
        (f"{EVENT}\nproof: {{hmac: {{header: X, timestamp: {{header: T}}}}}}", "isn't signed"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_says_where(mapping: str, words: str | None) -> None:
    """For whoever writes it."""
    if words is None:
        read_mapping(mapping)
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - matched below
        read_mapping(mapping)
    assert words in str(caught.value)


STRIPE = """
proof:
  hmac:
    header: Stripe-Signature
    part: v1
    message: "{timestamp}.{body}"
    timestamp: {header: Stripe-Signature, part: t, window_seconds: 300}
event: {type: {value: type, types: {paid: purchase_made}}, email: email, id: id}
"""


def stripe(body: bytes, at: datetime, **over: str) -> Delivery:
    stamp = str(int(at.timestamp()))
    signature = hmac.new(b"whsec", f"{stamp}.".encode() + body, "sha256").hexdigest()
    parts = {"t": stamp, "v1": signature, "v0": "0", **over}
    header = ",".join(f"{name}={value}" for name, value in parts.items())
    return Delivery(
        url="https://in.example", body=body, received_at=NOW, headers={"stripe-signature": header}
    )


def code_of(delivery: Delivery, mapping: str, secret: str = "whsec") -> str:
    account = Account("generic", "shop", (secret,), {"mapping": mapping})
    try:
        check_proof(PROVIDER, account, delivery)
    except Refusal as refusal:
        assert refusal.status == 401  # noqa: PT017 - the code is what is looked at
        return refusal.code
    return "proven"


def test_a_signature_may_stand_beside_its_time_in_one_header() -> None:
    """As Stripe's: altered, old, without a part, by another secret: 401."""
    good = stripe(b"{}", NOW)
    assert code_of(good, STRIPE) == "proven"
    assert code_of(good, STRIPE, "other") == "signature_wrong"
    assert code_of(stripe(b"{}", NOW - timedelta(minutes=6)), STRIPE) == "signature_expired"
    assert code_of(stripe(b"{}", NOW, v1=""), STRIPE) == "signature_missing"
    assert code_of(stripe(b"{}", NOW, t=""), STRIPE) == "signature_missing"
    assert code_of(stripe(b"{}", NOW, t="x"), STRIPE) == "signature_wrong"


@pytest.mark.parametrize(
    ("how", "message", "given"),
    [
        ("{header: X-S}", b"BODY", lambda digest: digest.hex()),
        ("{header: X-S}", b"BODY", lambda digest: digest.hex().upper()),
        ("{header: X-S, prefix: 'sha256='}", b"BODY", lambda digest: f"sha256={digest.hex()}"),
        ("{header: X-S, message: 'v1:{method}{path}:{body}'}", b"v1:POST/hook:BODY",
         lambda digest: digest.hex()),
        ("{header: X-S, message: '{url}{body}'}", b"https://in.example/hook?a=bBODY",
         lambda digest: digest.hex()),
    ],
)  # fmt: skip
def test_the_message_is_made_by_template(how: str, message: bytes, given: Any) -> None:
    """Of what the tool signs."""
    digest = hmac.new(b"key", message, "sha256").digest()
    delivery = Delivery(
        url="https://in.example/hook?a=b", body=b"BODY", received_at=NOW,
        headers={"x-s": given(digest)},
    )  # fmt: skip
    assert code_of(delivery, f"{EVENT}\nproof: {{hmac: {how}}}", "key") == "proven"
    assert code_of(delivery, f"{EVENT}\nproof: {{hmac: {how}}}", "yek") == "signature_wrong"


@pytest.mark.parametrize(("algorithm", "size"), [("sha1", 40), ("sha384", 96), ("sha512", 128)])
def test_other_hashes_and_keys_are_had(algorithm: str, size: int) -> None:
    """The secret may be written as base64 or hex."""
    signature = hmac.new(b"key", b"{}", algorithm).hexdigest()
    assert len(signature) == size
    delivery = Delivery(
        url="https://in.example", body=b"{}", received_at=NOW, headers={"x-s": signature}
    )
    for key, secret in (("text", "key"), ("base64", "a2V5"), ("hex", "6b6579")):
        how = f"{{header: X-S, algorithm: {algorithm}, key: {key}}}"
        assert code_of(delivery, f"{EVENT}\nproof: {{hmac: {how}}}", secret) == "proven"


def test_a_trial_shows_what_would_come_out() -> None:
    """Items that are read, left out, and refused, each with its place."""
    order = CLICKS["generic"][0]
    body = json.dumps([order, {**order, "financial_status": "pending"}, {**order, "email": "x",
                       "customer": None}]).encode()  # fmt: skip
    shown, good = try_out(MAPPING, body, [])
    assert not good
    assert '"type": "purchase_made"' in shown
    assert '"items": [' in shown
    assert "item 1: left out" in shown
    assert "item 2: dead letter, email_invalid" in shown
    assert try_out("{}", body, [])[0].startswith("the mapping can't be used")
    assert try_out(MAPPING, b"{", [])[1] is False
    assert "refused with 401" in try_out(MAPPING, body, [], secret="s")[0]


def test_items_inside_a_document_are_read_one_by_one() -> None:
    """Nothing but a list will do; the type may come from a header."""
    mapping = """
items: data.people
event:
  type: {value: "header:X-Topic", types: {in: newsletter_subscribed}, otherwise: null}
  email: mail
  key: [mail]
  campaign: {name: =spring}
  properties: {list: "=a", missing: nothing}
"""
    body = json.dumps({"data": {"people": [{"mail": EMAIL}, {"mail": ""}]}}).encode()
    shown, good = try_out(mapping, body, ["X-Topic: in"])
    assert not good  # the second names nobody
    assert '"name": "spring"' in shown
    assert "missing" not in shown
    assert try_out(mapping, body, ["X-Topic: out"]) == ("item 0: left out\nitem 1: left out", True)
    assert "items_missing" in try_out(mapping, b'{"data": 1}', [])[0]
