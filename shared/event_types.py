"""The standard event types, and how names that senders use find theirs."""

from __future__ import annotations

import re
from functools import lru_cache

STANDARD_EVENT_TYPES: frozenset[str] = frozenset({
    "page_viewed", "page_left", "page_scrolled", "link_clicked", "video_watched",
    "email_delivered", "email_opened", "email_clicked", "email_replied", "email_bounced",
    "email_complained", "email_unsubscribed", "newsletter_subscribed",
    "form_submitted", "content_downloaded",
    "webinar_registered", "webinar_attended", "seminar_attended", "campaign_applied",
    "demo_requested", "sample_requested", "trial_started", "product_used", "meeting_booked",
    "social_followed", "social_engaged", "survey_answered", "referral_made",
    "cart_abandoned", "purchase_made", "subscription_renewed", "subscription_cancelled",
    "purchase_refunded", "support_contacted", "meeting_held", "call_held", "proposal_sent",
    "deal_won", "deal_lost", "sales_accepted", "sales_rejected", "lead_identified",
})  # fmt: skip

# Events that leadscore itself gives a meaning beyond points.
IDENTIFY = "lead_identified"
ALIAS = "lead_aliased"
GROUP = "lead_grouped"
# Group calls leave the id of the company in this trait; as with any, the newest stands.
GROUP_TRAIT = "group_id"
# By hand: heeded only when the source is OPERATOR, a name that no outside sender gets.
STAGE_OVERRIDDEN = "stage_overridden"
LEADS_MERGED = "leads_merged"
LEADS_UNMERGED = "leads_unmerged"
PERSON_ERASED = "person_erased"
EVENTS_JUDGED = "events_judged"
OPERATOR = "operator"
# What others do with a lead, or say of it: somebody who does nothing is silent all the same.
OTHERS_DEEDS: frozenset[str] = frozenset({
    "email_delivered", "email_bounced", "proposal_sent", "deal_won", "deal_lost",
    "sales_accepted", "sales_rejected",
    IDENTIFY, ALIAS, GROUP,
    STAGE_OVERRIDDEN, LEADS_MERGED, LEADS_UNMERGED, PERSON_ERASED, EVENTS_JUDGED,
})  # fmt: skip
_NAMED = STANDARD_EVENT_TYPES | {
    ALIAS, GROUP, STAGE_OVERRIDDEN, LEADS_MERGED, LEADS_UNMERGED, PERSON_ERASED, EVENTS_JUDGED,
}  # fmt: skip

# Of Segment's ecommerce spec, and what CRMs call it.
_OTHER_NAMES = {
    "order_completed": "purchase_made",
    "order_refunded": "purchase_refunded",
    "deal_closed_won": "deal_won",
    "deal_closed_lost": "deal_lost",
    "opportunity_won": "deal_won",
    "opportunity_lost": "deal_lost",
}

WORD_BREAK = re.compile(r"[\s\-.]+")


@lru_cache(maxsize=4096)
def event_type_named(name: str) -> str:
    """The type with a meaning that a name stands for ("Demo Requested" is demo_requested, Segment's
    "Order Completed" is purchase_made), else the name.
    """
    folded = WORD_BREAK.sub("_", name.strip()).lower()
    return folded if folded in _NAMED else _OTHER_NAMES.get(folded, name)
