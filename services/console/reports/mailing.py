"""What people said of the mails they got: by the step before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A step that went out."""

    lead: str
    sequence: str
    step: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Said:
    """An unsubscribe or a complaint. of: (sequence, step) where the mail tool said of which."""

    at_ms: int
    type: str
    of: tuple[str, str] | None = None


@dataclass(slots=True)
class Tally:
    sent: int = 0
    unsubscribed: int = 0
    complained: int = 0


def tallies(sent: Iterable[Sent], said: Mapping[str, Said]) -> dict[tuple[str, str], Tally]:
    """By (sequence, step). A word counts for the step it names; else for the last one that the
    lead got before it, if that was within a week. said: by lead.
    """
    found: dict[tuple[str, str], Tally] = {}
    by_lead: dict[str, list[Sent]] = {}
    for each in sent:
        found.setdefault((each.sequence, each.step), Tally()).sent += 1
        by_lead.setdefault(each.lead, []).append(each)
    for lead, word in said.items():
        place = word.of if word.of in found else _last_before(by_lead.get(lead, ()), word.at_ms)
        if place is None:
            continue
        tally = found[place]
        if word.type == "email_complained":
            tally.complained += 1
        elif word.type == "email_unsubscribed":
            tally.unsubscribed += 1
    return found


def _last_before(steps: Sequence[Sent], at_ms: int) -> tuple[str, str] | None:
    before = [each for each in steps if at_ms - WEEK_MS <= each.at_ms < at_ms]
    last = max(before, key=lambda each: each.at_ms, default=None)
    return None if last is None else (last.sequence, last.step)
