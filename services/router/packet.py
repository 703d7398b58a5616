"""The hand-off packet: what the receiver needs to act on a lead. Pure: rows in, model out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.router.belonging import NOWHERE, Belonging
from services.router.content import content_of
from services.router.facts import Fact
from services.router.messages import (
    Action,
    Allowed,
    Consent,
    HandOff,
    Reason,
    Stage,
    Suppression,
    Who,
)
from services.router.reasons import Earned, Given, strongest
from services.router.ruleset_words import RulesetWords
from services.router.wording import text_of, title_of, url_of, words_for
from services.scorer.core.consenting import Stance
from shared.envelope import Event, milliseconds, rfc3339
from shared.event_types import OPERATOR
from shared.facts import Cause
from shared.facts import Reason as FactReason
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID, Identifier
from shared.lead_state import ScoreState

ACTIONS_MAX = 10
WHAT_CHANGED_MAX = 20
IDENTIFIERS_MAX = 10  # per kind
CONSENT_MAX = 100  # characters of a purpose and of an answer
ID_MAX = 200  # characters of an id that a sender chose
PACKET_MAX_BYTES = 20_000

# Traits that somebody who calls or writes needs; others stay with us.
TRAITS = (
    "name", "first_name", "last_name", "firstName", "lastName", "title", "job_title", "company",
    "industry", "employees", "country", "city", "language", "time_zone", "phone", "website",
)  # fmt: skip

# Event types that forbid writing, and those that allow it again.
FORBIDS: Final = ("email_unsubscribed", "email_complained", "email_bounced")
LIFTS: Final = ("newsletter_subscribed", "email_resubscribed")


@dataclass(frozen=True, slots=True)
class Lead:
    """What is stored of a lead at the moment of a hand-off.

    state: its scores, under ruleset_version · events: the newest first, none after the change ·
    by_time: what time gave or took since the oldest of them, likewise · marks: event type → the
    newest time it happened, over the whole history, for what forbids writing · merged_from: leads
    that are part of it, the newest merge first · stage: of the journey main, now.
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
    owner: str | None = None,
) -> HandOff:
    """The packet for one hand-off.

    words: of the ruleset the change was made under · public_url: where the console's API is
    reached, "" for no link · waited: for a released hand-off, whose fact tells of the release ·
    belonging: the lead's persona, segments and grade, and what it allows · owner: whose it is.
    Bounded by counts and lengths; should it still pass PACKET_MAX_BYTES, the least telling parts
    go first.
    """
    change = waited or fact
    packet = HandOff(
        lead_id=fact.lead_id,
        sequence=fact.seq,
        handoff=fact.handoff or "sales",
        at=rfc3339(fact.at_ms),
        who=_who(lead),
        stage=Stage(
            journey=fact.journey,
            name=fact.to_stage,
            labels=words.labels.get(fact.journey, {}).get(fact.to_stage, []),
            since=rfc3339(change.at_ms),
            from_stage=change.from_stage,
            episode=fact.episode,
            cause=change.cause,
        ),
        scores=rounded(fact.scores),
        persona=belonging.persona,
        segments=list(belonging.segments),
        grade=belonging.grade,
        reasons=strongest(lead.events, lead.by_time, words, fact.at_ms),
        last_actions=[
            _action(earned.event)
            for earned in lead.events
            if earned.event.source != OPERATOR  # what we did with the lead isn't what it did
        ][:ACTIONS_MAX],
        content=content_of([earned.event for earned in lead.events]),
        what_changed=reasons_of(change.reasons),
        merged_from=list(lead.merged_from),
        consent=_consent(lead, belonging),
        suppression=_suppression(lead, belonging),
        owner=owner,
        link=f"{public_url.rstrip('/')}/v1/leads/{fact.lead_id}" if public_url else None,
        ruleset_version=fact.ruleset_version,
    )
    return _fitted(packet)


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


