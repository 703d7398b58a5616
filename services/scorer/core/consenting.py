"""What a lead allows: what it said last, else what the ruleset's policy says for its region.

While scoring isn't allowed a lead's events earn nothing and time brings nothing: what was earned
before fades, and that is all. Rules that held go on as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scorer.core.conditions import Check, compile_condition
from shared.consent import (
    ANALYTICS,
    DELIVERY,
    MARKETING_EMAIL,
    PASSIVE_TYPES,
    PURPOSES,
    SALES_CONTACT,
    SCORING,
    Purpose,
    answers_of,
)
from shared.envelope import Event
from shared.facts import Suppressed
from shared.lead_state import Consent, ScoreState
from shared.ruleset.consent import ConsentPolicy


@dataclass(slots=True, frozen=True, eq=False)
class Policy:
    """The ruleset's word where people gave none.

    regions: (id, who belongs to it), the first that fits counts · defaults: by the region's id, ""
    for none, then by purpose; granted where a purpose is left out.
    """

    regions: tuple[tuple[str, Check], ...]
    defaults: Mapping[str, Mapping[str, bool]]


@dataclass(slots=True, frozen=True)
class Stance:
    """How a lead stands to a purpose. said: its own word, None where the policy speaks."""

    granted: bool
    said: Consent | None


def compile_policy(written: ConsentPolicy | None) -> Policy | None:
    if written is None:
        return None
    defaults: dict[str, dict[str, bool]] = {
        name: {purpose: word == "granted" for purpose, word in given.items()}
        for name, given in [
            ("", written.default),
            *((region.id, {**written.default, **region.default}) for region in written.regions),
        ]
    }
    regions = tuple((region.id, compile_condition(region.when)) for region in written.regions)
    return Policy(regions, defaults)


def hear(state: ScoreState, event: Event, at_ms: int) -> None:
    """Take in what an event says. A repeated answer leaves the first one standing, unless it names
    another text. What a robot grants is nobody's word; what it forbids is better heeded.
    """
    robot = event.verdict.judgement == "bot"
    for purpose, (granted, text) in answers_of(event).items():
        before = state.consent.get(purpose)
        if before is None:
            news = not granted or purpose != DELIVERY
        else:
            news = before.granted != granted or bool(text and text != before.text)
        if news and not (robot and granted):
            state.consent[purpose] = Consent(granted, at_ms, event.source, text)


def find_region(policy: Policy, state: ScoreState, event: Event) -> None:
    """Note the region that an event tells of, if any. The event's traits are taken in already."""
    for name, check in policy.regions:
        if check(event, state.traits):
            state.region = name
            return


def is_allowed(policy: Policy | None, state: ScoreState, purpose: str) -> bool:
    said = state.consent.get(purpose)
    return by_default(policy, state, purpose) if said is None else said.granted


def stances(policy: Policy | None, state: ScoreState) -> dict[Purpose, Stance]:
    """Every purpose, as of the lead's newest event."""
    return {
        purpose: Stance(is_allowed(policy, state, purpose), state.consent.get(purpose))
        for purpose in PURPOSES
    }


def by_default(policy: Policy | None, state: ScoreState, purpose: str) -> bool:
    """What holds for a lead that says nothing. A region of another ruleset is none."""
    if policy is None:
        return True
    given = policy.defaults.get(state.region)
    return (policy.defaults[""] if given is None else given).get(purpose, True)


def is_frozen(policy: Policy | None, state: ScoreState) -> bool:
    """Does the lead not allow scoring?"""
    return not is_allowed(policy, state, SCORING)


def earns_nothing(policy: Policy | None, state: ScoreState, event: Event) -> bool:
    """Is an event worth nothing for want of consent: to scoring, or, where it is passive tracking,
    to analytics?
    """
    if is_frozen(policy, state):
        return True
    return event.type in PASSIVE_TYPES and not is_allowed(policy, state, ANALYTICS)


def suppressed_by(policy: Policy | None, state: ScoreState, handoff: str) -> Suppressed:
    """Why a hand-off must not go out, "" where it may."""
    if not state.consent and policy is None:
        return ""
    if handoff == "sales":
        return "" if is_allowed(policy, state, SALES_CONTACT) else "sales_contact"
    if not is_allowed(policy, state, MARKETING_EMAIL):
        return "marketing_email"
    return "" if is_allowed(None, state, DELIVERY) else "email_bounced"
