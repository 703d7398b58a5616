"""A ruleset document compiled for scoring: rules in order, their index, and the ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scorer.core.combined import Shown, compile_shown
from services.scorer.core.conditions import Check, Getter, compile_condition, getter
from services.scorer.core.ladder import Ladder, compile_ladder
from services.scorer.core.points import PointsOf, compile_points
from services.scorer.core.rule_index import RuleIndex
from services.scorer.core.timed import (
    Tallies,
    TimedCheck,
    Turn,
    compile_timed,
    split,
    written_out,
)
from shared.decay import Kind
from shared.event_types import GROUP_TRAIT
from shared.ledger import Entry
from shared.ruleset.document import MAX_DISTINCT_VALUES, Condition, Limit, Model, RulesetDocument
from shared.ruleset.document import Rule as RuleDocument
from shared.ruleset.expressions import traits_in
from shared.ruleset.model import CapPeriod, PointsFrom
from shared.ruleset.stages import Journey, Stages

JOURNEY = "main"

_ENDLESS = float("inf")
_FOREVER = 1 << 62
_HOUR = 3_600_000
_DAY = 24 * _HOUR
# Length and offset in ms. Weeks begin on Monday, and 1970 began on a Thursday.
_PERIODS = {
    "hour": (_HOUR, 0),
    "day": (_DAY, 0),
    "week": (7 * _DAY, 3 * _DAY),
    "month": (0, 0),
    "ever": (1 << 62, 1 << 61),
}


@dataclass(slots=True, eq=False)
class Bound:
    """What may be granted in a calendar period. key: in ModelMore.periods · word: for `clipped`."""

    key: str
    period_ms: int
    offset_ms: int
    most: float
    word: str


@dataclass(slots=True, eq=False)
class Rule:
    """One rule, ready to grant.

    order: its place in the ruleset · number: in the table rule_number · name: "model/rule" ·
    kind, half_life: how its points fade, and the length of that in ms, 0 where nothing does · cap,
    floor: of its model, infinity for none · most: how many times (or distinct values) score per
    period, 0 without a limit · value_of: the field of once_per · period_ms, period_offset_ms:
    periods of the calendar in UTC are numbered by (instant + offset) // length; length 0 stands
    for months · on_trait: holds while its condition is true, instead of scoring per event.

    check, condition: what fields decide · timed: the rest of its condition, which turns by itself
    at one of `turns` at the earliest · simple: fixed points, by half-life, of no group, with no
    bound but the cap · points_of: None for fixed points · part: the group whose points are summed
    apart, "" for none · group_cap: infinity for none · bounds: per period, of the group, then of
    the model; group_bounds: how many of them are the group's · valid_from, valid_to: ms ·
    silence_ms: granted by time so long after an event of silence_tally, 0 for other rules ·
    beyond: the entry of an event beyond the limit, where it is always the same · document: as it
    is written · when: its whole condition, with segments and personas written out.
    """

    order: int
    number: int
    name: str
    model: str
    points: float
    half_life: int
    cap: float
    check: Check | None
    condition: Condition | None
    on: tuple[str, ...]
    period_ms: int
    period_offset_ms: int
    most: int
    value_of: Getter | None
    on_trait: bool
    document: RuleDocument
    when: Condition | None
    kind: Kind = "half_life"
    timed: TimedCheck | None = None
    turns: tuple[Turn, ...] = ()
    simple: bool = True
    points_of: PointsOf | None = None
    part: str = ""
    group_cap: float = _ENDLESS
    bounds: tuple[Bound, ...] = ()
    group_bounds: int = 0
    floor: float = -_ENDLESS
    valid_from: int = -_FOREVER
    valid_to: int = _FOREVER
    silence_ms: int = 0
    silence_tally: int = -1
    effort: int = 3
    beyond: Entry | None = None


# (least score, name), best first; the last one has no least.
Names = tuple[tuple[float, str], ...]


@dataclass(slots=True, frozen=True)
class GradeTable:
    """How a grade is read off two scores."""

    fit: str
    engagement: str
    letters: Names
    digits: Names


@dataclass(slots=True, eq=False)
class Ruleset:
    """A compiled version. Holds memos of its own index, and nothing else that changes.

    trait_rules: those that hold · timed_rules: those of them that time can turn · silence_rules:
    granted after a silence · watching: something of each lead's events must be kept for conditions
    over time · sifting: some event rule has such a condition · scores: by model, how it is shown ·
    bands: by model · personas, segments: by id, in the order of the document · rich: more than
    thresholds decides stages or journeys · flips: time itself gives or takes points.
    """

    version: int
    models: tuple[str, ...]
    rules: tuple[Rule, ...]
    index: RuleIndex
    trait_rules: tuple[Rule, ...]
    trait_names: frozenset[str]
    ladders: dict[str, Ladder]
    by_number: dict[int, Rule] = field(default_factory=dict)
    timed_rules: tuple[Rule, ...] = ()
    silence_rules: tuple[Rule, ...] = ()
    tallies: Tallies = field(default_factory=Tallies)
    watching: bool = False
    sifting: bool = False
    scores: dict[str, Shown] = field(default_factory=dict)
    grade: GradeTable | None = None
    bands: dict[str, Names] = field(default_factory=dict)
    personas: tuple[tuple[str, TimedCheck], ...] = ()
    segments: tuple[tuple[str, TimedCheck], ...] = ()
    rich: bool = False
    flips: bool = False


def compile_ruleset(
    document: RulesetDocument, rule_numbers: Mapping[str, int], version: int
) -> Ruleset:
    """Compile an accepted document. rule_numbers: number by "model/rule", for every rule."""
    rules: list[Rule] = []
    tallies = Tallies()
    named = named_conditions(document)
    trait_names: set[str] = set()
    for model_name, model in document.models.items():
        for rule in model.rules:
            number = rule_numbers[f"{model_name}/{rule.id}"]
            when = None if rule.when is None else written_out(rule.when, named)
            rules.append(_compile_rule(rule, when, model_name, model, len(rules), number, tallies))
            trait_names |= _traits_of(rule, when)
    for condition in named.values():
        trait_names |= _traits_read(condition)
    if document.accounts is not None:
        trait_names.add(GROUP_TRAIT)  # kept of however many traits
    scores = {name: compile_shown(name, model) for name, model in document.models.items()}
    journeys: dict[str, Stages | Journey] = {JOURNEY: document.stages, **document.journeys}
    watched = {
        name
        for journey in journeys.values()
        for stage in journey.ladder
        for name in (*(stage.enter or ()), *(stage.leave or ()))
    }
    watched |= {member for name in watched for member in scores[name].members}
    general = any(scores[name].formula is not None for name in watched) or any(
        rule.model in watched and (rule.kind != "half_life" or rule.part) for rule in rules
    )

    def compiled(condition: Condition) -> tuple[TimedCheck, tuple[Turn, ...]]:
        written = written_out(condition, named)
        trait_names.update(_traits_read(written))
        return compile_timed(written, tallies)

    as_shown = general or any(one.formula is not None for one in scores.values())
    ladders = {
        name: compile_ladder(
            name,
            journey.ladder,
            tuple(document.models),
            scores if as_shown else None,
            general=general,
            sides=journey.side,
            begins_when=journey.when if isinstance(journey, Journey) else None,
            compiled=compiled,
        )
        for name, journey in journeys.items()
    }
    personas = tuple((one.id, compiled(one.when)[0]) for one in document.personas)
    segments = tuple((one.id, compiled(one.when)[0]) for one in document.segments)
    holding = tuple(rule for rule in rules if rule.on_trait)
    timed = tuple(rule for rule in holding if rule.timed is not None)
    silences = tuple(rule for rule in rules if rule.silence_ms)
    sifting = any(rule.timed is not None for rule in rules if rule.on)
    return Ruleset(
        version=version,
        models=tuple(document.models),
        rules=tuple(rules),
        index=RuleIndex([rule for rule in rules if rule.on]),
        trait_rules=holding,
        trait_names=frozenset(trait_names),
        ladders=ladders,
        by_number={rule.number: rule for rule in rules},
        timed_rules=timed,
        silence_rules=silences,
        tallies=tallies,
        watching=bool(tallies.tallies or tallies.chains),
        sifting=sifting,
        scores=scores,
        grade=_grade(document),
        bands={
            name: tuple(
                (-_ENDLESS if band.from_ is None else band.from_, band.name)
                for band in reversed(bands)
            )
            for name, bands in document.bands.items()
        },
        personas=personas,
        segments=segments,
        rich=any(ladder.rich or ladder.begins is not None for ladder in ladders.values()),
        flips=bool(timed or silences),
    )


def _grade(document: RulesetDocument) -> GradeTable | None:
    grade = document.grade
    if grade is None:
        return None
    fit, engagement = grade.fit_bounds, grade.engagement_bounds
    return GradeTable(
        fit=grade.fit,
        engagement=grade.engagement,
        letters=((fit["A"], "A"), (fit["B"], "B"), (-_ENDLESS, "C")),
        digits=((engagement["1"], "1"), (engagement["2"], "2"), (-_ENDLESS, "3")),
    )


def named_conditions(document: RulesetDocument) -> dict[tuple[str, str], Condition]:
    """The conditions of segments and personas, by kind and name. Somebody's persona is the first
    that holds.
    """
    named = {("segment", one.id): one.when for one in document.segments}
    earlier: list[Condition] = []
    for one in document.personas:
        others = [Condition.model_validate({"not": before}) for before in earlier]
        named["persona", one.id] = Condition(all=[*others, one.when]) if others else one.when
        earlier.append(one.when)
    return named


def _compile_rule(
    rule: RuleDocument,
    when: Condition | None,
    model_name: str,
    model: Model,
    order: int,
    number: int,
    tallies: Tallies,
) -> Rule:
    kind, length = fading_of(model, rule)
    limit = rule.limit
    period_ms, offset_ms = _PERIODS[limit.per if limit is not None else "ever"]
    plain, timed = (None, None) if when is None else split(when)
    timed_check, turns = (None, ()) if timed is None else compile_timed(timed, tallies)
    group = model.groups.get(rule.group) if rule.group is not None else None
    bounds = _bounds(rule.group or "", group.cap_per if group is not None else None)
    group_bounds = len(bounds)
    bounds += _bounds("", model.cap_per)
    capped = group is not None and group.cap is not None
    varied = isinstance(rule.points, PointsFrom)
    valid = rule.valid
    after = rule.after
    simple = model.floor is None and not (
        bounds or capped or varied or kind != "half_life" or valid is not None or after is not None
    )
    points = 0.0 if isinstance(rule.points, PointsFrom) else rule.points
    return Rule(
        order=order,
        number=number,
        name=f"{model_name}/{rule.id}",
        model=model_name,
        points=points,
        half_life=length,
        cap=_ENDLESS if model.cap is None else float(model.cap),
        check=None if plain is None else compile_condition(plain),
        condition=plain,
        on=tuple(rule.on or ()),
        period_ms=period_ms,
        period_offset_ms=offset_ms,
        most=_most(limit),
        value_of=getter(limit.once_per) if limit is not None and limit.once_per else None,
        on_trait=rule.holds,
        document=rule,
        when=when,
        kind=kind,
        timed=timed_check,
        turns=turns,
        simple=simple,
        points_of=compile_points(rule.points) if isinstance(rule.points, PointsFrom) else None,
        part=rule.group or "" if capped else "",
        group_cap=_ENDLESS if group is None or group.cap is None else float(group.cap),
        bounds=bounds,
        group_bounds=group_bounds,
        floor=-_ENDLESS if model.floor is None else float(model.floor),
        valid_from=-_FOREVER if valid is None or valid.from_ is None else valid.from_,
        valid_to=_FOREVER if valid is None or valid.to is None else valid.to,
        silence_ms=0 if after is None else after.quiet,
        silence_tally=-1 if after is None else tallies.tally(after.on, None).place,
        effort=rule.effort,
        beyond=Entry(number, 0.0, points, "limit") if simple and limit is not None else None,
    )


def fading_of(model: Model, rule: RuleDocument) -> tuple[Kind, int]:
    """How a rule's points fade, and how long that takes in ms: 0 where they don't."""
    decay = rule.decay if rule.decay is not None else model.decay
    if rule.holds:
        return "half_life", 0
    if decay.window is not None:
        return "window", decay.window
    if decay.linear is not None:
        return "linear", decay.linear.to_zero_in
    return "half_life", decay.half_life or 0


def _bounds(group: str, cap_per: Mapping[CapPeriod, float] | None) -> tuple[Bound, ...]:
    word = "group cap per" if group else "cap per"
    return tuple(
        Bound(f"{group}/{period}", *_PERIODS[period], float(most), f"{word} {period}")
        for period, most in (cap_per or {}).items()
    )


def _most(limit: Limit | None) -> int:
    if limit is None:
        return 0
    if limit.once_per is None:
        return limit.times or 1
    return min(limit.times or MAX_DISTINCT_VALUES, MAX_DISTINCT_VALUES)


def _traits_of(rule: RuleDocument, when: Condition | None) -> set[str]:
    paths = [rule.limit.once_per if rule.limit is not None else None]
    if isinstance(rule.points, PointsFrom):
        paths += [rule.points.field, rule.points.table]
    read = {path.split(".")[1] for path in paths if path and path.startswith("traits.")}
    return read | (_traits_read(when) if when is not None else set())


def _traits_read(condition: Condition) -> set[str]:
    names: set[str] = set()
    for _, part in condition.parts:
        names |= _traits_read(part)
    for counted in (condition.count, condition.since, condition.quiet, condition.seen):
        if counted is not None and counted.when is not None:
            names |= _traits_read(counted.when)
    for step in condition.sequence.steps if condition.sequence is not None else ():
        if step.when is not None:
            names |= _traits_read(step.when)
    if condition.cel is not None:
        names |= traits_in(condition.cel)
    if condition.field is not None and condition.field.startswith("traits."):
        names.add(condition.field.split(".")[1])
    return names
