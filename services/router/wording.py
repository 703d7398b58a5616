"""What a person did, in words that a salesperson reads: one phrase per event type."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from services.router.scrubbing import scrubbed
from shared.envelope import Event, instant

READ_MAX = 4000  # characters of a text that are looked at
TEXT_MAX = 200  # characters of a title or URL in a packet

# Event type → (phrase with what, phrase without). {what} is the title of the content.
PHRASES: dict[str, tuple[str, str]] = {
    "page_viewed": ("viewed “{what}”", "viewed a page"),
    "page_left": ("read “{what}”", "read a page"),
    "link_clicked": ("followed a link to “{what}”", "followed a link"),
    "video_watched": ("watched “{what}”", "watched a video"),
    "email_delivered": ("received the email “{what}”", "received an email"),
    "email_opened": ("opened the email “{what}”", "opened an email"),
    "email_clicked": ("clicked a link in the email “{what}”", "clicked a link in an email"),
    "email_replied": ("replied to the email “{what}”", "replied to an email"),
    "email_bounced": ("an email bounced: “{what}”", "an email bounced"),
    "email_complained": ("marked “{what}” as spam", "marked an email as spam"),
    "email_unsubscribed": ("unsubscribed from “{what}”", "unsubscribed from email"),
    "newsletter_subscribed": ("subscribed to “{what}”", "subscribed to the newsletter"),
    "form_submitted": ("filled in the form “{what}”", "filled in a form"),
    "content_downloaded": ("downloaded “{what}”", "downloaded content"),
    "webinar_registered": ("registered for “{what}”", "registered for a webinar"),
    "webinar_attended": ("attended “{what}”", "attended a webinar"),
    "seminar_attended": ("attended “{what}”", "attended a seminar"),
    "campaign_applied": ("applied for “{what}”", "applied for a campaign"),
    "demo_requested": ("asked for a demo of “{what}”", "asked for a demo"),
    "sample_requested": ("asked for a sample of “{what}”", "asked for a sample"),
    "trial_started": ("started a trial of “{what}”", "started a trial"),
    "product_used": ("used “{what}”", "used the product"),
    "meeting_booked": ("booked the meeting “{what}”", "booked a meeting"),
    "social_followed": ("followed us on {what}", "followed us on a social network"),
    "social_engaged": ("reacted to “{what}”", "reacted to a post"),
    "survey_answered": ("answered the survey “{what}”", "answered a survey"),
    "referral_made": ("referred {what}", "referred someone"),
    "cart_abandoned": ("left a cart with “{what}”", "left a cart"),
    "purchase_made": ("bought “{what}”", "bought"),
    "purchase_refunded": ("was refunded “{what}”", "was refunded"),
    "meeting_held": ("met sales: “{what}”", "met sales"),
    "call_held": ("talked to sales about “{what}”", "talked to sales"),
    "proposal_sent": ("got the proposal “{what}”", "got a proposal"),
    "deal_won": ("signed “{what}”", "signed"),
    "deal_lost": ("decided against “{what}”", "decided against us"),
    "subscription_renewed": ("renewed “{what}”", "renewed a subscription"),
    "subscription_cancelled": ("cancelled “{what}”", "cancelled a subscription"),
    "support_contacted": ("contacted support about “{what}”", "contacted support"),
    "lead_identified": ("gave their details", "gave their details"),
}

# Where the name of the thing may stand among the properties, the best first.
TITLE_FIELDS = (
    "title", "content_title", "video_title", "content_name", "webinar", "campaign", "content",
    "ebook", "download", "whitepaper", "asset", "email_subject", "subject", "product", "form",
    "name", "plan", "network", "list",
)  # fmt: skip


def text_of(value: Any) -> str | None:
    """A short, single-line text without addresses, or None if it isn't one. They go before it is
    cut: half an address is still somebody's.
    """
    if not isinstance(value, str):
        return None
    folded = scrubbed(" ".join(value[:READ_MAX].split()))
    return folded[:TEXT_MAX] if folded else None


def title_of(event: Event) -> str | None:
    """What the event was about: a title from its properties, else its page's title or path. The
    page of a click in a mail is where it led, not what the mail was called.
    """
    texts = (text_of(event.properties.get(field)) for field in TITLE_FIELDS)
    found = next((text for text in texts if text), None)
    if found or event.type.startswith("email_"):
        return found
    page = page_of(event)
    return text_of(page.get("title")) or text_of(page.get("path"))


def url_of(event: Event) -> str | None:
    """Where the content is: http and https only, without query and fragment (they hold tokens)."""
    for value in (event.properties.get("url"), page_of(event).get("url")):
        if found := clean_url(value):
            return found
    return None


def clean_url(value: Any) -> str | None:
    """A URL of http or https without user, query and fragment; None if it isn't one."""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return scrubbed(f"{parts.scheme}://{host}{parts.path}")[:TEXT_MAX]


def page_of(event: Event) -> dict[str, Any]:
    page = event.context.get("page")
    return page if isinstance(page, dict) else {}


def words_for(event: Event) -> str:
    """What the person did, such as: downloaded “Your Guide to a Secure Retirement”."""
    what = title_of(event)
    phrases = PHRASES.get(event.type)
    if phrases is None:
        name = event.type.replace("_", " ")[:TEXT_MAX]
        return f"{name}: “{what}”" if what else name
    return phrases[0].format(what=what) if what else phrases[1]


def day_of(at_ms: int) -> str:
    """A day as people write it: 3 May 2026."""
    at = instant(at_ms)
    return f"{at.day} {at:%B %Y}"


def day_near(at_ms: int, now_ms: int) -> str:
    """A day as people write it, without the year while it is this one: 3 May."""
    at = instant(at_ms)
    return f"{at.day} {at:%B}" if at.year == instant(now_ms).year else day_of(at_ms)
