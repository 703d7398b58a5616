"""The examples of docs/scoring.md, run as they stand."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.scorer.core.fold import advance, extend, new_journeys, new_state
from shared.decay import score_at
from shared.envelope import milliseconds
from shared.facts import StageChange
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
            changes = advance(compiled, state, journeys, at_ms, True).changes
        else:
            out = extend(compiled, state, journeys, [_event(what, at_ms, number)], True)
            changes = out.changes
            names = [
                f"{compiled.by_number[e.rule].name.split('/')[1]} {e.points:+g} {e.clipped}".strip()
                for e in out.entries[0]
                if e.points
            ]
            assert (", ".join(names) or "-") == earned, line
        _check_standing(after, line, state, journeys[0].stage, changes, at_ms)


def _event(what: str, at_ms: int, number: int) -> Any:
    type_, _, rest = what.partition(" ")
    parts = yaml.safe_load(rest) if rest else {}
    bot = parts.pop("verdict", "") == "bot"
    return event(type_, at_ms, id=f"{number:03}", bot=bot, **parts)


def _check_standing(
    after: str, line: str, state: Any, stage: str, changes: list[StageChange], at_ms: int
) -> None:
    told = dict(part.strip().split(" ", 1) for part in after.split(","))
    if "stage" in told:
        assert stage == told.pop("stage"), line
        handoffs = [change.handoff for change in changes if change.handoff]
        assert handoffs == ([told.pop("handoff")] if "handoff" in told else []), line
    for name, value in told.items():
        model = state.models.get(name)
        score = score_at(model, at_ms) if model is not None else 0.0
        assert f"{score:.2f}" == f"{float(value):.2f}", line


def test_each_feature_has_an_example() -> None:
    """A section on a feature that shows no example isn't finished."""
    shown = {section.splitlines()[0] for section in SECTIONS if EXAMPLE.search(section)}
    wanted = {"Rules and points", "Conditions", "Decay", "Limits", "Cap", "Traits: rules that hold",
              "Robots", "Stages", "Hand-offs"}  # fmt: skip
    assert wanted <= shown
