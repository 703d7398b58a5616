"""A ruleset document compiled for scoring: rules in order, their index, and the ladder."""

from __future__ import annotations

from collections.abc import Mapping

from services.scorer.core.combined import compile_shown
from services.scorer.core.compile_ladder import Compiled, compile_ladder
from services.scorer.core.compile_rule import compile_rule, traits_of, traits_read
from services.scorer.core.compiled import (
    ENDLESS,
    JOURNEY,
    AccountRow,
    GradeTable,
    Rule,
    Ruleset,
    SequenceChecks,
)
from services.scorer.core.consenting import compile_policy
from services.scorer.core.rule_index import RuleIndex
from services.scorer.core.signals import compile_signals
from services.scorer.core.timed import (
    Tallies,
    TimedCheck,
    Turn,
    compile_timed,
    written_out,
)
from shared.event_types import GROUP_TRAIT
from shared.ruleset.document import Condition, RulesetDocument
from shared.ruleset.handoff_journeys import IN, journey_name, rows_as_journeys
from shared.ruleset.handoffs import HandoffRow
from shared.ruleset.owners import Owner
from shared.ruleset.sequences import BOUGHT, NurtureSequence
from shared.ruleset.stages import Journey, Stages


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
            rules.append(compile_rule(rule, when, model_name, model, len(rules), number, tallies))
            trait_names |= traits_of(rule, when)
    for condition in named.values():
        trait_names |= traits_read(condition)
    if document.accounts is not None:
        trait_names.add(GROUP_TRAIT)  # kept of however many traits
    for region in document.consent.regions if document.consent is not None else ():
        trait_names |= traits_read(region.when)
    consent = compile_policy(document.consent)
    scores = {name: compile_shown(name, model) for name, model in document.models.items()}
    of_rows = {journey_name(row): (row, made) for row, made in rows_as_journeys(document)}
    journeys: dict[str, Stages | Journey] = {
        JOURNEY: document.stages,
        **document.journeys,
        **{name: made for name, (_, made) in of_rows.items()},
    }
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
        trait_names.update(traits_read(written))
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
            consent=consent,
            rows=[of_rows[name][0]] if name in of_rows else _rows_at(document, name),
            told=IN if name in of_rows else None,
        )
        for name, journey in journeys.items()
    }
    account_rows = tuple(
        AccountRow(
            row.id,
            frozenset(row.account),
            None if row.when is None else compiled(row.when)[0],
            row.do.handoff,
        )
        for row in document.all_rows()
        if row.account is not None
    )
    owner_checks = {
        owner.id: compiled(owner.when)[0] for owner in _owners(document) if owner.when is not None
    }
    sequences = {
        name: _sequence(sequence, compiled, tallies)
        for name, sequence in document.sequences.items()
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
        open_rules=tuple(rule for rule in holding if rule.timed is not None or _is_open(rule)),
        silence_rules=silences,
        tallies=tallies,
        watching=bool(tallies.tallies or tallies.chains),
        sifting=sifting,
        scores=scores,
        grade=_grade(document),
        bands={
            name: tuple(
                (-ENDLESS if band.from_ is None else band.from_, band.name)
                for band in reversed(bands)
            )
            for name, bands in document.bands.items()
        },
        personas=personas,
        segments=segments,
        rich=any(ladder.rich or ladder.begins is not None for ladder in ladders.values()),
        flips=bool(timed or silences),
        consent=consent,
        signals=compile_signals(document.signals),
        account_rows=account_rows,
        owner_checks=owner_checks,
        sequences=sequences,
        machines=None if isinstance(document.machines, str) else document.machines,
    )


def _owners(document: RulesetDocument) -> list[Owner]:
    sales = document.sales
    return [] if sales is None or sales.owners is None else sales.owners.team


def _sequence(sequence: NurtureSequence, compiled: Compiled, tallies: Tallies) -> SequenceChecks:
    def check(condition: Condition | None) -> TimedCheck | None:
        return None if condition is None else compiled(condition)[0]

    return SequenceChecks(
        audience=check(sequence.audience),
        goal=check(sequence.goal),
        exit_when=check(sequence.exit.when),
        exits=tallies.tally(sequence.exit_events, None).place,
        bought=tallies.tally(BOUGHT, None).place,
        choices=tuple(
            tuple(check(choice.when) for choice in step.content) for step in sequence.steps
        ),
    )


def _rows_at(document: RulesetDocument, journey: str) -> list[HandoffRow]:
    """The rows of the hand-off table that look at stages of a journey."""
    return [row for row in document.all_rows() if row.stage is not None and row.journey == journey]


def _is_open(rule: Rule) -> bool:
    """Does a rule hold for somebody of whom nothing is known?"""
    return rule.check is None or rule.check(None, {})  # type: ignore[arg-type]


def _grade(document: RulesetDocument) -> GradeTable | None:
    grade = document.grade
    if grade is None:
        return None
    fit, engagement = grade.fit_bounds, grade.engagement_bounds
    return GradeTable(
        fit=grade.fit,
        engagement=grade.engagement,
        letters=((fit["A"], "A"), (fit["B"], "B"), (-ENDLESS, "C")),
        digits=((engagement["1"], "1"), (engagement["2"], "2"), (-ENDLESS, "3")),
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
