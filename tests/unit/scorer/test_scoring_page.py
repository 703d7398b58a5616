"""The examples of docs/scoring.md, run as they stand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.scorer.core.compile import Ruleset
from services.scorer.core.fold import advance, extend, new_journeys, new_state
from services.scorer.core.standing import grade_at, persona_at, score_at, segments_at
from shared.envelope import milliseconds
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from tests.unit.scorer.stories import event, ruleset

PAGE = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```yaml\n(.*?)```\n```text example\n(.*?)```", re.DOTALL)
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
EXAMPLES = [
    pytest.param(rules, story, id=section.splitlines()[0])
    for section in SECTIONS
    for rules, story in EXAMPLE.findall(section)
]


@pytest.mark.parametrize(("rules", "story"), EXAMPLES)
def test_an_example_is_true(rules: str, story: str) -> None:
    """Line by line: what an event earned, and how the lead stands afterwards."""
    compiled = ruleset(rules)
    state, journeys = new_state(), None
    for number, line in enumerate(story.strip().splitlines()):
        when, what, earned, after = (cell.strip() for cell in line.split("|"))
        at_ms = milliseconds(datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
        journeys = journeys or new_journeys(compiled, at_ms)
        if what == "-":
            settled = advance(compiled, state, journeys, at_ms, True)
            changes, entries = settled.changes, [*settled.time_entries]
        else:
            out = extend(compiled, state, journeys, [_event(what, at_ms, number)], True)
            changes, entries = out.changes, [*out.time_entries, *out.entries[0]]
        names = [
            f"{compiled.by_number[e.rule].name.split('/')[1]} {e.points:+g} {e.clipped}".strip()
            for e in entries
            if e.points
        ]
        assert (", ".join(names) or "-") == (earned or "-"), line
        _check_standing(after, line, compiled, state, journeys, changes, at_ms)


def _event(what: str, at_ms: int, number: int) -> Any:
    type_, _, rest = what.partition(" ")
    parts = yaml.safe_load(rest) if rest else {}
    bot = parts.pop("verdict", "") == "bot"
    return event(type_, at_ms, id=f"{number:03}", bot=bot, **parts)


def _check_standing(
    after: str,
    line: str,
    compiled: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    changes: list[StageChange],
    at_ms: int,
) -> None:
    told = dict(part.strip().split(" ", 1) for part in after.split(","))
    stages = {"stage" if one.name == "main" else one.name: one.stage for one in journeys}
    for name in told.keys() & {"stage", *(ladder for ladder in compiled.ladders)}:
        assert stages.get(name, "none") == told.pop(name), line
        if name == "stage":
            handoffs = [change.handoff for change in changes if change.handoff]
            assert handoffs == ([told.pop("handoff")] if "handoff" in told else []), line
    for name, at in (("grade", grade_at), ("persona", persona_at)):
        if name in told:
            assert (at(compiled, state, at_ms) or "none") == told.pop(name), line
    if "segments" in told:
        assert " ".join(segments_at(compiled, state, at_ms)) == told.pop("segments"), line
    for name, value in told.items():
        score = score_at(compiled, state, name, at_ms)
        assert f"{score:.2f}" == f"{float(value):.2f}", line


def test_each_feature_has_an_example() -> None:
    """A section on a feature that shows no example isn't finished."""
    shown = {section.splitlines()[0] for section in SECTIONS if EXAMPLE.search(section)}
    wanted = {"Rules and points", "Conditions", "Decay", "Limits", "Cap", "Traits: rules that hold",
              "Robots", "Stages", "Hand-offs", "Other ways to fade",
              "Groups, floors, caps per period",
              "Points from a field or a table", "Conditions over time", "Silence",
              "Scores made of others, grades and bands", "Personas and segments",
              "Stages beside the ladder", "Further journeys"}  # fmt: skip
    assert wanted <= shown
