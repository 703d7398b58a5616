"""The explanation of a lead's scores: pure, exact to the last digit that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.console.answers import ComputedLine, ExplainedEntry, ExplainedModel, OlderEntries
from services.console.reason_words import quotes_event, reason_in_words
from services.console.ruleset_view import RulesetView
from services.scorer.core.combined import evaluate
from shared.bodies import open_body
from shared.decay import faded
from shared.envelope import rfc3339
from shared.ledger import Entry, decode_entries

# Shown values are whole numbers of this part of a point.
PARTS_PER_POINT = 1_000_000

_NOTHING = msgspec.Raw()


class EventHead(msgspec.Struct, frozen=True):
    """The part of an event that names it; the rest is only looked at where a reason quotes it."""

    id: str
    source: str
    type: str
    properties: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    identifiers: msgspec.Raw = _NOTHING


# Stands for the event where there was none.
_BY_TIME = EventHead("", "", "time")

_heads = msgspec.json.Decoder(EventHead)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event row: body and entries as they are stored. Without a body it is not told one by one,
    but added up with others; those with one are the newest.
    """

    occurred_ms: int
    body: bytes | None
    entries: bytes | None


@dataclass(frozen=True, slots=True)
class TimeGiven:
    """What time gave or took at one instant, as it is stored."""

    at_ms: int
    entries: bytes


@dataclass(slots=True)
class _Ledger:
    """The entries of one model on the way to being shown. `exact` and `shown` are running sums."""

    exact: float
    shown: int
    entries: list[ExplainedEntry]
    older: list[OlderEntries]


def explain(
    ruleset: RulesetView,
    events: Iterable[StoredEvent],
    at_ms: int,
    by_time: Iterable[TimeGiven] = (),
) -> dict[str, ExplainedModel]:
    """Scores by model with what they consist of, oldest first; nothing after `at_ms` is told.

    Every model of the ruleset is there. Rounding follows the running sum, so each value is within
    a millionth of the true one and the values add up to the score exactly.
    Raises UnknownRuleError if an entry's rule isn't in the ruleset, ZstdError for a broken body.
    """
    ledgers = {model: _Ledger(0.0, 0, [], []) for model in ruleset.models}
    older, told_events, told_times = _parted(events, by_time)
    _add_older(ruleset, ledgers, older, at_ms)
    for granted_ms, head, entries in _in_order(told_events, told_times):
        if granted_ms > at_ms:
            continue
        occurred_at = rfc3339(granted_ms)
        quoted = any(quotes_event(ruleset.rule(entry.rule).say) for entry in entries)
        told = _told(head) if quoted else {"type": head.type}
        for entry in sorted(entries, key=lambda entry: ruleset.rule(entry.rule).name):
            rule = ruleset.rule(entry.rule)
            ledger = ledgers[rule.model]
            ledger.exact += faded(entry.points, granted_ms, at_ms, rule.fades, rule.length_ms)
            shown = round(ledger.exact * PARTS_PER_POINT)
            ledger.entries.append(
                ExplainedEntry(
                    event_id=head.id or None,
                    source=head.source or None,
                    type=head.type,
                    rule=rule.name,
                    points=entry.points,
                    raw=entry.raw,
                    clipped=entry.clipped,
                    value_now=(shown - ledger.shown) / PARTS_PER_POINT,
                    occurred_at=occurred_at,
                    ruleset_version=ruleset.version,
                    reason=reason_in_words(rule.say, told, entry),
                )
            )
            ledger.shown = shown
    exact = {model: ledger.exact for model, ledger in ledgers.items()}
    return {model: _explained(ruleset, model, ledgers[model], exact) for model in ledgers}


def _parted(
    events: Iterable[StoredEvent], by_time: Iterable[TimeGiven]
) -> tuple[list[tuple[int, bytes]], list[StoredEvent], list[TimeGiven]]:
    """What is only added up, as (instant, entries); then what is told one by one."""
    older, told = [], []
    for event in events:
        if event.entries is None:
            continue
        if event.body is None:
            older.append((event.occurred_ms, event.entries))
        else:
            told.append(event)
    if not older:
        return [], told, list(by_time)
    from_ms = min((event.occurred_ms for event in told), default=0)
    times = list(by_time)
    older += [(one.at_ms, one.entries) for one in times if one.at_ms < from_ms]
    return older, told, [one for one in times if one.at_ms >= from_ms]


