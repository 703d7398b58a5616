"""What a compiled ruleset consists of: rules with their bounds, grade and bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.scorer.core.combined import Shown
from services.scorer.core.conditions import Check, Getter
from services.scorer.core.consenting import Policy
from services.scorer.core.ladder import Ladder
from services.scorer.core.points import PointsOf
from services.scorer.core.rule_index import RuleIndex
from services.scorer.core.timed import (
    Tallies,
    TimedCheck,
    Turn,
)
from shared.decay import Kind
from shared.ledger import Entry
from shared.ruleset.document import Condition
from shared.ruleset.document import Rule as RuleDocument
from shared.ruleset.signals import Machines

if TYPE_CHECKING:
    from services.scorer.core.signals import Same

JOURNEY = "main"
ENDLESS = float("inf")
FOREVER = 1 << 62


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
    group_cap: float = ENDLESS
    bounds: tuple[Bound, ...] = ()
    group_bounds: int = 0
    floor: float = -ENDLESS
    valid_from: int = -FOREVER
    valid_to: int = FOREVER
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


@dataclass(slots=True, frozen=True)
class AccountRow:
    """A row of the hand-off table that looks at companies. when: of the person it is told of."""

    name: str
    stages: frozenset[str]
    when: TimedCheck | None
    handoff: str | None


@dataclass(slots=True, frozen=True)
class SequenceChecks:
    """What a nurture sequence asks of a lead. exits, bought: places of tallies, of what ends it and
    of purchases · choices: by step, then in order.
    """

    audience: TimedCheck | None
    goal: TimedCheck | None
    exit_when: TimedCheck | None
    exits: int
    bought: int
    choices: tuple[tuple[TimedCheck | None, ...], ...]


@dataclass(slots=True, eq=False)
class Ruleset:
    """A compiled version. Holds memos of its own index, and nothing else that changes.

    trait_rules: those that hold · timed_rules: those of them that time can turn · open_rules: those
    that may begin to hold though no trait changes: these, and what nothing known fulfils ·
    silence_rules:
    granted after a silence · watching: something of each lead's events must be kept for conditions
    over time · sifting: some event rule has such a condition · scores: by model, how it is shown ·
    bands: by model · personas, segments: by id, in the order of the document · rich: more than
    thresholds decides stages or journeys · flips: time itself gives or takes points · consent: what
    people allow who say nothing, None for everything · signals: by event type, what makes two
    events one · machines: when clicks are a machine's, None for never · account_rows: of the
    hand-off table, those that look at companies · owner_checks: whose leads
    an owner in sales takes, for those that don't take all.
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
    open_rules: tuple[Rule, ...] = ()
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
    consent: Policy | None = None
    signals: Mapping[str, Same] = field(default_factory=dict)
    machines: Machines | None = None
    account_rows: tuple[AccountRow, ...] = ()
    owner_checks: Mapping[str, TimedCheck] = field(default_factory=dict)
    sequences: Mapping[str, SequenceChecks] = field(default_factory=dict)
