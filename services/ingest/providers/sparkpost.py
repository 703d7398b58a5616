"""SparkPost (Bird): arrays of {"msys": {class: event}}; a credential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import array, kind_of, text
from services.ingest.providers.mail import mail, number_at
from services.ingest.providers.proofs import check_credential

# The first opening is told twice, as initial_open and as open: it is taken once.
EVENT_TYPES: dict[str, str | None] = {
    "delivery": "email_delivered",
    "open": "email_opened",
    "amp_open": "email_opened",
    "click": "email_clicked",
    "amp_click": "email_clicked",
    "bounce": "email_bounced",
    "out_of_band": "email_bounced",
    "spam_complaint": "email_complained",
    "list_unsubscribe": "email_unsubscribed",
    "link_unsubscribe": "email_unsubscribed",
    "initial_open": None,
    "amp_initial_open": None,
    "injection": None,
    "delay": None,
    "policy_rejection": None,
    "generation_failure": None,
    "generation_rejection": None,
    "sms_status": None,
    "relay_message": None,
}
_HARD = frozenset({"10", "30"})
_BLOCKED = frozenset({"50", "51", "52", "53", "54"})
_UNSUBSCRIBED, _SUBSCRIBED = "90", "80"


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event; none of a ping."""
    classes = item.get("msys")
    if not classes:
        return ()
    event = next(iter(classes.values())) if isinstance(classes, dict) else None
    event = event if isinstance(event, dict) else {}
    kind, event_type = kind_of(event, EVENT_TYPES, "type")
    bounce = ""
    if event_type == "email_bounced":
        number = text(event, "bounce_class")
        if number == _UNSUBSCRIBED:
            event_type = "email_unsubscribed"
        else:
            bounce = "hard" if number in _HARD else "blocked" if number in _BLOCKED else "soft"
        if number == _SUBSCRIBED:
            return ()
    if not event_type:
        return ()
    prefetched = _flag(event, "is_prefetched")
    return (
        mail(
            kind,
            event_type,
            at=number_at(event.get("timestamp")),
            at_path="timestamp",
            email=text(event, "raw_rcpt_to") or text(event, "rcpt_to"),
            email_path="rcpt_to",
            message_id=text(event, "message_id") or text(event, "transmission_id"),
            url=text(event, "target_link_url"),
            bounce=bounce,
            reason=text(event, "reason"),
            subject=text(event, "subject"),
            tags=event.get("rcpt_tags"),
            custom=event.get("rcpt_meta"),
            own_id=text(event, "event_id"),
            user_agent=text(event, "user_agent"),
            ip=text(event, "ip_address"),
            machine="the provider says: prefetched" if prefetched else "",
        ),
    )


def _flag(event: dict[str, Any], name: str) -> bool:
    parsed = event.get("user_agent_parsed")
    return isinstance(parsed, dict) and parsed.get(name) is True


PROVIDER = Provider(
    name="sparkpost",
    title="SparkPost (Bird)",
    verify=verify,
    split=array,
    read=read,
    proof="user:password, or the token of the webhook's authentication",
    signature="credential",
    batch="array; a ping has an empty `msys`",
    dedupe="`event_id`",
    machine_open="`user_agent_parsed.is_prefetched`",
    retries="for 8 h",
    tested_with="documented payloads",
)
