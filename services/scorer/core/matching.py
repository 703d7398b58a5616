"""Which rules an event brings to grant: those on it, and those that turn with it."""

from __future__ import annotations

from services.scorer.core.compiled import Rule, Ruleset
from services.scorer.core.conditions import Traits
from services.scorer.core.consenting import earns_nothing, find_region, hear, is_frozen
from services.scorer.core.granting import fold_traits, grant, refused
from services.scorer.core.machines import RETRACTED
from services.scorer.core.timed import Moment
from services.scorer.core.watching import (
    NOTHING_WATCHED,
    completed,
    lapse,
    take_in,
    watch_of,
)
from shared.consent import MEANINGS
from shared.envelope import Event
from shared.lead_state import ModelState, ScoreState
from shared.ledger import Entry


def matched_rules(ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int) -> list[Rule]:
    """Takes in what a person's event says and counts, and returns the rules to grant, in order."""
    frozen = False
    if event.consent or state.consent or ruleset.consent or event.type in MEANINGS:
        changed, frozen = _heard(ruleset, state, event, at_ms)
    else:
        changed = bool(event.traits) and fold_traits(ruleset, state, event.traits)
    if ruleset.watching:
        matched = _watched(ruleset, state, event, at_ms, changed)
    else:
        matched = ruleset.index.matching(event, state.traits)
        if changed or ruleset.open_rules:
            moment = Moment(event, state.traits, NOTHING_WATCHED, at_ms)
            turned = turned_rules(
                ruleset.trait_rules if changed else ruleset.open_rules, state, moment
            )
            if turned:
                matched = sorted([*matched, *turned], key=_order)
    return [rule for rule in matched if rule.on] if frozen else matched


def _heard(ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int) -> tuple[bool, bool]:
    """Takes in an event's consent, traits and region. Returns (rules that hold are to be read anew,
    the lead doesn't allow scoring).
    """
    policy = ruleset.consent
    before = is_frozen(policy, state)
    hear(state, event, at_ms)
    changed = bool(event.traits) and fold_traits(ruleset, state, event.traits)
    if policy is not None:
        find_region(policy, state, event)
    frozen = is_frozen(policy, state)
    if before and not frozen:
        lapse(state, at_ms)  # what time would have brought meanwhile
    return changed or before, frozen


def earned(
    ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int, matched: list[Rule]
) -> list[Entry]:
    """Grants what an event matched, as far as the lead allows it."""
    if not earns_nothing(ruleset.consent, state, event):
        return grant(state, event, at_ms, matched)
    entries: list[Entry] = []
    for rule in matched:
        if rule.on:
            entries += refused(state, event, at_ms, [rule], "no consent")
        else:
            entries += grant(state, event, at_ms, [rule])
    return entries


def _watched(
    ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int, changed: bool
) -> list[Rule]:
    if not (ruleset.sifting or ruleset.open_rules or changed):
        take_in(ruleset, state, event, at_ms)  # only stages ask for what is kept
        return ruleset.index.matching(event, state.traits)
    watch = watch_of(state)
    complete = completed(ruleset, state, event, at_ms)
    take_in(ruleset, state, event, at_ms)
    moment = Moment(event, state.traits, watch, at_ms, complete)
    matched = ruleset.index.matching(event, state.traits)
    if ruleset.sifting:
        matched = [rule for rule in matched if rule.timed is None or rule.timed(moment)]
    turned = turned_rules(ruleset.trait_rules if changed else ruleset.open_rules, state, moment)
    return sorted([*matched, *turned], key=_order) if turned else matched


def refused_entries(
    ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int, why: str = ""
) -> list[Entry]:
    """What an event that doesn't count would have earned, as entries of no points: a robot's, or,
    for the reason given, another. What it says of consent is heard all the same.
    """
    if event.consent or event.type in MEANINGS:
        hear(state, event, at_ms)
    matched = ruleset.index.matching(event, state.traits)
    if matched and ruleset.sifting:
        complete = completed(ruleset, state, event, at_ms)
        watch = state.watch if state.watch is not None else NOTHING_WATCHED
        moment = Moment(event, state.traits, watch, at_ms, complete)
        matched = [rule for rule in matched if rule.timed is None or rule.timed(moment)]
    if not matched:
        return []
    said = event.verdict.why
    return refused(
        state, event, at_ms, matched, why or (said if said.startswith(RETRACTED) else "bot")
    )


def turned_rules(rules: tuple[Rule, ...], state: ScoreState, moment: Moment) -> list[Rule]:
    """The rules that begin to hold, or cease to, now; one that goes on to hold, but gives another
    number of points, twice: it is taken back and granted anew.
    """
    turned = []
    traits = moment.traits
    for rule in rules:
        model = state.models.get(rule.model)
        held = model is not None and rule.number in model.holding
        now = (rule.check is None or rule.check(moment.event, traits)) and (  # type: ignore[arg-type]
            rule.timed is None or rule.timed(moment)
        )
        if now != held:
            turned.append(rule)
        elif held and rule.points_of is not None and _varied(rule, model, traits):
            turned += [rule, rule]
    return turned


def _varied(rule: Rule, model: ModelState | None, traits: Traits) -> bool:
    assert rule.points_of is not None
    raws = model.more.raws if model is not None and model.more is not None else {}
    return rule.points_of(None, traits) != raws.get(rule.number)


def _order(rule: Rule) -> int:
    return rule.order
