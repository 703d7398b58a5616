"""What a person did, told as one would: deeds of one kind in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.router.content import kind_of
from services.router.reasons import NEVER_FADES, Earned
from services.router.ruleset_words import RulesetWords
from services.router.wording import day_near, title_of, words_for
from shared.decay import faded
from shared.envelope import Event, milliseconds
from shared.event_types import OPERATOR

STORY_MAX: Final = 6
TITLES_MAX: Final = 2  # that one sentence quotes
TITLE_MAX: Final = 80  # characters
SENTENCE_MAX: Final = 300
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

# What isn't theirs: it was done to them, or by us.
NOT_THEIRS: Final = frozenset(("email_delivered", "email_bounced", "proposal_sent"))

# Kind of content, or event type → what several of its deeds are called.
SEVERAL: Final[dict[str, str]] = {
    "article": "read {n} articles",
    "download": "downloaded {n} guides or papers",
    "video": "watched {n} videos",
    "webinar_registered": "registered for {n} webinars",
    "webinar_attended": "attended {n} webinars",
    "seminar_attended": "attended {n} seminars",
    "page_viewed": "viewed {n} pages",
    "page_left": "read {n} pages",
    "link_clicked": "followed {n} links",
    "email_opened": "opened {n} emails",
    "email_clicked": "clicked links in {n} emails",
    "email_replied": "replied to {n} emails",
    "form_submitted": "filled in {n} forms",
    "campaign_applied": "applied for {n} campaigns",
    "demo_requested": "asked for {n} demos",
    "sample_requested": "asked for {n} samples",
    "product_used": "used {n} parts of the product",
    "social_engaged": "reacted to {n} posts",
    "survey_answered": "answered {n} surveys",
    "cart_abandoned": "left {n} carts",
    "purchase_made": "bought {n} things",
    "support_contacted": "contacted support about {n} things",
}


@dataclass(slots=True)
class _Group:
    """Deeds of one kind. titles: what they were about, the newest first, with how often."""

    newest: Event
    value: float = 0.0
    times: int = 0
    untitled: int = 0
    titles: dict[str, int] = field(default_factory=dict)


def story_of(
    deeds: Sequence[Earned], words: RulesetWords, now_ms: int, most: int = STORY_MAX
) -> list[str]:
    """Sentences without a subject: what is worth most now comes first, then the newest.

    deeds: the newest first.
    """
    groups: dict[str, _Group] = {}
    for deed in deeds:
        event = deed.event
        if not is_theirs(event):
            continue
        group = groups.setdefault(_kind(event), _Group(event))
        group.value += _worth(deed, words, now_ms)
        title = title_of(event)
        if title:
            group.titles[title] = group.titles.get(title, 0)
        if event.type == "page_left":  # the end of a visit that was counted as it began
            continue
        group.times += 1
        if title:
            group.titles[title] += 1
        else:
            group.untitled += 1
    weighed = sorted(groups.items(), key=lambda item: -item[1].value)  # stable: else the newest
    return [_sentence(kind, group, now_ms) for kind, group in weighed[:most]]


def is_theirs(event: Event) -> bool:
    """Did the person do it, and not a robot, or we?"""
    return (
        event.source != OPERATOR
        and event.verdict.judgement != "bot"
        and event.type not in NOT_THEIRS
    )


def _kind(event: Event) -> str:
    found = kind_of(event)
    return event.type if found is None or found == "webinar" else found


def _worth(deed: Earned, words: RulesetWords, now_ms: int) -> float:
    at_ms = milliseconds(deed.event.occurred_at)
    return sum(
        faded(points, at_ms, now_ms, *words.fading.get(rule, NEVER_FADES))
        for rule, points in deed.entries
    )


def _sentence(kind: str, group: _Group, now_ms: int) -> str:
    day = day_near(milliseconds(group.newest.occurred_at), now_ms)
    several = SEVERAL.get(kind)
    if len(group.titles) + bool(group.untitled) < 2 or several is None:
        told = words_for(group.newest)
        if kind == "article" and group.titles:
            told = f"read “{next(iter(group.titles))}”"
        if group.times > 1:
            return _cut(f"{told}, {_often(group.times)}, the last on {day}")
        return _cut(f"{told} on {day}")
    count = len(group.titles) + group.untitled
    named = [f"“{_short(title)}”{_again(n)}" for title, n in group.titles.items()][:TITLES_MAX]
    rest = count - len(named)
    listed = " and ".join(named) if not rest else f"{', '.join(named)} and {rest} more"
    return _cut(f"{several.format(n=_count(count))}: {listed}, the last on {day}")


def _short(title: str) -> str:
    return title if len(title) <= TITLE_MAX else title[: TITLE_MAX - 1] + "…"


def _again(times: int) -> str:
    return f" ({_often(times)})" if times > 1 else ""


def _often(times: int) -> str:
    return "twice" if times == 2 else f"{_count(times)} times"


def _count(number: int) -> str:
    return _COUNTS[number] if number < len(_COUNTS) else str(number)


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= SENTENCE_MAX else sentence[: SENTENCE_MAX - 1] + "…"
