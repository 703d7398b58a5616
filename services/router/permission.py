"""What a lead allows, and why it must not be written to, as a packet tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.router.belonging import Belonging
from services.router.messages import Allowed, Consent, Suppression
from services.router.reasons import Earned
from services.router.scrubbing import scrubbed
from services.router.who import ID_MAX
from services.router.wording import READ_MAX
from services.scorer.core.consenting import Stance
from shared.envelope import milliseconds, rfc3339

CONSENT_MAX = 100  # characters of a purpose and of an answer

# Event types that forbid writing, and those that allow it again.
FORBIDS: Final = ("email_unsubscribed", "email_complained", "email_bounced")
LIFTS: Final = ("newsletter_subscribed", "email_resubscribed")


def consent_of(events: Sequence[Earned], belonging: Belonging) -> Consent:
    purposes = {name: _allowed(stance) for name, stance in belonging.consents.items()}
    for earned in events:
        given = {
            _short(name): _short(value) if isinstance(value, str) else value
            for name, value in list(earned.event.consent.items())[:10]
            if value is None or isinstance(value, str | int | float | bool)
        }
        if given:
            at = rfc3339(milliseconds(earned.event.occurred_at))
            return Consent(purposes=purposes, given=given, at=at)
    return Consent(purposes=purposes, given=None, at=None)


def _short(text: str) -> str:
    """Without addresses, which go before it is cut."""
    return scrubbed(text[:READ_MAX])[:CONSENT_MAX]


def _allowed(stance: Stance) -> Allowed:
    said = stance.said
    return Allowed(
        granted=stance.granted,
        by_default=said is None,
        since=None if said is None else rfc3339(said.at_ms),
        source=None if said is None else scrubbed(said.source[:READ_MAX])[:ID_MAX],
        text=(scrubbed(said.text[:READ_MAX])[:ID_MAX] or None) if said is not None else None,
    )


def suppression_of(marks: Mapping[str, int], belonging: Belonging) -> Suppression:
    marketing = belonging.consents.get("marketing_email")
    said = marketing.said if marketing is not None else None
    agreed_ms = said.at_ms if said is not None and said.granted else -1
    stands: dict[str, str | None] = {}
    subscribed_ms = max(marks.get(event_type, -1) for event_type in LIFTS)
    for event_type in FORBIDS:
        at_ms, lifted_ms = marks.get(event_type, -1), subscribed_ms
        if event_type != "email_bounced":  # an address that bounced isn't mended by consent
            lifted_ms = max(lifted_ms, agreed_ms)
        stands[event_type] = rfc3339(at_ms) if at_ms >= 0 and at_ms > lifted_ms else None
    why = [event_type.removeprefix("email_") for event_type, at in stands.items() if at]
    if marketing is not None and not marketing.granted and why in ([], ["bounced"]):
        why.append("marketing_email")
    return Suppression(
        suppressed=bool(why),
        why=why,
        unsubscribed_at=stands["email_unsubscribed"],
        complained_at=stands["email_complained"],
        bounced_at=stands["email_bounced"],
    )
