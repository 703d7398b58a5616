"""A witness for each kind of condition: what is made up, and that it does what it must."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.fold import copied, extend, new_journeys, new_state
from services.scorer.core.matching import matched_rules
from services.scorer.core.witness import witnesses
from shared.envelope import Event, Identifiers
from shared.lead_state import ScoreState
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, ruleset

SARAH = Identifiers(email="sarah@example.com")
NOW = MONDAY + 3 * DAY


def witness_of(
    rule: str, past: tuple[Event, ...] = (), who: Identifiers = SARAH
) -> tuple[Event | None, ScoreState]:
    """The first witness that makes the only rule match, by the core; and the lead before it."""
    rules = ruleset(f"models:\n  m:\n    rules:\n      - {{id: r, points: 5, {rule}}}\n")
    state = new_state()
    extend(rules, state, new_journeys(rules, MONDAY), past, True)
    for each in witnesses(rules.rules[0], state, who, NOW):
        if matched_rules(rules, copied(state), each, NOW):
            return each, state
    return None, state


def said(witness: Event) -> dict[str, Any]:
    """What a witness says beyond its type."""
    parts = ("properties", "traits", "context", "consent")
    return {name: part for name in parts if (part := getattr(witness, name))}


ON_FIELDS = [
    ("{field: properties.a, eq: 5}", {"properties": {"a": 5}}),
    ("{field: properties.a, eq: true}", {"properties": {"a": True}}),
    ("{field: properties.a.b, eq: x}", {"properties": {"a": {"b": "x"}}}),
    ("{field: properties.a, in: [x, y]}", {"properties": {"a": "x"}}),
    ("{field: properties.a, ne: x}", {"properties": {"a": "something"}}),
    ("{field: properties.a, gte: 30}", {"properties": {"a": 30}}),
    ("{field: properties.a, gt: 30}", {"properties": {"a": 31}}),
    ("{field: properties.a, lte: 2.5}", {"properties": {"a": 2.5}}),
    ("{field: properties.a, gt: 5, lt: 6}", {"properties": {"a": 5.5}}),
    ("{field: properties.a, glob: '/pricing*'}", {"properties": {"a": "/pricing"}}),
    ("{field: properties.a, contains: chief}", {"properties": {"a": "chief"}}),
    ("{field: properties.a, matches: '^(x|y)[0-9]$'}", {"properties": {"a": "x1"}}),
    ("{field: properties.a, exists: true}", {"properties": {"a": "something"}}),
    ("{field: properties.a, exists: false}", {}),
    ("{not: {field: properties.a, eq: x}}", {}),
    ("{field: context.page.path, eq: /p}", {"context": {"page": {"path": "/p"}}}),
    ("{field: consent.ads, eq: true}", {"consent": {"ads": True}}),
    ("{field: traits.title, eq: boss}", {"traits": {"title": "boss"}}),
    ("{any: [{field: properties.a, eq: x}, {field: properties.b, eq: y}]}",
     {"properties": {"a": "x"}}),
    ("{all: [{field: properties.a, eq: x}, {field: properties.b, eq: y}]}",
     {"properties": {"a": "x", "b": "y"}}),
    ("{all: [{field: properties.a, glob: '/p*'}, {field: properties.a, contains: team}]}",
     {"properties": {"a": "/pteam"}}),
    ("{all: [{field: properties.a, in: [x, y]}, {not: {field: properties.a, eq: x}}]}",
     {"properties": {"a": "y"}}),
    (("{all: [{any: [{field: properties.a, eq: x}, {field: properties.a, eq: y}]}, "
     "{field: properties.a, ne: x}]}"), {"properties": {"a": "y"}}),
    ("{not: {any: [{field: properties.a, exists: false}, {field: properties.b, eq: x}]}}",
     {"properties": {"a": "something"}}),
    ("{field: identifiers.email, glob: '*@example.com'}", {}),
    ("{field: verdict.judgement, eq: unknown}", {}),
]  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), ON_FIELDS)
def test_an_event_is_made_for_each_kind_of_condition(when: str, expected: dict[str, Any]) -> None:
    """The simplest that satisfies it, and nothing beside."""
    witness, _ = witness_of(f"on: page_viewed, when: {when}")
    assert witness is not None
    assert (witness.type, said(witness)) == ("page_viewed", expected)


@pytest.mark.parametrize(
    ("on", "expected"),
    [("'webinar_*'", "webinar_attended"), ("[a thing, b]", "a thing"), ("'*'", "page_viewed"),
     ("'my_*'", "my_")],
)  # fmt: skip
def test_the_type_is_one_that_the_rule_is_on(on: str, expected: str) -> None:
    """A standard one where a pattern leaves the choice."""
    witness, _ = witness_of(f"on: {on}")
    assert witness is not None
    assert witness.type == expected


CONTRADICTIONS = [
    "on: a, when: {all: [{field: properties.a, eq: x}, {field: properties.a, eq: y}]}",
    "on: a, when: {field: type, eq: b}",
    "on: a, when: {field: properties.a, gt: 5, lt: 5}",
    "on: a, when: {field: identifiers.email, eq: other@example.com}",
    "on: a, when: {field: identifiers.phone, exists: true}",
    "on: a, when: {field: verdict.judgement, eq: bot}",
    "on: a, when: {field: identifiers.email, exists: false}",
    "on: stage_overridden",
    "on: a, when: {field: source, eq: operator}",
]


@pytest.mark.parametrize("rule", CONTRADICTIONS)
def test_what_this_lead_can_never_send_has_no_witness(rule: str) -> None:
    """Contradictions, somebody else's identifiers, robots, a person's word."""
    assert witness_of(rule)[0] is None


def test_traits_that_the_lead_has_are_not_said_again() -> None:
    """What else a trait holds stays; one that must be missing is taken away."""
    past = (event("lead_identified", traits={"title": "boss", "firm": {"size": 9, "name": "A"}}),)
    known, _ = witness_of("on: a, when: {field: traits.title, eq: boss}", past)
    nested, _ = witness_of("on: a, when: {field: traits.firm.size, eq: 10}", past)
    gone, _ = witness_of("on: a, when: {field: traits.title, exists: false}", past)
    assert known is not None
    assert nested is not None
    assert gone is not None
    assert said(known) == {}
    assert said(nested) == {"traits": {"firm": {"size": 10, "name": "A"}}}
    assert said(gone) == {"traits": {"title": None}}


def test_a_rule_that_holds_gets_the_traits_that_it_asks_for() -> None:
    """And nothing, where it asks for a trait to be missing."""
    begins, _ = witness_of("when: {field: traits.size, gte: 200}")
    missing, _ = witness_of("when: {not: {field: traits.size, exists: true}}")
    assert begins is not None
    assert missing is not None
    assert (begins.type, begins.traits) == ("lead_identified", {"size": 200})
    assert said(missing) == {}


VISIT = event("page_viewed", NOW - HOUR, path="/p")
OVER_TIME = [
    ("when: {count: {on: page_viewed, within: 1d, at_least: 2}}, on: '*'", True),
    ("when: {count: {on: page_viewed, within: 1d, at_least: 3}}, on: '*'", False),
    ("when: {count: {on: page_viewed, within: 1d, at_least: 2}}", True),
    ("when: {count: {on: page_viewed, within: 1d, at_most: 1}}, on: '*'", True),
    ("when: {count: {on: page_viewed, within: 1d, at_most: 0}}, on: '*'", False),
    ("when: {since: {on: email_clicked, within: 1d, when: {field: properties.a, eq: x}}}", True),
    ("when: {seen: {on: page_viewed, at_least: 2}}, on: '*'", True),
    ("when: {seen: {on: page_viewed, at_least: 4}}, on: '*'", False),
    ("when: {quiet: {on: email_clicked, for: 30m}}, on: '*'", True),
    ("when: {quiet: {on: page_viewed, for: 30d}}, on: '*'", False),
    ("when: {not: {quiet: {on: email_clicked, for: 1m}}}, on: '*'", True),
    ("when: {sequence: {steps: [{on: page_viewed}, {on: demo}], within: 1d}}, on: '*'", True),
    ("when: {sequence: {steps: [{on: demo}, {on: page_viewed}], within: 1d}}, on: '*'", False),
    ("when: {not: {sequence: {steps: [{on: page_viewed}, {on: b}], within: 1d}}}, on: [b, c]",
     True),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "made"), OVER_TIME)
def test_conditions_over_time_take_one_more_event_from_where_the_lead_is(
    rule: str, made: bool
) -> None:
    """One visit an hour ago: what one event completes has a witness, what takes more hasn't."""
    witness, _ = witness_of(rule, (VISIT,))
    assert (witness is not None) == made


