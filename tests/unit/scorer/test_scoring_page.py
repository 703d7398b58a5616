"""The examples of docs/scoring.md, run as they stand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from services.console.lead_commands import told as next_lines
from services.console.lead_view import LeadRow
from services.console.next_view import show_next
from services.console.ruleset_view import view_of
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import advance, extend, new_journeys, new_state
from services.scorer.core.next_steps import next_steps
from services.scorer.core.standing import grade_at, persona_at, score_at, segments_at
from shared.envelope import Identifiers, milliseconds
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from shared.ruleset.reading import read_ruleset
from tests.unit.scorer.stories import event, ruleset

PAGE = (Path(__file__).parents[3] / "docs" / "scoring.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```yaml\n(.*?)```\n```text example\n(.*?)```", re.DOTALL)
NEXT = re.compile(EXAMPLE.pattern + r"\n```text next (\S+ \S+)\n(.*?)```", re.DOTALL)
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
EXAMPLES = [
    pytest.param(rules, story, id=section.splitlines()[0])
    for section in SECTIONS
    for rules, story in EXAMPLE.findall(section)
]
TOLD = [found for section in SECTIONS for found in NEXT.findall(section)]


@pytest.mark.parametrize(("rules", "story"), EXAMPLES)
def test_an_example_is_true(rules: str, story: str) -> None:
    """Line by line: what an event earned, and how the lead stands afterwards."""
    _play(ruleset(rules), story)


def _play(compiled: Ruleset, story: str) -> tuple[ScoreState, list[JourneyState]]:
    state, journeys = new_state(), None
    for number, line in enumerate(story.strip().splitlines()):
        when, what, earned, after = (cell.strip() for cell in line.split("|"))
        at_ms = _instant(when)
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
    assert journeys is not None
    return state, journeys


def _instant(when: str) -> int:
    return milliseconds(datetime.strptime(when, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))


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


@pytest.mark.parametrize(("rules", "story", "when", "told"), TOLD)
def test_what_would_help_is_true(rules: str, story: str, when: str, told: str) -> None:
    """What the command tells of a lead with that story, word for word."""
    document = read_ruleset(rules)
    view = view_of(1, document, {name: n for n, name in enumerate(document.rule_names(), 1)})
    state, journeys = _play(view.core, story)
    who = Identifiers(email="sarah@example.com")
    found = next_steps(view.core, state, journeys, _instant(when), True, who)
    (main,) = journeys
    row = LeadRow(UUID(int=1), 0, True, None, 1, main.stage, main.since_ms, state, journeys)
    assert next_lines(show_next(row, view, found), every=True) == told.splitlines()


def test_each_feature_has_an_example() -> None:
    """A section on a feature that shows no example isn't finished."""
    shown = {section.splitlines()[0] for section in SECTIONS if EXAMPLE.search(section)}
    wanted = {"Rules and points", "Conditions", "Decay", "Limits", "Cap", "Traits: rules that hold",
              "Robots", "Stages", "Hand-offs", "Other ways to fade",
              "Groups, floors, caps per period",
              "Points from a field or a table", "Conditions over time", "Silence",
              "Scores made of others, grades and bands", "Personas and segments",
              "Stages beside the ladder", "Further journeys", "What would help"}  # fmt: skip
    assert wanted <= shown
    assert TOLD
