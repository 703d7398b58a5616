"""What a scenario expects of a lead at one instant, compared with how it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.scorer.core.compiled import Ruleset
from services.scorer.core.standing import bands_at, grade_at, persona_at, score_at, segments_at
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from shared.ruleset.scenarios import Expectation, Range


@dataclass(frozen=True, slots=True)
class Standing:
    """A lead at an instant. changes: the stage changes since the expectation before."""

    ruleset: Ruleset
    state: ScoreState
    journeys: list[JourneyState]
    at_ms: int
    changes: list[StageChange]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise. model: the score it is about, "" for anything else."""

    at_ms: int
    what: str
    expected: str
    got: str
    model: str = ""


def differences(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    """Everything that differs, in the order of the expectation's keys."""
    yield from _scores(standing, expected)
    yield from _names(standing, expected)
    yield from _stages(standing, expected)
    yield from _hand_offs(standing, expected)


def _scores(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    for model, wanted in expected.score.items():
        value = score_at(standing.ruleset, standing.state, model, standing.at_ms)
        if not wanted.holds(value):
            yield Difference(
                standing.at_ms, f"score of {model}", _range_words(wanted), _number(value), model
            )


def _names(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    """Grade, persona, segments and bands."""
    at = standing.ruleset, standing.state, standing.at_ms
    if expected.grade is not None:
        grade = grade_at(*at) or "none"
        if grade != expected.grade:
            model = standing.ruleset.grade.engagement if standing.ruleset.grade else ""
            yield Difference(standing.at_ms, "grade", expected.grade, grade, model)
    yield from _groups(standing, expected)
    bands = bands_at(*at) if expected.band else {}
    for model, wanted in expected.band.items():
        if bands[model] != wanted:
            yield Difference(standing.at_ms, f"band of {model}", wanted, bands[model], model)


def _groups(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    at = standing.ruleset, standing.state, standing.at_ms
    if expected.persona is not None:
        persona = persona_at(*at) or "none"
        if persona != expected.persona:
            yield Difference(standing.at_ms, "persona", expected.persona, persona)
    segments = segments_at(*at)
    listed = ", ".join(segments) or "none"
    for name in expected.segment:
        if name not in segments:
            yield Difference(standing.at_ms, "segments", name, listed)
    for name in expected.not_segment:
        if name in segments:
            yield Difference(standing.at_ms, "segments", f"not {name}", listed)


def _stages(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    stages = {journey.name: journey.stage for journey in standing.journeys}
    for journey, wanted in expected.stage.items():
        got = stages.get(journey, "none")
        if got != wanted:
            what = "stage" if journey == "main" else f"stage of {journey}"
            yield Difference(standing.at_ms, what, wanted, got)


def _hand_offs(standing: Standing, expected: Expectation) -> Iterator[Difference]:
    made = [
        change.handoff
        for change in standing.changes
        if change.handoff and not (change.waiting or change.suppressed)
    ]
    for to, count in (expected.handoff or {}).items():
        times = made.count(to)
        if times != count if count is not None else not times:
            wanted = "one at least" if count is None else str(count)
            yield Difference(standing.at_ms, f"hand-offs to {to}", wanted, str(times))


def _range_words(wanted: Range) -> str:
    if wanted.from_ is not None and wanted.from_ == wanted.to:
        return _number(wanted.from_)
    least = "" if wanted.from_ is None else f"at least {_number(wanted.from_)}"
    most = "" if wanted.to is None else f"at most {_number(wanted.to)}"
    return " and ".join(filter(None, (least, most)))


def _number(value: float) -> str:
    """As scores are shown: two digits, without idle zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
