"""What is wrong with a hand-off table, told with its place and a remedy."""

from __future__ import annotations

import pytest

from shared.ruleset.reading import RulesetErrors, read_ruleset

BASE = """
segments: [{id: large, when: {field: traits.employees, gte: 100}}]
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
bands: {e: [{name: cold}, {name: hot, from: 20}]}
stages:
  ladder: [{name: low}, {name: high, enter: {e: 5}, handoff: sales}]
"""


@pytest.mark.parametrize(
    ("rows", "path", "message"),
    [
        ("{id: a, segment: large, grade: A1, do: {alert: true}}", "handoffs[0]", "one of stage"),
        ("{id: a, do: {alert: true}}", "handoffs[0]", "a row asks for one of"),
        ("{id: a, segment: large, do: {}}", "handoffs[0]", "nothing is done"),
        ("{id: a, segment: lagre, do: {tag: x}}", "handoffs[0].segment", "no segment lagre"),
        ("{id: a, stage: hihg, do: {tag: x}}", "handoffs[0].stage[0]", "there is no stage hihg"),
        ("{id: a, stage: high, journey: up, do: {tag: x}}", "handoffs[0].journey", "no journey up"),
        ("{id: a, segment: large, journey: up, do: {tag: x}}", "handoffs[0].journey", "of a jour"),
        ("{id: a, stage: high, do: {handoff: sales}}", "handoffs[0].do.handoff", "hands the lead"),
        ("{id: a, grade: A1, do: {tag: x}}", "handoffs[0].grade", "gives no grades"),
        ("{id: a, band: {model: f, name: hot}, do: {tag: x}}", "handoffs[0].band.model", "no sco"),
        ("{id: a, band: {model: e, name: hto}, do: {tag: x}}", "handoffs[0].band.name", "no band"),
        ("{id: a, band: {model: e, name: cold}, do: {tag: x}}", "handoffs[0].band.name", "lowest"),
        ("{id: a, account: won, do: {tag: x}}", "handoffs[0].account[0]", "no account stage won"),
        (
            "{id: a, segment: large, again_after: 1d, do: {tag: x}}",
            "handoffs[0].again_after",
            "counts each time",
        ),
        (
            "{id: a, signal: {on: x, event_when: {segment: large}}, do: {tag: x}}",
            "handoffs[0].signal.event_when.segment",
            "",
        ),
        (
            "{id: a, segment: large, do: {tag: x}}, {id: a, segment: large, do: {tag: x}}",
            "handoffs[1].id",
            "a is used twice",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_refused(rows: str, path: str, message: str) -> None:
    """With where it stands, what is wrong, and what to write instead."""
    with pytest.raises(RulesetErrors) as raised:
        read_ruleset(BASE + f"handoffs: [{rows}]\n")
    found = [(error.path, error.message, error.remedy) for error in raised.value.errors]
    assert any(at == path and message in said for at, said, _ in found), found
    assert all(remedy for _, _, remedy in found)


@pytest.mark.parametrize(
    ("suppress", "path"),
    [
        ("{staff: {segments: lagre}}", "suppress.staff.segments[0]"),
        ("{stages: [gone]}", "suppress.stages[0]"),
    ],
)
def test_who_is_suppressed_must_be_somebody(suppress: str, path: str) -> None:
    """A segment or stage that isn't there suppresses nobody, unnoticed."""
    with pytest.raises(RulesetErrors) as raised:
        read_ruleset(BASE + f"suppress: {suppress}\n")
    assert [error.path for error in raised.value.errors] == [path]
