"""What holds for every provider in the table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.handling import PLAIN
from services.ingest.providers.contract import Account, Delivery, Provider
from services.ingest.providers.reading import read_item
from services.ingest.providers.replays import Replays
from services.ingest.providers.table import PROVIDERS
from services.ingest.refusal import Refusal
from services.ingest.sources import GivenAccount, checked_account
from services.ingest.webhooks import check_proof
from shared.envelope import Event
from tests.provider_payloads import CLICKS, EMAIL, URL
from tests.signed_deliveries import SIGNERS, signed

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
EVERY = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
SIGNING = pytest.mark.parametrize(
    "provider", [one for one in PROVIDERS.values() if SIGNERS[one.name].signs], ids=lambda o: o.name
)


def _as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
HEADER_TEXT = st.text(st.characters(max_codepoint=255), max_size=40)


def posted(provider: Provider) -> bytes:
    return _as_bytes(CLICKS[provider.name][0])


def good(provider: Provider, at: datetime = NOW, received: timedelta | None = None) -> Delivery:
    return signed(provider.name, posted(provider), at, received=received)


def account_of(provider: Provider, *secrets: str) -> Account:
    signer = SIGNERS[provider.name]
    return Account(provider.name, "default", secrets or (signer.secret,), signer.options)


def refused(provider: Provider, account: Account, delivery: Delivery) -> str:
    with pytest.raises(Refusal) as caught:
        check_proof(provider, account, delivery)
    assert caught.value.status == 401
    return caught.value.code


def events_of(provider: Provider, delivery: Delivery) -> list[Event]:
    account = account_of(provider)
    return [
        event
        for raw in provider.split(delivery, account)
        for event in read_item(raw, provider, account, delivery, PLAIN)
    ]


@EVERY
def test_a_click_as_its_documentation_has_it_becomes_an_event(provider: Provider) -> None:
    """Who, when, what, which mail, and everything the sender gave along."""
    delivery = good(provider)
    check_proof(provider, account_of(provider), delivery)
    (event,) = events_of(provider, delivery)
    _, event_type, message_id = CLICKS[provider.name]
    assert (event.source, event.type) == (provider.name, event_type)
    assert event.identifiers.email == EMAIL
    said = datetime(2026, 5, 3, 9, 53, 20, tzinfo=UTC)
    # A form of Contact Form 7 brings no time.
    told = NOW if provider.name == "contactform7" else said
    assert event.occurred_at.replace(microsecond=0) == told
    assert event.properties.get("message_id", "") == message_id
    assert event.verdict.judgement == "unknown"
    assert event.properties["provider_event"]
    if event_type == "email_clicked":
        assert event.properties["url"] == URL
        assert event.context["campaign"] == {"name": "may"}
    if provider.name not in ("sendgrid", "mailchimp", "customerio", "klaviyo", "zoom"):
        assert event.properties["plan"] == "trial"


@EVERY
def test_the_same_post_gives_the_same_event(provider: Provider) -> None:
    """Whenever it is tried again, and signed anew."""
    if provider.name == "contactform7":
        return  # it tries nothing again, and there is nothing to know a post by
    ids = {
        event.id
        for minutes in (0, 3)
        for event in events_of(provider, good(provider, NOW + timedelta(minutes=minutes)))
    }
    assert len(ids) == 1


@EVERY
def test_only_the_secret_of_the_account_is_believed(provider: Provider) -> None:
    """Not another account's, no empty one, and not nothing; either of two will do."""
    signer = SIGNERS[provider.name]
    delivery = good(provider)
    assert refused(provider, account_of(provider, signer.other), delivery) == "signature_wrong"
    check_proof(provider, account_of(provider, signer.other, signer.secret), delivery)
    nobody = replace(account_of(provider), secrets=())
    assert refused(provider, nobody, delivery) == "source_not_configured"
    for secrets in ((), ("",), ("  ",)):
        with pytest.raises(ValueError, match="has no secret"):
            checked_account(provider.name, "default", GivenAccount(secrets=secrets))
    for secret in (signer.secret, signer.other):
        provider.check_secret(secret)


