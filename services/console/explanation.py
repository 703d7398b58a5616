"""The explanation of a lead's scores: pure, exact to the last digit that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from services.console.answers import CarriedLine, ComputedLine, ExplainedEntry, ExplainedModel
from services.console.reason_words import cut_by, quotes_event, reason_in_words
from services.console.ruleset_view import RulesetView
from services.scorer.core.combined import evaluate
from shared.bodies import open_body
from shared.decay import faded, score_at
from shared.envelope import Verdict, rfc3339
from shared.lead_state import ScoreState
from shared.ledger import Entry, decode_entries
from shared.ruleset.condition_words import counted

# Shown values are whole numbers of this part of a point.
PARTS_PER_POINT = 1_000_000

_NOTHING = msgspec.Raw()


class EventHead(msgspec.Struct, frozen=True):
    """The part of an event that names it; the rest is only looked at where a reason quotes it."""

    id: str
    source: str
    type: str
    verdict: Verdict = Verdict()
    properties: msgspec.Raw = _NOTHING
    traits: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    identifiers: msgspec.Raw = _NOTHING


# Stands for the event where there was none.
_BY_TIME = EventHead("", "", "time")

_heads = msgspec.json.Decoder(EventHead)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event row: body and entries as they are stored."""

    occurred_ms: int
    body: bytes
    entries: bytes | None


@dataclass(frozen=True, slots=True)
class TimeGiven:
    """What time gave or took at one instant, as it is stored."""

    at_ms: int
    entries: bytes


@dataclass(frozen=True, slots=True)
class Untold:
    """What of a lead's history is not told one by one: points by model, faded to the instant.

    later: of what came after the entries told; missing means none · whole: of all there is, told
    or not, None where nothing came before the entries told.
    """

    later: Mapping[str, float] = field(default_factory=dict)
    whole: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class CarriedForward:
    """What is left of an original lead's deleted events. points: by model."""

    lead_id: UUID
    events: int
    until_ms: int
    ruleset_version: int
    points: Mapping[str, float]
    state: ScoreState

    def worth(self, model: str, at_ms: int) -> float:
        """At an instant."""
        known = self.state.models.get(model)
        return score_at(known, at_ms) if known is not None else 0.0


@dataclass(slots=True)
class _Ledger:
    """The entries of one model on the way to being shown. `exact` and `shown` are running sums."""

    exact: float
    shown: int
    entries: list[ExplainedEntry]
    earlier: int = 0
    later: int = 0
    carried: list[CarriedLine] = field(default_factory=list)


def explain(
    ruleset: RulesetView,
    events: Iterable[StoredEvent],
    at_ms: int,
    by_time: Iterable[TimeGiven] = (),
    untold: Untold | None = None,
    carried: Iterable[CarriedForward] = (),
) -> dict[str, ExplainedModel]:
    """Scores by model with what they consist of, oldest first; nothing after `at_ms` is told.

    Every model of the ruleset is there. Rounding follows the running sum, so each value is within
    a millionth of the true one and the values add up to the score exactly.
    Raises UnknownRuleError if an entry's rule isn't in the ruleset, ZstdError for a broken body.
    """
    ledgers = {model: _Ledger(0.0, 0, []) for model in ruleset.models}
    for one in carried:
        _add_carried(ledgers, one, at_ms)
    for granted_ms, head, entries in _in_order(events, by_time):
        if granted_ms > at_ms:
            continue
        occurred_at = rfc3339(granted_ms)
        quoted = any(quotes_event(ruleset.rule(entry.rule).say) for entry in entries)
        told = _told(head) if quoted else {"type": head.type}
        for entry in sorted(entries, key=lambda entry: ruleset.rule(entry.rule).name):
            rule = ruleset.rule(entry.rule)
            ledger = ledgers[rule.model]
            cut = cut_by(rule.bounds, entry, head.verdict.why)
            ledger.exact += faded(entry.points, granted_ms, at_ms, rule.fades, rule.length_ms)
            shown = round(ledger.exact * PARTS_PER_POINT)
            ledger.entries.append(
                ExplainedEntry(
                    event_id=head.id or None,
                    source=head.source or None,
                    type=head.type,
                    rule=rule.name,
                    rule_number=entry.rule,
                    points=entry.points,
                    raw=entry.raw,
                    clipped=entry.clipped,
                    cut_by=cut,
                    value_now=(shown - ledger.shown) / PARTS_PER_POINT,
                    occurred_at=occurred_at,
                    ruleset_version=ruleset.version,
                    reason=reason_in_words(rule.say, told, entry, cut),
                )
            )
            ledger.shown = shown
    if untold is not None:
        for model, ledger in ledgers.items():
            _add_untold(ledger, untold.later.get(model, 0.0), untold.whole, model)
    exact = {model: ledger.exact for model, ledger in ledgers.items()}
    return {model: _explained(ruleset, model, ledgers[model], exact) for model in ledgers}


def _add_carried(ledgers: Mapping[str, _Ledger], one: CarriedForward, at_ms: int) -> None:
    for model, ledger in ledgers.items():
        if model not in one.state.models:
            continue
        ledger.exact += one.worth(model, at_ms)
        shown = round(ledger.exact * PARTS_PER_POINT)
        ledger.carried.append(
            CarriedLine(
                line=f"carried forward: {counted(one.events, 'event')} up to"
                f" {rfc3339(one.until_ms)[:10]}, {one.points.get(model, 0.0):g} points under"
                f" ruleset {one.ruleset_version}",
                lead_id=one.lead_id,
                events=one.events,
                until=rfc3339(one.until_ms),
                points=one.points.get(model, 0.0),
                ruleset_version=one.ruleset_version,
                value_now=(shown - ledger.shown) / PARTS_PER_POINT,
            )
        )
        ledger.shown = shown


def _add_untold(
    ledger: _Ledger, later: float, whole: Mapping[str, float] | None, model: str
) -> None:
    """The lines for what came after the entries told, and for the rest, which came before."""
    told = ledger.shown
    ledger.exact += later
    ledger.shown = round(ledger.exact * PARTS_PER_POINT)
    ledger.later = ledger.shown - told
    if whole is not None:
        after = ledger.shown
        ledger.exact = whole[model]
        ledger.shown = round(ledger.exact * PARTS_PER_POINT)
        ledger.earlier = ledger.shown - after


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
        earlier=ledger.earlier / PARTS_PER_POINT,
        later=ledger.later / PARTS_PER_POINT,
        carried=ledger.carried,
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
        if event.entries is not None
    ]
    read.sort(key=lambda each: (each[0], each[1].source, each[1].id))
    return read
