"""What is special to one form or meeting tool or another."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hubspot.utils.signature import Signature

from services.ingest.handling import PLAIN
from services.ingest.providers import hubspot, zoom
from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.reading import read_item
from services.ingest.providers.table import PROVIDERS
from services.ingest.refusal import Refusal
from services.ingest.webhooks import check_proof
from shared.envelope import Event
from tests.provider_payloads import AT_S, CLICKS, EMAIL, URL
from tests.signed_deliveries import SECRET, SIGNERS, signed

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)


def told(provider: str, document: Any) -> list[Event]:
    """The events of what a tool posts."""
    account = Account(provider, options=SIGNERS[provider].options)
    delivery = signed(provider, json.dumps(document).encode(), NOW)
    return [
        event
        for raw in PROVIDERS[provider].split(delivery, account)
        for event in read_item(raw, PROVIDERS[provider], account, delivery, PLAIN)
    ]


def posted(provider: str) -> Any:
    return json.loads(json.dumps(CLICKS[provider][0]))


def test_typeforms_answers_are_traits_and_properties() -> None:
    """By question; the hidden fields bring the campaign and the browser's id."""
    (event,) = told("typeform", posted("typeform"))
    assert event.traits == {"first_name": "Sarah", "email": EMAIL}
    assert event.properties == {
        "When?": "In ten years", "Agree?": True, "plan": "trial", "form": "Retirement check",
        "form_id": "lT4Z3j", "provider_event": "form_submitted",
        "signal_key": "a3a12ec67a1365927098a606107fac15",
    }  # fmt: skip
    assert event.identifiers.anonymous_id == "anon-1"
    assert event.context["campaign"] == {"name": "may"}
    assert event.id == "a3a12ec67a1365927098a606107fac15"
    partial = {**posted("typeform"), "event_type": "form_response_partial"}
    assert told("typeform", partial) == []


def test_webflows_first_version_is_read_too() -> None:
    """A bare object, and a secret in the address instead of a signature."""
    older = {
        "name": "Contact", "site": "6542", "data": {"Email": EMAIL, "Message": "hello"},
        "d": "2026-05-03T09:53:20.000Z", "_id": "62749158efef318abc8d5a0f",
    }  # fmt: skip
    (event,) = told("webflow", older)
    assert (event.properties["form"], event.properties["Message"]) == ("Contact", "hello")
    assert told("webflow", {"triggerType": "ecomm_new_order", "payload": {}}) == []
    delivery = Delivery(
        url="https://in.example", body=b"{}", received_at=NOW, query={"token": SECRET}
    )
    check_proof(PROVIDERS["webflow"], Account("webflow", "default", (SECRET,)), delivery)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_hubspots_older_signatures(version: str) -> None:
    """Made by its own library; another body or address is refused."""
    url, body = "https://in.example/v1/webhooks/hubspot?a=b", b'[{"a": 1}]'
    signature = Signature.get_signature(SECRET, body.decode(), version, url, "POST")
    headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
    account = Account("hubspot", "default", (SECRET,))
    delivery = Delivery(url=url, body=body, received_at=NOW, headers=headers)
    check_proof(hubspot.PROVIDER, account, delivery)
    with pytest.raises(Refusal):
        check_proof(
            hubspot.PROVIDER,
            account,
            Delivery(url=url, body=body + b" ", received_at=NOW, headers=headers),
        )


