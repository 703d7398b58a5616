"""What holds for every provider in the table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.handling import PLAIN
from services.ingest.providers.contract import Account, Delivery, Provider
from services.ingest.providers.reading import read_item
from services.ingest.providers.table import PROVIDERS
from services.ingest.refusal import Refusal
from services.ingest.webhooks import check_proof

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
EVERY = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)


def _as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from([
        "authorization", "content-type", "x-twilio-email-event-webhook-signature",
        "x-twilio-email-event-webhook-timestamp", "x-webhook-token", "host",
    ]),
    st.text(st.characters(max_codepoint=255), max_size=40),
)  # fmt: skip


def delivery(**over: Any) -> Delivery:
    known: dict[str, Any] = {
        "url": "https://in.example/v1/webhooks/x", "body": b"[]", "received_at": NOW,
    }  # fmt: skip
    return Delivery(**{**known, **over})


@EVERY
def test_without_proof_nobody_is_believed(provider: Provider) -> None:
    """Neither without a secret, nor with an empty one, nor with any that wasn't used."""
    for secrets in ((), ("",), ("wrong",)):
        with pytest.raises(Refusal) as caught:
            _checked(provider, Account(provider.name, "default", secrets), delivery())
        assert caught.value.status == 401


def _checked(provider: Provider, account: Account, one: Delivery) -> None:
    """As sources do: secrets that can't be right never come into force."""
    good = []
    for secret in filter(None, account.secrets):
        try:
            provider.check_secret(secret)
        except ValueError:
            continue
        good.append(secret)
    check_proof(provider, Account(provider.name, account.name, tuple(good)), one)


@EVERY
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), headers=HEADERS)
def test_no_request_breaks_a_check(
    provider: Provider, body: bytes, headers: dict[str, str]
) -> None:
    """What isn't proven is a 401, whatever it is."""
    one = delivery(body=body, headers=headers)
    with pytest.raises(Refusal) as caught:
        _checked(provider, Account(provider.name, "default", ("0123456789abcdef",)), one)
    assert caught.value.status == 401


@EVERY
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=100) | JSON.map(_as_bytes))
def test_no_body_breaks_the_reading(provider: Provider, body: bytes) -> None:
    """What can't be read is refused with a reason, item by item."""
    try:
        items = provider.split(delivery(body=body))
    except Refusal:
        return
    for raw in items:
        try:
            read_item(raw, provider, Account(provider.name), NOW, PLAIN)
        except Refusal as refusal:
            assert refusal.code  # noqa: PT017 - most are refused, some may be read
