"""What is special to one mail provider or another."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from services.ingest.handling import PLAIN
from services.ingest.providers import mandrill, ses
from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.reading import read_item
from services.ingest.providers.table import PROVIDERS
from services.ingest.refusal import Refusal
from services.ingest.webhooks import check_proof
from shared.envelope import Event
from tests.provider_payloads import AT_S, CLICKS, EMAIL
from tests.signed_deliveries import TOPIC, amazons_certificate, signed, sns

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
SES_MAIL = {"messageId": "m1", "destination": [EMAIL, "tom@example.com"], "timestamp": "2026-05-01"}
AT = "2026-05-03T09:53:20.000Z"


def told(provider: str, document: Any) -> list[Event]:
    """The events of what a provider posts."""
    delivery = signed(provider, json.dumps(document).encode(), NOW)
    return [
        event
        for raw in PROVIDERS[provider].split(delivery, Account(provider))
        for event in read_item(raw, PROVIDERS[provider], Account(provider), delivery, PLAIN)
    ]


def changed(provider: str, **over: Any) -> Any:
    """The provider's click with other fields, at the level where its kind stands."""
    document = json.loads(json.dumps(CLICKS[provider][0]))
    place = document[-1] if isinstance(document, list) else document
    for name in ("event-data", "msys", "track_event"):
        place = place.get(name, place)
    place.update(over)
    return document


@pytest.mark.parametrize(
    ("provider", "over", "event_type", "bounce"),
    [
        ("mailgun", {"event": "delivered"}, "email_delivered", None),
        ("mailgun", {"event": "opened"}, "email_opened", None),
        ("mailgun", {"event": "failed", "severity": "permanent"}, "email_bounced", "hard"),
        ("mailgun", {"event": "complained"}, "email_complained", None),
        ("mailgun", {"event": "unsubscribed"}, "email_unsubscribed", None),
        ("mandrill", {"event": "hard_bounce"}, "email_bounced", "hard"),
        ("mandrill", {"event": "soft_bounce"}, "email_bounced", "soft"),
        ("mandrill", {"event": "spam"}, "email_complained", None),
        ("mandrill", {"event": "unsub"}, "email_unsubscribed", None),
        ("mailchimp", {"type": "unsubscribe"}, "email_unsubscribed", None),
        ("mailchimp", {"type": "cleaned", "data[reason]": "hard"}, "email_bounced", "hard"),
        ("mailchimp", {"type": "cleaned", "data[reason]": "abuse"}, "email_complained", None),
        ("sparkpost", {"type": "open"}, "email_opened", None),
        ("sparkpost", {"type": "bounce", "bounce_class": "10"}, "email_bounced", "hard"),
        ("sparkpost", {"type": "bounce", "bounce_class": "51"}, "email_bounced", "blocked"),
        ("sparkpost", {"type": "bounce", "bounce_class": 22}, "email_bounced", "soft"),
        ("sparkpost", {"type": "bounce", "bounce_class": "90"}, "email_unsubscribed", None),
        ("sparkpost", {"type": "spam_complaint"}, "email_complained", None),
        ("brevo", {"event": "unique_opened"}, "email_opened", None),
        ("brevo", {"event": "hard_bounce"}, "email_bounced", "hard"),
        ("brevo", {"event": "blocked"}, "email_bounced", "blocked"),
        ("brevo", {"event": "spam"}, "email_complained", None),
        ("mailjet", {"event": "sent"}, "email_delivered", None),
        ("mailjet", {"event": "bounce", "hard_bounce": True}, "email_bounced", "hard"),
        ("mailjet", {"event": "bounce", "hard_bounce": False}, "email_bounced", "soft"),
        ("mailjet", {"event": "blocked"}, "email_bounced", "blocked"),
        ("mailjet", {"event": "unsub"}, "email_unsubscribed", None),
        ("customerio", {"metric": "opened"}, "email_opened", None),
        ("customerio", {"metric": "spammed"}, "email_complained", None),
        ("customerio", {"object_type": "customer", "metric": "subscribed"}, "email_resubscribed",
         None),
        ("resend", {"type": "email.bounced"}, "email_bounced", "hard"),
        ("resend", {"type": "email.complained"}, "email_complained", None),
        ("klaviyo", {"topic": "event:klaviyo.opened_email"}, "email_opened", None),
        ("klaviyo", {"topic": "event:klaviyo.bounced_email"}, "email_bounced", "hard"),
    ],
)  # fmt: skip
def test_kinds_find_their_type(
    provider: str, over: dict[str, Any], event_type: str, bounce: str | None
) -> None:
    """And bounces say whether the address is gone for good."""
    (event,) = told(provider, changed(provider, **over))
    assert (event.type, event.properties.get("bounce_type")) == (event_type, bounce)