def test_hubspots_escapes_are_signed_as_they_were_before() -> None:
    """Of some characters only."""
    body = b"[]"
    stamp = str(int(NOW.timestamp() * 1000))
    signature = Signature.get_signature(
        SECRET, body.decode(), "v3", "https://in.example/x?a=b@c:d", "POST", stamp
    )
    delivery = Delivery(
        url="https://in.example/x?a=b%40c%3Ad",
        body=body,
        received_at=NOW,
        headers={"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp},
    )
    check_proof(hubspot.PROVIDER, Account("hubspot", "default", (SECRET,)), delivery)


def test_hubspots_changes_say_what_is_known_of_a_contact() -> None:
    """By HubSpot's own id, and the address where that is what changed."""
    change = {
        "eventId": 1, "subscriptionId": 12345, "portalId": 62515, "appId": 1160452,
        "occurredAt": AT_S * 1000, "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0, "objectId": 1246965, "propertyName": "lifecyclestage",
        "propertyValue": "subscriber", "changeSource": "ACADEMY", "sourceId": "x",
    }  # fmt: skip
    email = {**change, "eventId": 2, "propertyName": "email", "propertyValue": EMAIL}
    deal = {**change, "subscriptionType": "deal.creation"}
    gone = {**change, "subscriptionType": "contact.privacyDeletion"}
    first, second = told("hubspot", [change, email, deal, gone])
    assert first.type == second.type == "lead_identified"
    assert first.identifiers.external == second.identifiers.external == {"hubspot": "1246965"}
    assert (first.traits, second.identifiers.email) == ({"lifecyclestage": "subscriber"}, EMAIL)
    assert told("hubspot", {**change, "attemptNumber": 3})[0].id == first.id


@pytest.mark.parametrize(
    ("over", "payload", "event_type"),
    [
        ({"event": "invitee.canceled"}, {"rescheduled": False}, "meeting_cancelled"),
        ({"event": "invitee.canceled"}, {"rescheduled": True}, None),
        ({"event": "invitee.created"}, {"old_invitee": "https://api.calendly.com/x"},
         "meeting_moved"),
        ({"event": "invitee_no_show.created"}, {"invitee": {"email": EMAIL, "uri": "u"}},
         "meeting_missed"),
        ({"event": "invitee_no_show.deleted"}, {}, None),
        ({"event": "routing_form_submission.created"},
         {"email": None, "questions_and_answers": [{"question": "Mail?", "answer": EMAIL}]},
         "form_submitted"),
    ],
)  # fmt: skip
def test_calendlys_events(
    over: dict[str, Any], payload: dict[str, Any], event_type: str | None
) -> None:
    """A meeting that moves isn't booked a second time."""
    document = posted("calendly") | over
    document["payload"] |= payload
    events = told("calendly", document)
    assert [event.type for event in events] == ([event_type] if event_type else [])
    assert all(event.identifiers.email == EMAIL for event in events)


def test_zoom_is_shown_that_the_secret_is_known() -> None:
    """Hashed by the secret that Zoom signed with, of the two that are valid."""
    body = json.dumps({
        "event": "endpoint.url_validation", "event_ts": AT_S * 1000,
        "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"},
    }).encode()  # fmt: skip
    delivery = signed("zoom", body, NOW)
    account = Account("zoom", "default", ("newer", SECRET))
    check_proof(zoom.PROVIDER, account, delivery)
    answer = zoom.prove(delivery, account)
    assert answer is not None
    said = json.loads(answer.body)
    assert said["plainToken"] == "qgg8vlvZRS6UYooatFL8Aw"
    hashed = hmac.new(SECRET.encode(), said["plainToken"].encode(), "sha256").hexdigest()
    assert said["encryptedToken"] == hashed
    assert zoom.prove(signed("zoom", b"{}", NOW), account) is None


def test_whoever_joins_a_webinar_again_attends_the_same_one() -> None:
    """And one without an address is known by the registration."""
    document = posted("zoom")
    (joined,) = told("zoom", document)
    document["event_ts"] += 60_000
    document["payload"]["object"]["participant"]["email"] = ""
    (again,) = told("zoom", document)
    assert joined.id != again.id
    assert joined.properties["signal_key"] == again.properties["signal_key"]
    assert again.identifiers.external == {"zoom_registrant": "abcdefghij0"}
    document["event"] = "webinar.participant_left"
    (left,) = told("zoom", document)
    assert left.type == "webinar_left"
    registered = {**document, "event": "webinar.registration_created"}
    registered["payload"]["object"] |= {
        "registrant": {"id": "abcdefghij0", "email": EMAIL, "first_name": "Sarah", "org": "Acme"}
    }
    (event,) = told("zoom", registered)
    assert event.type == "webinar_registered"
    assert event.traits == {"first_name": "Sarah", "company": "Acme"}
    assert event.identifiers.external == {"zoom_registrant": "abcdefghij0"}
    assert told("zoom", {"event": "meeting.started"}) == []


@pytest.mark.parametrize("provider", ["gravityforms", "contactform7"])
def test_a_form_may_be_posted_as_a_form(provider: str) -> None:
    """As well as in JSON."""
    headers, _ = SIGNERS[provider].sign(b"", "", NOW)
    delivery = Delivery(
        url="https://in.example", body=urlencode(posted(provider)).encode(), received_at=NOW,
        headers=headers, query={"form": "contact"},
    )  # fmt: skip
    account = Account(provider, "default", (SIGNERS[provider].secret,))
    check_proof(PROVIDERS[provider], account, delivery)
    (raw,) = PROVIDERS[provider].split(delivery, account)
    (event,) = read_item(raw, PROVIDERS[provider], account, delivery, PLAIN)
    assert event.identifiers.email == EMAIL
    assert event.properties["form"] == {"gravityforms": "3", "contactform7": "contact"}[provider]


def test_gravity_forms_says_names_by_number() -> None:
    """The parts of a field for a name, and the page."""
    (event,) = told("gravityforms", posted("gravityforms"))
    assert (event.traits["first_name"], event.traits["last_name"]) == ("Sarah", "Smith")
    assert event.context["page"]["url"] == URL
    assert (event.id, event.properties["signal_key"]) == ("3-77", "3-77")