def _add_older(
    ruleset: RulesetView,
    ledgers: Mapping[str, _Ledger],
    older: Iterable[tuple[int, bytes]],
    at_ms: int,
) -> None:
    """One line a rule, in the order of their names."""
    sums: dict[int, list[float]] = {}
    for granted_ms, stored in older:
        if granted_ms > at_ms:
            continue
        for entry in decode_entries(stored):
            total = sums.setdefault(entry.rule, [0, 0.0, 0.0])
            total[0] += 1
            if entry.points:
                rule = ruleset.rule(entry.rule)
                total[1] += entry.points
                total[2] += faded(entry.points, granted_ms, at_ms, rule.fades, rule.length_ms)
    for number in sorted(sums, key=lambda number: ruleset.rule(number).name):
        rule, (count, points, value) = ruleset.rule(number), sums[number]
        ledger = ledgers[rule.model]
        ledger.exact += value
        shown = round(ledger.exact * PARTS_PER_POINT)
        ledger.older.append(
            OlderEntries(
                rule=rule.name,
                entries=int(count),
                points=points,
                value_now=(shown - ledger.shown) / PARTS_PER_POINT,
            )
        )
        ledger.shown = shown


def _explained(
    ruleset: RulesetView, model: str, ledger: _Ledger, exact: Mapping[str, float]
) -> ExplainedModel:
    """A model's lines, and the score that they add up to."""
    shown = ruleset.core.scores[model]
    value, parts, lines = exact[model], ledger.shown, []
    if shown.formula is not None:
        value = evaluate(shown.formula, lambda member: _bounded(ruleset, member, exact[member]))
        parts = round(value * PARTS_PER_POINT)
        lines.append(ComputedLine(line="formula", value=parts / PARTS_PER_POINT))
    score = round(_bounded(ruleset, model, value) * PARTS_PER_POINT)
    if score != parts:
        bound = "cap" if score < parts else "floor"
        lines.append(ComputedLine(line=bound, value=(score - parts) / PARTS_PER_POINT))
    return ExplainedModel(
        score=score / PARTS_PER_POINT,
        entries=ledger.entries,
        older=ledger.older,
        computed=lines,
        members={
            member: round(_bounded(ruleset, member, exact[member]) * PARTS_PER_POINT)
            / PARTS_PER_POINT
            for member in shown.members
        },
    )


def _bounded(ruleset: RulesetView, model: str, value: float) -> float:
    shown = ruleset.core.scores[model]
    return value if shown.plain else min(shown.cap, max(shown.floor, value))


def models_that_differ(
    explained: Mapping[str, ExplainedModel], stored: Mapping[str, float]
) -> list[str]:
    """Models whose explained score is not the stored one, by more than rounding."""
    return [
        model
        for model in sorted({*explained, *stored})
        if abs((explained[model].score if model in explained else 0.0) - stored.get(model, 0.0))
        > 2 / PARTS_PER_POINT
    ]


def _told(head: EventHead) -> dict[str, Any]:
    """The parts of the event that a wording may quote."""
    quotable = {
        name: msgspec.json.decode(raw)
        for name in ("properties", "traits", "context", "identifiers")
        if (raw := getattr(head, name))
    }
    return {"id": head.id, "source": head.source, "type": head.type, **quotable}


def _in_order(
    events: Iterable[StoredEvent], by_time: Iterable[TimeGiven]
) -> list[tuple[int, EventHead, list[Entry]]]:
    """What earned something, in the order of granting: by instant, at the same ms what time
    brought first, then events by source and id.
    """
    read = [(one.at_ms, _BY_TIME, decode_entries(one.entries)) for one in by_time]
    read += [
        (event.occurred_ms, _heads.decode(open_body(event.body)), decode_entries(event.entries))
        for event in events
        if event.entries is not None and event.body is not None
    ]
    read.sort(key=lambda each: (each[0], each[1].source, each[1].id))
    return read