@pytest.mark.parametrize(
    ("provider", "over"),
    [
        ("mailgun", {"event": "failed", "severity": "temporary"}),
        ("mailgun", {"event": "accepted"}),
        ("mandrill", {"event": "deferral"}),
        ("mailchimp", {"type": "profile"}),
        ("sparkpost", {"type": "initial_open"}),
        ("brevo", {"event": "request"}),
        ("customerio", {"metric": "human_opened"}),
        ("customerio", {"object_type": "sms"}),
        ("klaviyo", {"topic": "event:klaviyo.received_sms"}),
        ("resend", {"type": "contact.created"}),
    ],
)
def test_kinds_that_say_nothing_are_left_out(provider: str, over: dict[str, Any]) -> None:
    """Not an error."""
    assert told(provider, changed(provider, **over)) == []


@pytest.mark.parametrize(
    ("provider", "over"),
    [
        ("mailgun", {"client-info": {"bot": "apple"}}),
        ("mandrill", {"event": "open", "user_agent_parsed": {"type": "robot"}}),
        ("sparkpost", {"type": "open", "user_agent_parsed": {"is_prefetched": True}}),
        ("brevo", {"event": "unique_proxy_open"}),
        ("brevo", {"event": "proxy_open"}),
    ],
)
def test_what_the_provider_calls_a_machine_is_one(provider: str, over: dict[str, Any]) -> None:
    """With what it said as reason."""
    (event,) = told(provider, changed(provider, **over))
    assert event.verdict.judgement == "bot"
    assert event.verdict.why


def test_brevos_two_names_of_one_opening_are_one_event() -> None:
    """It tells of a first opening twice."""
    first, again = (
        told("brevo", changed("brevo", event=name))[0] for name in ("unique_opened", "opened")
    )
    assert first.id == again.id


@pytest.mark.parametrize(
    ("over", "event_type"),
    [
        ({"RecordType": "Delivery", "DeliveredAt": AT}, "email_delivered"),
        ({"RecordType": "Open", "FirstOpen": True}, "email_opened"),
        ({"RecordType": "Bounce", "Type": "HardBounce", "Email": EMAIL, "BouncedAt": AT},
         "email_bounced"),
        ({"RecordType": "SpamComplaint", "Email": EMAIL, "BouncedAt": AT}, "email_complained"),
        ({"RecordType": "SubscriptionChange", "ChangedAt": AT, "SuppressSending": True,
          "SuppressionReason": "ManualSuppression"}, "email_unsubscribed"),
        ({"RecordType": "SubscriptionChange", "ChangedAt": AT, "SuppressSending": True,
          "SuppressionReason": "SpamComplaint"}, "email_complained"),
        ({"RecordType": "SubscriptionChange", "ChangedAt": AT, "SuppressSending": False},
         "email_resubscribed"),
    ],
)  # fmt: skip
def test_postmarks_records(over: dict[str, Any], event_type: str) -> None:
    """Each with a time and an address under another name."""
    (event,) = told("postmark", changed("postmark", **over))
    assert event.type == event_type
    assert event.occurred_at.minute == 53


@pytest.mark.parametrize(
    ("kind", "details", "found"),
    [
        ("Bounce", {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "a@b.co"}]},
         [("email_bounced", "a@b.co", "hard")]),
        ("Bounce", {"bounceType": "Transient", "bouncedRecipients": [{"emailAddress": "a@b.co"}]},
         [("email_bounced", "a@b.co", "soft")]),
        ("Complaint", {"complainedRecipients": [{"emailAddress": "a@b.co"}]},
         [("email_complained", "a@b.co", None)]),
        ("Delivery", {"recipients": [EMAIL, "tom@example.com"]},
         [("email_delivered", EMAIL, None), ("email_delivered", "tom@example.com", None)]),
        ("Open", {}, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["eventType", "notificationType"])