def test_an_event_that_is_counted_has_what_is_counted() -> None:
    """The condition of a count, or of a last step, goes into the event."""
    counted, _ = witness_of(
        "when: {since: {on: email_clicked, within: 1d, when: {field: properties.a, eq: x}}}"
    )
    assert counted is not None
    assert (counted.type, counted.properties) == ("email_clicked", {"a": "x"})


def test_points_from_the_event_are_the_most_that_the_rule_gives() -> None:
    """By field up to its max, by table the best value."""
    rules = ruleset("""
models:
  m:
    rules:
      - {id: money, on: bought, points: {field: properties.amount, times: 0.1, max: 50}}
      - {id: rank, on: told, points: {table: properties.rank, values: {low: 1, high: 9}}}
      - {id: endless, on: bought, points: {field: properties.amount}}
""")
    made = [next(witnesses(rule, new_state(), SARAH, NOW)) for rule in rules.rules]
    assert [one.properties for one in made] == [{"amount": 500}, {"rank": "high"}, {}]


def test_where_each_value_scores_once_a_new_one_is_taken() -> None:
    """Of those that the condition allows."""
    past = (event("page_viewed", MONDAY, path="/p/"), event("page_viewed", MONDAY + 1, path="/p/x"))
    rule = "on: page_viewed, when: {field: context.page.path, glob: '/p/*'}"
    witness, _ = witness_of(f"{rule}, limit: {{once_per: context.page.path}}", past)
    assert witness is not None
    assert witness.context["page"]["path"] not in ("/p/", "/p/x")


def test_an_expression_is_not_looked_into() -> None:
    """It gets a witness when it happens to hold, else none."""
    pytest.importorskip("cel")
    assert witness_of("on: a, when: {cel: 'type == \"a\"'}")[0] is not None
    assert witness_of("on: a, when: {cel: 'properties.a > 100'}")[0] is None
