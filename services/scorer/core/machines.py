"""Openings and clicks that turn out to be a machine's, by what else happened to the mail. Pure.

Each is decided by what lies within a minute of it, so a lead's state remembers a minute only:

- a trap of the mail was followed within a minute before or after;
- it is one of several different links of the mail, clicked within seconds;
- it is a click within seconds of the delivery, before any opening.

An operator's word (`events_judged`) on what was before it stands above all of it, and above what
ingest said; the last word counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Final

import msgspec

from shared.envelope import EPOCH, Event, Verdict
from shared.event_types import EVENTS_JUDGED, OPERATOR
from shared.lead_state import Mail, ScoreState
from shared.ruleset.signals import Machines

NEAR_MS: Final = 60_000
# A minute of an honest reader has a handful; of a scanner's, any so many show what it is.
KEPT: Final = 64
RETRACTED: Final = "retracted: "
DELIVERED, OPENED, CLICKED, TRAP = range(4)
KINDS: Final = {
    "email_delivered": DELIVERED,
    "email_opened": OPENED,
    "email_clicked": CLICKED,
    "email_link_trap": TRAP,
}
# Types that may show that a machine was at work, or wasn't.
MACHINES_TELLING: Final = frozenset({*KINDS, EVENTS_JUDGED})
# What operators said: by an event (source, id) or a mail's id, where in the line, and what.
_Said = dict[object, tuple[int, Verdict]]
_MILLISECOND = timedelta(milliseconds=1)


def mail_of(event: Event) -> Mail | None:
    """(at_ms, kind, message, url) of an event that tells of a mail by its id; else None. Openings
    by machines tell nothing: proxies open everything.
    """
    kind = KINDS.get(event.type)
    message = event.properties.get("message_id") if kind is not None else None
    if kind is None or not isinstance(message, str) or not message:
        return None
    if kind == OPENED and event.verdict.judgement == "bot":
        return None
    url = event.properties.get("url")
    at_ms = (event.occurred_at - EPOCH) // _MILLISECOND
    return at_ms, kind, _hash(message), _hash(url) if isinstance(url, str) else 0


def remember(state: ScoreState, mail: Mail) -> None:
    """Keep what happened to mails in the last minute. Events come in order."""
    since = mail[0] - NEAR_MS
    near = [one for one in state.mails if one[0] >= since]
    state.mails = [*near[1 - KEPT :], mail]


def reasons(limits: Machines, mails: Sequence[Mail]) -> list[str]:
    """Why each of these, in order of time, is a machine's; "" for those that may be a person's."""
    by_message: dict[int, list[int]] = {}
    for place, mail in enumerate(mails):
        by_message.setdefault(mail[2], []).append(place)
    found = [""] * len(mails)
    for places in by_message.values():
        if len(places) > 1:
            of_mail = [mails[place] for place in places]
            for place, why in zip(places, _of_one_mail(limits, of_mail), strict=True):
                found[place] = why
    return found


def _of_one_mail(limits: Machines, mails: Sequence[Mail]) -> list[str]:
    traps = [at_ms for at_ms, kind, _, _ in mails if kind == TRAP]
    clicks = [(at_ms, url) for at_ms, kind, _, url in mails if kind == CLICKED and url]
    found = []
    for at_ms, kind, _, url in mails:
        why = ""
        if kind in (OPENED, CLICKED):
            if any(abs(trap - at_ms) <= NEAR_MS for trap in traps):
                why = "a link that people don't see was followed, too"
            elif kind == CLICKED and url and _in_burst(limits, clicks, at_ms):
                why = f"{limits.links} links of one mail within {limits.within / 1000:g} s"
            elif kind == CLICKED and _at_delivery(limits, mails, at_ms):
                why = f"clicked within {limits.after_delivery / 1000:g} s of the delivery"
        found.append(why)
    return found


def _in_burst(limits: Machines, clicks: Sequence[tuple[int, int]], at_ms: int) -> bool:
    """Is it among so many different links within the time?"""
    near = [one for one in clicks if abs(one[0] - at_ms) <= limits.within]
    for first_ms, _ in near:
        if first_ms <= at_ms <= first_ms + limits.within:
            urls = {url for ms, url in near if first_ms <= ms <= first_ms + limits.within}
            if len(urls) >= limits.links:
                return True
    return False


def _at_delivery(limits: Machines, mails: Sequence[Mail], at_ms: int) -> bool:
    """Was it delivered just before, and not opened since?"""
    delivered = [
        ms for ms, kind, _, _ in mails
        if kind == DELIVERED and 0 <= at_ms - ms <= limits.after_delivery
    ]  # fmt: skip
    if not delivered:
        return False
    since = max(delivered)
    return not any(kind == OPENED and since <= ms <= at_ms for ms, kind, _, _ in mails)


def judged(limits: Machines | None, state: ScoreState, events: Sequence[Event]) -> Sequence[Event]:
    """The events, sorted by position and newer than the state, each with the verdict that all of
    them together give it. limits: None where only an operator's word counts.
    """
    if not any(event.type in MACHINES_TELLING for event in events):
        return events
    found: dict[int, str] = {}
    if limits is not None:
        mails = [(place, mail) for place, event in enumerate(events) if (mail := mail_of(event))]
        before = len(state.mails)
        line = [*state.mails, *(mail for _, mail in mails)]
        for (place, _), why in zip(mails, reasons(limits, line)[before:], strict=True):
            if why:
                found[place] = RETRACTED + why
    # From the last to the first: what is said holds for what was before it, the last word first.
    said: _Said = {}
    judged: list[Event] = []
    for place in range(len(events) - 1, -1, -1):
        event = events[place]
        judged.append(_with_verdict(event, found.get(place, ""), said))
        if event.type == EVENTS_JUDGED and event.source == OPERATOR:
            said = {**_word(event, place), **said}
    judged.reverse()
    return judged


def _with_verdict(event: Event, why: str, said: _Said) -> Event:
    if said and event.type != EVENTS_JUDGED:
        words = [said.get((event.source, event.id))]
        message = event.properties.get("message_id")
        if event.type in KINDS and isinstance(message, str):
            words.append(said.get(message))
        _, verdict = max((one for one in words if one), key=itemgetter(0), default=(-1, None))
        if verdict is not None:
            return _changed(event, verdict)
    if why and event.verdict.judgement == "unknown":
        return _changed(event, Verdict("bot", why))
    return event


def _changed(event: Event, verdict: Verdict) -> Event:
    return msgspec.structs.replace(event, verdict=verdict)


def _word(event: Event, place: int) -> _Said:
    """An operator's word, by the events (source, id) or the mail (its id) that it names."""
    human = event.properties.get("verdict") == "human"
    verdict = Verdict("human", "by hand") if human else Verdict("bot", f"{RETRACTED}by hand")
    said: _Said = {}
    named = event.properties.get("events")
    for one in named if isinstance(named, list) else ():
        if isinstance(one, list) and len(one) == 2:
            said[str(one[0]), str(one[1])] = (place, verdict)
    message = event.properties.get("message_id")
    if isinstance(message, str) and message:
        said[message] = (place, verdict)
    return said


def judged_again_from(
    limits: Machines | None, state: ScoreState, events: Sequence[Event]
) -> int | None:
    """From when on a lead must be folded again, because these events, all newer than its state, are
    a machine's or show that others were; None if they can simply be added.
    """
    since: list[int] = []
    for event in events:
        if event.type == EVENTS_JUDGED and event.source == OPERATOR:
            given = event.properties.get("from_ms")
            since.append(given if isinstance(given, int) and given >= 0 else 0)
    mails = [mail for event in events if (mail := mail_of(event)) is not None]
    if mails and limits is not None:
        before = reasons(limits, state.mails)
        after = reasons(limits, [*state.mails, *mails])
        for place, mail in enumerate([*state.mails, *mails]):
            # Another reason, too: the entry that takes the points back says why.
            if after[place] != (before[place] if place < len(before) else ""):
                since.append(mail[0] - NEAR_MS)
    return max(min(since), 0) if since else None


@lru_cache(maxsize=16_384)
def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=6).digest(), "big")
