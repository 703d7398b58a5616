"""What people may allow or forbid, and what an event says of it.

An event speaks by the envelope's `consent`, and some by their type alone. What it says holds from
its time of occurrence on, until an event that occurred later says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from shared.envelope import Event
from shared.event_types import WORD_BREAK

Purpose = Literal["analytics", "scoring", "marketing_email", "sales_contact"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
ANALYTICS: Final = "analytics"
SCORING: Final = "scoring"
MARKETING_EMAIL: Final = "marketing_email"
SALES_CONTACT: Final = "sales_contact"
# Kept beside the purposes, though nobody consents to it: False from a hard bounce on.
DELIVERY: Final = "email_delivery"

# What a type says by itself. It is stronger than the event's own consent: SDKs send the answers of
# yesterday along with an unsubscribe.
MEANINGS: Final[dict[str, dict[str, bool]]] = {
    "email_unsubscribed": {MARKETING_EMAIL: False},
    "email_complained": {MARKETING_EMAIL: False},
    "email_bounced": {DELIVERY: False},
    "newsletter_subscribed": {MARKETING_EMAIL: True, DELIVERY: True},
    # A provider writes to the address again: worth no points, as a new subscription may be.
    "email_resubscribed": {MARKETING_EMAIL: True, DELIVERY: True},
}
SOFT_BOUNCES: Final = frozenset({"blocked", "soft", "transient"})

# Tracking that needs no act of will: withheld, or worth nothing, without consent to analytics.
PASSIVE_TYPES: Final = frozenset({
    "page_viewed", "page_left", "link_clicked", "video_watched", "page_scrolled",
})  # fmt: skip

# (granted, version of the text that was shown, "" for unknown)
Answer = tuple[bool, str]
TEXT_CHARACTERS: Final = 100
_WORDS: Final = {"granted": True, "denied": False}


def answers_of(event: Event) -> dict[str, Answer]:
    """What an event says, by purpose (or DELIVERY)."""
    found = answers_in(event.consent) if event.consent else {}
    for purpose, granted in MEANINGS.get(event.type, {}).items():
        if purpose == DELIVERY and is_soft(event.properties.get("bounce_type")):
            continue
        found[purpose] = (granted, found.get(purpose, (False, ""))[1])
    return found


def is_soft(bounce_type: object) -> bool:
    """Did a mail bounce for a passing reason?"""
    return isinstance(bounce_type, str) and bounce_type in SOFT_BOUNCES


def answers_in(consent: Mapping[str, Any]) -> dict[str, Answer]:
    """What a consent says, by purpose; anything else in it is passed over.

    {PURPOSE: true, false, "granted", "denied" or {"granted": one of these, "text": VERSION},
    "text": VERSION of all that have none of their own}; purposes in any case, with spaces or
    hyphens. Weaker: Segment's {"categoryPreferences": {PURPOSE: …}}; weaker still: the beacon's
    {"granted": …}, which is about analytics.
    """
    shared_text = consent.get("text")
    found: dict[str, Answer] = {}
    given = _answer(consent.get("granted"), shared_text)
    if given is not None:
        found[ANALYTICS] = given
    nested = consent.get("categoryPreferences")
    parts: list[Mapping[str, Any]] = [nested] if isinstance(nested, dict) else []
    for part in [*parts, consent]:
        for name, value in part.items():
            purpose = _purpose_named(name)
            if purpose is not None and (answer := _answer(value, shared_text)) is not None:
                found[purpose] = answer
    return found


def _answer(value: object, text: object) -> Answer | None:
    if isinstance(value, dict):
        text = value.get("text", text)
        value = value.get("granted")
    granted: object = _WORDS.get(value) if isinstance(value, str) else value
    if not isinstance(granted, bool):
        return None
    return granted, text[:TEXT_CHARACTERS] if isinstance(text, str) else ""


@lru_cache(maxsize=1024)
def _purpose_named(name: str) -> Purpose | None:
    folded = WORD_BREAK.sub("_", name.strip()).lower()
    return next((purpose for purpose in PURPOSES if purpose == folded), None)