@EVERY
def test_without_proof_nobody_is_believed(provider: Provider) -> None:
    """The right body alone proves nothing."""
    delivery = good(provider)
    if provider.name in ("mailgun", "ses"):  # theirs is in the body
        bare = {"mailgun": posted(provider), "ses": b'{"Type":"Notification","MessageId":"1"}'}
        delivery = replace(delivery, body=bare[provider.name])
    code = refused(provider, account_of(provider), replace(delivery, headers={}))
    assert code in ("signature_missing", "signature_wrong")


@SIGNING
def test_what_was_altered_is_refused(provider: Provider) -> None:
    """A single character of the body; where a signature doesn't cover it, the second body of one
    signature.
    """
    delivery = good(provider)
    other = replace(delivery, body=delivery.body.replace(b"sarah", b"sarai"))
    assert other.body != delivery.body
    if SIGNERS[provider.name].covers_body:
        assert refused(provider, account_of(provider), other) == "signature_wrong"
        return
    replays = Replays()
    nonce = provider.nonce(delivery)
    assert nonce == provider.nonce(other)
    assert not replays.is_other(provider.name, nonce, delivery.body)
    assert not replays.is_other(provider.name, nonce, delivery.body)
    assert replays.is_other(provider.name, nonce, other.body)


@SIGNING
def test_what_was_recorded_long_ago_is_refused(provider: Provider) -> None:
    """Where a time is signed; `window_seconds` says how long ago, 0 for any."""
    if not SIGNERS[provider.name].window:
        return
    for away in (timedelta(days=9), timedelta(days=-9)):
        late = good(provider, received=away)
        assert refused(provider, account_of(provider), late) == "signature_expired"
        account = account_of(provider)
        options = {**account.options, "window_seconds": "0"}
        check_proof(provider, replace(account, options=options), late)


@EVERY
@settings(max_examples=40, deadline=None)
@given(data=st.data(), body=st.binary(max_size=200))
def test_no_request_breaks_a_check(provider: Provider, data: st.DataObject, body: bytes) -> None:
    """What isn't proven is a 401, whatever its headers and its body are."""
    sound = good(provider)
    headers = {
        name: data.draw(st.just(value) | HEADER_TEXT) for name, value in sound.headers.items()
    }
    broken = data.draw(st.sampled_from([body, body + sound.body, sound.body[:-9]]))
    delivery = replace(sound, body=broken, headers=headers, certificate=body)
    try:
        check_proof(provider, account_of(provider), delivery)
    except Refusal as refusal:
        assert refusal.status == 401  # noqa: PT017 - some may be sound
    else:  # the credential, or a signature over something else, was left whole
        signer = SIGNERS[provider.name]
        assert broken == sound.body or not signer.signs or not signer.covers_body


@EVERY
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_body_breaks_the_reading(provider: Provider, data: st.DataObject) -> None:
    """What can't be read is refused with a reason, item by item; one field may be anything."""
    document = data.draw(JSON | st.just(_spoilt(data, CLICKS[provider.name][0])))
    body = data.draw(st.binary(max_size=60) | st.just(_as_bytes(document)))
    try:
        delivery = signed(provider.name, body, NOW)
    except (ValueError, TypeError, KeyError, AttributeError):  # not to be wrapped: as it is
        delivery = Delivery(url="https://in.example", body=body, received_at=NOW)
    try:
        events_of(provider, delivery)
    except Refusal as refusal:
        assert refusal.code  # noqa: PT017 - some can be read


def _spoilt(data: st.DataObject, document: Any) -> Any:
    """The document with one of its values replaced by anything."""
    if isinstance(document, dict) and document:
        name = data.draw(st.sampled_from(sorted(document)))
        return {**document, name: _spoilt(data, document[name])}
    if isinstance(document, list) and document:
        place = data.draw(st.integers(0, len(document) - 1))
        return [*document[:place], _spoilt(data, document[place]), *document[place + 1 :]]
    return data.draw(JSON)
