"""What a lead allows at any time, from everything it ever said: read off the definitions anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.scorer.slow.conditions import Moment, holds
from services.scorer.slow.fields import Plain

PURPOSES = ("analytics", "scoring", "marketing_email", "sales_contact")
PASSIVE = ("page_viewed", "page_left", "link_clicked", "video_watched", "page_scrolled")
SOFT = ("blocked", "soft", "transient")
Place = tuple[int, str, str]


@dataclass
class Word:
    """An answer. purpose: or email_delivery, which a hard bounce takes away."""

    place: Place
    purpose: str
    granted: bool
    text: str


class Consents:
    """All answers of one lead in order, and the regions that its events told of."""

    def __init__(self, ruleset: Plain) -> None:
        self.policy: Plain = ruleset.get("consent", {})
        self.words: list[Word] = []
        self.regions: list[tuple[Place, str]] = []

    def hear(self, event: Plain) -> None:
        """Take in what an event says."""
        place = (event["ms"], event["source"], event["id"])
        for purpose, (granted, text) in _said(event).items():
            if not (granted and event["bot"]):
                self.words.append(Word(place, purpose, granted, text))

    def place(self, moment: Moment) -> None:
        """Note the region that a person's event tells of."""
        event = moment.event
        assert event is not None
        fits = [one["id"] for one in self.policy.get("regions", []) if holds(one["when"], moment)]
        if fits:
            self.regions.append(((event["ms"], event["source"], event["id"]), fits[0]))

    @property
    def region(self) -> str:
        """The newest that was told of, "" for none."""
        return self.regions[-1][1] if self.regions else ""

    def since(self, purpose: str) -> Word | None:
        """The first of the newest answers that are all the same; None where nothing was said."""
        said = [one for one in self.words if one.purpose == purpose]
        first = None
        for one in said:
            same = first is not None and one.granted == first.granted
            if not same or (first is not None and one.text not in ("", first.text)):
                first = one
        if purpose == "email_delivery" and all(one.granted for one in said):
            return None
        return first

    def allows(self, purpose: str, before: Place | None = None) -> bool:
        """Is it allowed, as of now or of what was said before a place (not at it)?"""
        said = [one.granted for one in self.words if one.purpose == purpose
                and (before is None or one.place < before)]  # fmt: skip
        if said:
            return said[-1]
        told = [region for place, region in self.regions if before is None or place < before]
        listed = [one["default"] for one in self.policy.get("regions", []) if told
                  and one["id"] == told[-1] and "default" in one]  # fmt: skip
        default = {**self.policy.get("default", {}), **(listed[0] if listed else {})}
        return bool(default.get(purpose, "granted") == "granted")

    def counts(self, event: Plain) -> bool:
        """May an event earn something?"""
        passive = event["type"] in PASSIVE
        return self.allows("scoring") and (not passive or self.allows("analytics"))

    def forbids(self, handoff: str | None, before: Place) -> str:
        """What stands against a hand-off, by what was said before a place."""
        asked = {"sales": ["sales_contact"], "content": ["marketing_email", "email_delivery"]}
        missing = [one for one in asked.get(handoff or "", []) if not self.allows(one, before)]
        return missing[0].replace("email_delivery", "email_bounced") if missing else ""


def _said(event: Plain) -> dict[str, tuple[bool, str]]:
    """By purpose. Of several answers the last counts: of the beacon, Segment, the event's own, and
    the meaning of its type, which has the text of the one it replaces.
    """
    consent = event.get("consent", {})
    given = [("analytics", consent.get("granted"))]
    nested = consent.get("categoryPreferences")
    given += list(nested.items()) if isinstance(nested, dict) else []
    found: dict[str, tuple[bool, str]] = {}
    for name, value in [*given, *consent.items()]:
        purpose = "_".join(name.replace("-", " ").replace(".", " ").split()).lower()
        answer = _answer(value, consent.get("text"))
        if purpose in PURPOSES and answer is not None:
            found[purpose] = answer
    meant: dict[str, bool] = {}
    if event["type"] in ("email_unsubscribed", "email_complained"):
        meant = {"marketing_email": False}
    if event["type"] in ("newsletter_subscribed", "email_resubscribed"):
        meant = {"marketing_email": True, "email_delivery": True}
    if event["type"] == "email_bounced" and event["properties"].get("bounce_type") not in SOFT:
        meant = {"email_delivery": False}
    texts = {purpose: text for purpose, (_, text) in found.items()}
    return found | {purpose: (word, texts.get(purpose, "")) for purpose, word in meant.items()}


def _answer(value: Any, text: Any) -> tuple[bool, str] | None:
    if isinstance(value, dict):
        value, text = value.get("granted"), value.get("text", text)
    if value in ("granted", "denied"):
        value = value == "granted"
    return (value, text[:100] if isinstance(text, str) else "") if value in (True, False) and (
        isinstance(value, bool)
    ) else None  # fmt: skip
