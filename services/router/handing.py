"""Hand-offs as they are kept: made from what was published, or from why it wasn't. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from services.router.decide import HANDOFF, message_id, place_of
from services.router.facts import Announcement, AnyFact, Fact, LeadMerged, LeadUnmerged
from services.router.kept_handoffs import Kept
from services.router.ruleset_words import RulesetWords
from services.scorer.core.compiled import Names
from shared.handoff_states import State
from shared.ruleset.sales import Sales
from shared.working_time import WorkingTime

RULES_MAX = 20


def kept_of(fact: AnyFact, data: bytes | None, words: RulesetWords, now_ms: int) -> Kept | None:
    """The hand-off of a fact, None where it has none. data: the packet's, None where it wasn't
    sent.
    """
    if isinstance(fact, Announcement | LeadMerged | LeadUnmerged) or fact.handoff is None:
        return None
    if fact.merged_into is not None:
        return None
    status: State = _held(fact) if data is None else "open" if fact.handoff == "sales" else "told"
    packet: dict[str, Any] = {} if data is None else msgspec.json.decode(data)
    reasons = packet.get("reasons") or [{"rule": one.rule} for one in fact.reasons]
    due_ms: int | None = None
    clock: list[tuple[str, int]] = []
    if status == "open":
        due_ms, clock = clock_of(words.sales, now_ms)
    return Kept(
        id=handoff_id_of(fact),
        lead_id=fact.lead_id,
        kind=fact.handoff,
        journey=fact.journey,
        stage=fact.to_stage,
        episode=fact.episode,
        seq=fact.seq,
        version=fact.ruleset_version,
        at_ms=now_ms,
        status=status,
        owner=packet.get("owner"),
        bands=bands_of(words, fact.scores),
        grade=packet.get("grade"),
        source=source_of(packet.get("inflow")),
        rules=list(dict.fromkeys(str(one["rule"]) for one in reasons))[:RULES_MAX],
        due_ms=due_ms,
        clock=clock,
        clock_ms=clock[0][1] if clock else None,
        fact=fact if status == "withheld" else None,
    )


def handoff_id_of(fact: Fact) -> UUID:
    """Of the hand-off that a fact makes, which is the id of its message."""
    return message_id(fact.lead_id, place_of(fact), HANDOFF[fact.handoff or "sales"])


def _held(fact: Fact) -> State:
    """Why it wasn't sent; what neither waits nor is withheld was suppressed when it was made."""
    if fact.withheld:
        return "withheld"
    return "waiting" if fact.waiting and not fact.suppressed else "suppressed"


def clock_of(sales: Sales, now_ms: int) -> tuple[int | None, list[tuple[str, int]]]:
    """By when it is to be accepted, and what happens if it isn't: (level, when)."""
    clock = sales.clock
    if clock is None:
        return None, []
    working = WorkingTime(sales.hours, frozenset(sales.holidays))
    lengths = {
        "reminder": clock.remind,
        "overdue": clock.accept_within,
        "escalation": clock.escalate,
        "reassign": clock.reassign,
    }
    found: list[tuple[str, int]] = []
    for level, length in lengths.items():
        # Working time may end for good (holidays of all days): then it never strikes.
        with contextlib.suppress(ValueError):
            if length is not None:
                found.append((level, working.after(now_ms, length)))
    found.sort(key=lambda one: one[1])
    return dict(found).get("overdue"), found


def bands_of(words: RulesetWords, scores: Mapping[str, float]) -> dict[str, str]:
    """The name of each score that has bands."""
    bands = words.core.bands if words.core is not None else {}
    return {model: _band(names, scores.get(model, 0.0)) for model, names in bands.items()}


def _band(names: Names, score: float) -> str:
    return next(name for least, name in names if score >= least)


def source_of(inflow: Any) -> str:
    """How the person came, in a word: for reports."""
    if not isinstance(inflow, dict):
        return ""
    found = inflow.get("channel") or inflow.get("class") or inflow.get("source") or ""
    return found[:100] if isinstance(found, str) else ""