def _who(lead: Lead) -> Who:
    by_kind: dict[int, list[str]] = {}
    for kind, value in lead.identifiers:
        values = by_kind.setdefault(kind, [])
        if len(values) < IDENTIFIERS_MAX:
            values.append(value[:ID_MAX])
    traits: dict[str, str | float | bool] = {}
    for name in TRAITS:
        trait: Any = lead.state.traits.get(name)
        if isinstance(trait, bool | int | float):
            traits[name] = trait
        elif text := text_of(trait):
            traits[name] = text
    return Who(
        known=lead.known,
        emails=by_kind.get(EMAIL, []),
        phones=by_kind.get(PHONE, []),
        user_ids=by_kind.get(USER_ID, []),
        anonymous_ids=by_kind.get(ANONYMOUS, []),
        external_ids=by_kind.get(EXTERNAL, []),
        traits=traits,
    )


def _action(event: Event) -> Action:
    return Action(
        words=words_for(event),
        type=event.type[:ID_MAX],
        at=rfc3339(milliseconds(event.occurred_at)),
        source=event.source[:ID_MAX],
        title=title_of(event),
        url=url_of(event),
    )


def _consent(lead: Lead, belonging: Belonging) -> Consent:
    purposes = {name: _allowed(stance) for name, stance in belonging.consents.items()}
    for earned in lead.events:
        given = {
            name[:CONSENT_MAX]: value[:CONSENT_MAX] if isinstance(value, str) else value
            for name, value in list(earned.event.consent.items())[:10]
            if value is None or isinstance(value, str | int | float | bool)
        }
        if given:
            at = rfc3339(milliseconds(earned.event.occurred_at))
            return Consent(purposes=purposes, given=given, at=at)
    return Consent(purposes=purposes, given=None, at=None)


def _allowed(stance: Stance) -> Allowed:
    said = stance.said
    return Allowed(
        granted=stance.granted,
        by_default=said is None,
        since=None if said is None else rfc3339(said.at_ms),
        source=None if said is None else said.source[:ID_MAX],
        text=(said.text or None) if said is not None else None,
    )


def _suppression(lead: Lead, belonging: Belonging) -> Suppression:
    marketing = belonging.consents.get("marketing_email")
    said = marketing.said if marketing is not None else None
    agreed_ms = said.at_ms if said is not None and said.granted else -1
    stands: dict[str, str | None] = {}
    subscribed_ms = max(lead.marks.get(event_type, -1) for event_type in LIFTS)
    for event_type in FORBIDS:
        at_ms, lifted_ms = lead.marks.get(event_type, -1), subscribed_ms
        if event_type != "email_bounced":  # an address that bounced isn't mended by consent
            lifted_ms = max(lifted_ms, agreed_ms)
        stands[event_type] = rfc3339(at_ms) if at_ms >= 0 and at_ms > lifted_ms else None
    why = [event_type.removeprefix("email_") for event_type, at in stands.items() if at]
    if marketing is not None and not marketing.granted and why in ([], ["bounced"]):
        why.append("marketing_email")
    return Suppression(
        suppressed=bool(why),
        why=why,
        unsubscribed_at=stands["email_unsubscribed"],
        complained_at=stands["email_complained"],
        bounced_at=stands["email_bounced"],
    )


def _fitted(packet: HandOff) -> HandOff:
    """The packet within PACKET_MAX_BYTES: lists are halved, then identifiers and traits cut."""
    while _size(packet) > PACKET_MAX_BYTES:
        cut = {
            name: values[: len(values) // 2]
            for name in ("content", "what_changed", "reasons", "last_actions")
            if (values := getattr(packet, name))
        }
        if not cut:
            return packet.model_copy(update={"who": _least(packet.who)})
        packet = packet.model_copy(update=cut)
    return packet


def _size(packet: HandOff) -> int:
    return len(packet.model_dump_json().encode())


def _least(who: Who) -> Who:
    """The first identifier of each kind, and no traits."""
    return Who(
        known=who.known,
        emails=who.emails[:1],
        phones=who.phones[:1],
        user_ids=who.user_ids[:1],
        anonymous_ids=who.anonymous_ids[:1],
        external_ids=who.external_ids[:1],
        traits={},
    )
