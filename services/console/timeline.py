"""A lead's timeline: what it did, newest first, and what that earned. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from services.console.answers import EarnedPoints, TimelineEvent
from services.console.explanation import StoredEvent
from services.console.reason_words import cut_by, reason_in_words
from services.console.ruleset_view import RulesetView
from shared.bodies import open_body
from shared.envelope import decode_event, milliseconds, rfc3339
from shared.ledger import Entry, decode_entries


def show_timeline(ruleset: RulesetView, events: Iterable[StoredEvent]) -> list[TimelineEvent]:
    """Events in the order given. Raises UnknownRuleError, or ZstdError for a broken body."""
    return [_show(ruleset, stored) for stored in events]


def _show(ruleset: RulesetView, stored: StoredEvent) -> TimelineEvent:
    event = decode_event(open_body(stored.body))
    told = msgspec.to_builtins(event)
    why = event.verdict.why
    earned = [_earned(ruleset, told, entry, why) for entry in decode_entries(stored.entries)]
    points: dict[str, float] = {}
    for each in earned:
        points[each.model] = points.get(each.model, 0.0) + each.points
    return TimelineEvent(
        event_id=event.id,
        source=event.source,
        type=event.type,
        occurred_at=rfc3339(stored.occurred_ms),
        received_at=rfc3339(milliseconds(event.received_at)),
        judgement=event.verdict.judgement,
        bot=event.verdict.judgement == "bot",
        why=why,
        page=event.context.get("page"),
        campaign=event.context.get("campaign"),
        inflow=event.context.get("inflow"),
        properties=event.properties,
        traits=event.traits,
        points=points,
        earned=earned,
    )


def _earned(ruleset: RulesetView, told: dict[str, Any], entry: Entry, why: str) -> EarnedPoints:
    rule = ruleset.rule(entry.rule)
    cut = cut_by(rule.bounds, entry, why)
    return EarnedPoints(
        model=rule.model,
        rule=rule.name,
        rule_number=entry.rule,
        points=entry.points,
        raw=entry.raw,
        clipped=entry.clipped,
        cut_by=cut,
        reason=reason_in_words(rule.say, told, entry, cut),
    )
