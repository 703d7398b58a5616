"""The hand-off packet: what the receiver needs to act on a lead. Pure: rows in, model out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from services.router.belonging import NOWHERE, Belonging
from services.router.content import content_of
from services.router.facts import Fact
from services.router.inflow import inflow_of
from services.router.interests import interests_of, names_of
from services.router.messages import Action, HandOff, NextStep, PercentileOf, Reason
from services.router.percentiles import Drawn
from services.router.permission import FORBIDS, LIFTS, consent_of, suppression_of
from services.router.reasons import Earned, Given, strongest
from services.router.ruleset_words import RulesetWords
from services.router.sales_said import sales_said
from services.router.scrubbing import swept
from services.router.since_last import Moved, since_last
from services.router.stage_told import row_told, stage_told
from services.router.story import story_of
from services.router.summary import summary_of
from services.router.who import CONTENT_TRAITS, ID_MAX, TRAITS, least_of, who_is
from services.router.wording import text_of, title_of, url_of, words_for
from shared.envelope import Event, milliseconds, rfc3339
from shared.event_types import OPERATOR
from shared.facts import Cause
from shared.facts import Reason as FactReason
from shared.identity import Identifier
from shared.lead_state import JourneyState, ScoreState

__all__ = [
    "ACTIONS_MAX", "CONTENT_TRAITS", "FORBIDS", "LIFTS", "PACKET_MAX_BYTES", "TRAITS", "Company",
    "Lead", "Waited", "build_packet", "reasons_of", "rounded",
]  # fmt: skip

ACTIONS_MAX = 10
WHAT_CHANGED_MAX = 20
SCORES_MAX = 50
NAME_MAX = 200  # characters of a name that a ruleset gives
PACKET_MAX_BYTES = 20_000

# What goes first where a packet is too large, lists and their like being halved; then the rest.
_CUT_FIRST: Final = ("content", "what_changed", "reasons", "last_actions", "interest_details")
_CUT_NEXT: Final = (
    "story", "interests", "segments", "merged_from", "scores", "bands", "account_scores", "inflow",
    "inflow_last", "account",
)  # fmt: skip
_DROPPED: Final[dict[str, Any]] = {
    "since_last": None, "sales_said": None, "next_step": None, "next": None, "summary": "",
    "persona": None, "links": {}, "percentile_of": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """The account that a lead belongs to. key: group:ID or domain:NAME · stage: "" for none."""

    key: str
    members: int
    scores: Mapping[str, float]
    stage: str
    stage_since_ms: int


@dataclass(frozen=True, slots=True)
class Lead:
    """What is stored of a lead at the moment of a hand-off.

    state: its scores, under ruleset_version · events: the newest first, none after the change ·
    by_time: what time gave or took since the oldest of them, likewise · marks: event type → the
    newest time it happened, over the whole history, for what forbids writing · merged_from: leads
    that are part of it, the newest merge first · oldest: its first events, the oldest first, where
    `events` doesn't go back to them · moves: its newest stage changes, the newest first · stage: of
    the journey main, now.
    """

    known: bool
    state: ScoreState
    identifiers: tuple[Identifier, ...]
    events: tuple[Earned, ...]
    by_time: tuple[Given, ...] = ()
    marks: dict[str, int] = field(default_factory=dict)
    ruleset_version: int = 0
    merged_from: tuple[str, ...] = ()
    stage: str = ""
    oldest: tuple[Event, ...] = ()
    moves: tuple[Moved, ...] = ()
    journeys: tuple[JourneyState, ...] = ()
    company: Company | None = None


@dataclass(frozen=True, slots=True)
class Waited:
    """The stage change that a released hand-off waited from, while the lead was unknown."""

    from_stage: str
    at_ms: int
    cause: Cause
    reasons: tuple[FactReason, ...]


def build_packet(
    fact: Fact,
    lead: Lead,
    words: RulesetWords,
    public_url: str,
    waited: Waited | None = None,
    belonging: Belonging = NOWHERE,
    drawn: Drawn | None = None,
    next_step: NextStep | None = None,
    owner: str | None = None,
) -> HandOff:
    """The packet for one hand-off.

    words: of the ruleset the change was made under · public_url: where the console's API is
    reached, "" for no link · waited: for a released hand-off, whose fact tells of the release ·
    belonging: the lead's persona, segments and grade, and what it allows · drawn: leads to compare
    it with · next_step: see nearest.py · owner: whose it is.
    Bounded by counts and lengths; should it still pass PACKET_MAX_BYTES, the least telling parts
    go first. No text but identifiers holds an address: see scrubbing.py.
    """
    change = waited or fact
    receiver = fact.handoff or "sales"
    who = who_is(lead.known, lead.identifiers, lead.state.traits, receiver)
    entered = change.from_stage, change.at_ms, change.cause
    stage = stage_told(fact, lead.journeys, lead.moves, words, entered)
    events = [earned.event for earned in lead.events]
    story = story_of(lead.events, words, fact.at_ms)
    last = since_last(lead.moves, lead.events, fact.scores, words, fact.seq, fact.at_ms)
    interests = interests_of(events, fact.at_ms)
    base = public_url.rstrip("/")
    packet = HandOff(
        lead_id=fact.lead_id,
        sequence=fact.seq,
        handoff=receiver,
        at=rfc3339(fact.at_ms),
        who=who,
        stage=stage,
        scores=rounded(dict(list(fact.scores.items())[:SCORES_MAX])),
        persona=belonging.persona,
        segments=list(belonging.segments),
        grade=belonging.grade,
        bands=dict(list(belonging.bands.items())[:SCORES_MAX]),
        reasons=strongest(lead.events, lead.by_time, words, fact.at_ms),
        summary=summary_of(
            who,
            stage,
            change.at_ms,
            story,
            _was_there(lead, fact),
            fact.at_ms,
            row_told(fact, words),
        ),
        story=story,
        last_actions=[_action(event) for event in _theirs(events)],
        content=content_of(events),
        interests=names_of(interests) or None,
        interest_details=interests,
        inflow=inflow_of((*lead.oldest, *reversed(events))),
        inflow_last=inflow_of(events),
        what_changed=reasons_of(change.reasons),
        since_last=last,
        sales_said=sales_said(events, words.sales.reasons),
        merged_from=list(lead.merged_from),
        owner=owner,
        next=None if next_step is None else next_step.words,
        next_step=next_step,
        consent=consent_of(lead.events, belonging),
        suppression=suppression_of(lead.marks, belonging),
        link=f"{base}/v1/leads/{fact.lead_id}" if base else None,
        links=_links(base, fact.lead_id),
        ruleset_version=fact.ruleset_version,
        **_compared(fact.scores, drawn),
        **_account(lead),
    )
    return _fitted(_clean(packet))


def _theirs(events: Sequence[Event]) -> Iterator[Event]:
    """The newest; what we did with the lead isn't what it did."""
    return islice((event for event in events if event.source != OPERATOR), ACTIONS_MAX)