def test_ses_tells_of_each_recipient(
    name: str, kind: str, details: dict[str, Any], found: list[tuple[str, str, str | None]]
) -> None:
    """But an opening of a mail to two people may be either's: it is nobody's."""
    events = told("ses", {name: kind, kind.lower(): {"timestamp": AT, **details}, "mail": SES_MAIL})
    assert [
        (event.type, event.identifiers.email, event.properties.get("bounce_type"))
        for event in events
    ] == found
    assert len({event.id for event in events}) == len(found)


def sns_delivery(message: str, version: str = "2", **over: str) -> Delivery:
    headers, body = sns(message, NOW, version, **over)
    return Delivery(
        url="https://in.example/v1/webhooks/ses", body=body, received_at=NOW, headers=headers,
        certificate=amazons_certificate(),
    )  # fmt: skip


ACCOUNT = Account("ses", "default", (TOPIC,))


def test_sns_signs_with_either_hash_and_greets_without_json() -> None:
    """Version 1 is SHA-1; the first message on a topic is a sentence."""
    for version in ("1", "2"):
        delivery = sns_delivery("Successfully validated SNS topic.", version)
        check_proof(ses.PROVIDER, ACCOUNT, delivery)
        assert list(ses.split(delivery, ACCOUNT)) == []
    with pytest.raises(Refusal, match="version"):
        check_proof(ses.PROVIDER, ACCOUNT, sns_delivery("", "3"))


def test_a_subscription_is_confirmed_at_amazon_only() -> None:
    """Once it is proven to be of the topic."""
    at_amazon = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    confirmation = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": at_amazon}
    delivery = sns_delivery("You have chosen to subscribe", **confirmation)
    check_proof(ses.PROVIDER, ACCOUNT, delivery)
    answer = ses.confirm(delivery, ACCOUNT)
    assert answer is not None
    assert answer.visit == at_amazon
    elsewhere = sns_delivery("x", **{**confirmation, "SubscribeURL": "https://sns.evil.example/"})
    with pytest.raises(Refusal):
        ses.confirm(elsewhere, ACCOUNT)
    parting = sns_delivery("x", **{**confirmation, "Type": "UnsubscribeConfirmation"})
    left = ses.confirm(parting, ACCOUNT)
    assert left is not None
    assert left.visit == ""
    assert ses.confirm(sns_delivery("{}"), ACCOUNT) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://user@sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
        "https://s3.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem.sh",
        "https://[::1]/x.pem",
        "https://[/x.pem",
        "",
    ],
)
def test_certificates_come_from_amazon_only(address: str) -> None:
    """Nothing else is ever fetched."""
    delivery = sns_delivery("{}")
    envelope = json.loads(delivery.body) | {"SigningCertURL": address}
    with pytest.raises(Refusal) as caught:
        ses.certificate(replace(delivery, body=json.dumps(envelope).encode()))
    assert caught.value.status == 401


def test_mandrill_looks_at_a_new_address_before_it_has_a_key() -> None:
    """An empty list is answered, and says nothing."""
    empty = Delivery(
        url="https://in.example",
        body=urlencode({"mandrill_events": "[]"}).encode(),
        received_at=NOW,
    )
    assert mandrill.is_set_up(empty) is not None
    full = replace(empty, body=urlencode({"mandrill_events": "[{}]"}).encode())
    assert mandrill.is_set_up(full) is None


def test_mailgun_signs_as_its_own_library_tests() -> None:
    """The vector in the tests of mailgun-php."""
    key = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
    signature = {
        "timestamp": "1403645220", "token": "5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6",
        "signature": "9cfc5c41582e51246e73c88d34db3af0a3a2692a76fbab81492842f000256d33",
    }  # fmt: skip
    for change, code in (({}, ""), ({"token": "x"}, "signature_wrong")):
        delivery = Delivery(
            url="https://in.example",
            body=json.dumps({"signature": {**signature, **change}}).encode(),
            received_at=datetime.fromtimestamp(1403645220, UTC),
        )
        try:
            check_proof(PROVIDERS["mailgun"], Account("mailgun", "default", (key,)), delivery)
        except Refusal as refusal:
            assert refusal.code == code  # noqa: PT017 - the first is sound
        else:
            assert not change