def _was_there(lead: Lead, fact: Fact) -> bool:
    """Has it been at the stage before?"""
    place = fact.journey, fact.to_stage
    return any((move.journey, move.to_stage) == place for move in lead.moves if move.seq < fact.seq)


def _links(base: str, lead_id: str) -> dict[str, str]:
    if not base:
        return {}
    lead = f"{base}/v1/leads/{lead_id}"
    return {"lead": lead, "explanation": f"{lead}/explain", "next": f"{lead}/next"}


def _compared(scores: Mapping[str, float], drawn: Drawn | None) -> dict[str, Any]:
    if drawn is None or drawn.model not in scores:
        return {}
    below = drawn.below(scores[drawn.model])
    if below is None:
        return {}
    of = PercentileOf(model=drawn.model, leads=len(drawn.scores), at=rfc3339(drawn.at_ms))
    return {"percentile": below, "percentile_of": of}


def _account(lead: Lead) -> dict[str, Any]:
    """The company's name is in its key, where that is a domain; else a trait tells."""
    company = lead.company
    if company is None:
        return {}
    kind, _, name = company.key.partition(":")
    told = {"key": company.key[:ID_MAX]}
    if called := text_of(lead.state.traits.get("company")) or (name if kind == "domain" else ""):
        told["name"] = called
    if company.stage:
        told |= {"stage": company.stage, "stage_since": rfc3339(company.stage_since_ms)}
    return {
        "account": told,
        "account_members": company.members,
        "account_scores": rounded(dict(list(company.scores.items())[:SCORES_MAX])),
    }


def rounded(scores: dict[str, float]) -> dict[str, float]:
    return {model: round(score, 6) for model, score in scores.items()}


def reasons_of(given: Sequence[FactReason]) -> list[Reason]:
    """The entries that tipped the change; the weightiest where there are too many."""
    found = sorted(given, key=lambda reason: -abs(reason.points))
    return [
        Reason(
            rule=reason.rule[:ID_MAX],
            points=round(reason.points, 6),
            event_id=reason.event_id[:ID_MAX],
            source=reason.source[:ID_MAX],
            type=reason.type[:ID_MAX],
            occurred_at=reason.occurred_at,
        )
        for reason in found[:WHAT_CHANGED_MAX]
    ]


def _action(event: Event) -> Action:
    return Action(
        words=words_for(event),
        type=event.type[:ID_MAX],
        at=rfc3339(milliseconds(event.occurred_at)),
        source=event.source[:ID_MAX],
        title=title_of(event),
        url=url_of(event),
    )


def _clean(packet: HandOff) -> HandOff:
    """Without an address, a phone number or a query in any text that isn't meant for it."""
    told = packet.model_dump()
    clean = swept(told)
    return packet if clean == told else HandOff.model_validate(clean)


def _fitted(packet: HandOff) -> HandOff:
    """The packet within PACKET_MAX_BYTES: the longest lists first, who it is about last."""
    for names in (_CUT_FIRST, _CUT_NEXT):
        while _size(packet) > PACKET_MAX_BYTES:
            cut = {name: _half(values) for name in names if (values := getattr(packet, name))}
            if not cut:
                break
            packet = packet.model_copy(update=cut)
    if _size(packet) > PACKET_MAX_BYTES:
        packet = packet.model_copy(update={**_DROPPED, "who": least_of(packet.who)})
    if _size(packet) > PACKET_MAX_BYTES:
        consent = packet.consent.model_copy(update={"given": None, "at": None})
        packet = packet.model_copy(update={"consent": consent})
    return packet


def _half(values: Any) -> Any:
    most = len(values) // 2
    return dict(list(values.items())[:most]) if isinstance(values, dict) else values[:most]


def _size(packet: HandOff) -> int:
    return len(packet.model_dump_json().encode())