def test_mandrills_lists_of_addresses_are_left_out() -> None:
    """They are about no mail."""
    assert told("mandrill", [{"type": "blacklist", "action": "add", "ts": AT_S}]) == []


def test_a_number_too_long_for_a_double_stays_what_it_is() -> None:
    """Mailjet's ids lie beyond 2^53."""
    (event,) = told("mailjet", changed("mailjet", Message_GUID=""))
    assert event.properties["message_id"] == "19421777835146490"


def test_resend_tells_of_each_recipient_but_not_whose_click_it_was() -> None:
    """Who of two clicked nobody can know."""
    document = changed("resend", type="email.delivered")
    document["data"]["to"] = [EMAIL, "tom@example.com"]
    assert [event.identifiers.email for event in told("resend", document)] == document["data"]["to"]
    assert told("resend", {**document, "type": "email.clicked"}) == []


def test_mandrill_signs_as_its_own_library_tests() -> None:
    """A post recorded in the tests of mandrill-rails: one click, told twice."""
    message = {
        "ts": 1365109999, "subject": "This an example webhook message",
        "email": "example.webhook@mandrillapp.com", "sender": "example.sender@mandrillapp.com",
        "tags": ["webhook-example"], "opens": [{"ts": 1365111111}],
        "clicks": [{"ts": 1365111111, "url": "http://mandrill.com"}], "state": "sent",
        "metadata": {"user_id": 111}, "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa",
        "_version": "exampleaaaaaaaaaaaaaaa",
    }  # fmt: skip
    location = {
        "country_short": "US", "country": "United States", "region": "Oklahoma",
        "city": "Oklahoma City", "latitude": 35.4675598145, "longitude": -97.5164337158,
        "postal_code": "73101", "timezone": "-05:00",
    }  # fmt: skip
    icons = "http://cdn.mandrill.com/img/email-client-icons/"
    agent = {
        "type": "Email Client", "ua_family": "Postbox", "ua_name": "Postbox 1.1.3",
        "ua_version": "1.1.3", "ua_url": "http://www.postbox-inc.com/",
        "ua_company": "Postbox, Inc.", "ua_company_url": "http://www.postbox-inc.com/",
        "ua_icon": f"{icons}postbox.png", "os_family": "OS X", "os_name": "OS X 10.6 Snow Leopard",
        "os_url": "http://www.apple.com/osx/", "os_company": "Apple Computer, Inc.",
        "os_company_url": "http://www.apple.com/", "os_icon": f"{icons}macosx.png",
        "mobile": False,
    }  # fmt: skip
    item = {
        "event": "click", "msg": message, "ip": "127.0.0.1", "location": location,
        "user_agent": "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; en-US; rv:1.9.1.8) "
                      "Gecko/20100317 Postbox/1.1.3",
        "user_agent_parsed": agent, "url": "http://mandrill.com", "ts": 1379233940,
    }  # fmt: skip
    text = json.dumps([item, item], separators=(",", ":")).replace("/", "\\/")
    delivery = Delivery(
        url="http://requestb.in/q9a918q9",
        body=urlencode({"mandrill_events": text}).encode(),
        received_at=NOW,
        headers={"x-mandrill-signature": "7rUa4lNJitlb178MgGOcHO6T4Bg="},
    )
    account = Account("mandrill", "default", ("ntynTMaFpM_octE5R1DKAw",))
    check_proof(mandrill.PROVIDER, account, delivery)
    first, again = (
        read_item(raw, mandrill.PROVIDER, account, delivery, PLAIN)[0]
        for raw in mandrill.split(delivery, account)
    )
    assert first.id == again.id
    assert first.identifiers.email == "example.webhook@mandrillapp.com"
    moved = replace(delivery, url="http://requestb.in/other")
    with pytest.raises(Refusal, match="No configured secret"):
        check_proof(mandrill.PROVIDER, account, moved)
