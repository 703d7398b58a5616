"""Random rulesets and histories for property tests, as plain YAML values and dicts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from services.scorer.core.compile import Ruleset, compile_ruleset
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.ruleset.reading import read_ruleset

# A Thursday evening at the end of a month: hours, days, weeks and months all end soon after.
START_MS = 1_793_479_200_000  # 2026-10-31T22:00:00Z, a Saturday
TYPES = ("page_viewed", "page_left", "email_clicked", "custom thing")
WORDS = ("/pricing", "/pricing/team", "/blog/a", "Chief of staff", "chief", "", "5", "12.5")

values = st.one_of(
    st.sampled_from(WORDS), st.integers(-3, 12), st.booleans(), st.none(),
    st.lists(st.sampled_from(WORDS), max_size=2),
)  # fmt: skip
fields = st.sampled_from(
    ["properties.a", "properties.b", "context.page.path", "traits.title", "traits.size",
     "type", "source", "identifiers.email", "properties.deep.er"]
)  # fmt: skip
trait_fields = st.sampled_from(["traits.title", "traits.size"])
scalars = st.one_of(st.sampled_from(WORDS), st.integers(-3, 12), st.booleans())
patterns = st.sampled_from(["/pricing*", "*chief*", "*/team", "/blog/?", "*", "5", "/p*g"])


@st.composite
def leaf(draw: st.DrawFn, over: st.SearchStrategy[str] = fields) -> dict[str, Any]:
    name, operand = draw(
        st.one_of(
            st.tuples(st.sampled_from(["eq", "ne"]), scalars),
            st.tuples(st.just("in"), st.lists(scalars, min_size=1, max_size=3)),
            st.tuples(st.just("glob"), st.one_of(patterns, st.lists(patterns, min_size=1))),
            st.tuples(st.just("contains"), st.lists(st.sampled_from(WORDS), min_size=1)),
            st.tuples(st.just("matches"), st.sampled_from(["^/b", "chief|team", "[0-9]", "a$"])),
            st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-3, 12)),
            st.tuples(st.just("exists"), st.booleans()),
        )
    )
    condition = {"field": draw(over), name: operand}
    if draw(st.booleans()):
        condition["ignore_case"] = True
    return condition


def conditions(over: st.SearchStrategy[str] = fields) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaf(over),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=4,
    )


decays = st.sampled_from(["none", {"half_life": "7m"}, {"half_life": "1h"}, {"half_life": "40s"}])
points = st.one_of(st.integers(1, 30), st.integers(-20, 30).filter(bool))
periods = st.sampled_from(["hour", "day", "week", "month", "ever"])
limits = st.one_of(
    st.just("once"),
    st.builds(lambda n, per: {"times": n, "per": per}, st.integers(1, 3), periods),
    st.builds(lambda f: {"once_per": f}, fields),
    st.builds(
        lambda f, n, per: {"once_per": f, "times": n, "per": per},
        fields,
        st.integers(1, 3),
        periods,
    ),
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    rule: dict[str, Any] = {"points": draw(points)}
    if draw(st.integers(0, 3)) == 0:
        rule["when"] = draw(conditions(trait_fields))
        return rule
    rule["on"] = draw(
        st.one_of(
            st.sampled_from([*TYPES, "page_*", "*"]),
            st.lists(st.sampled_from(TYPES), min_size=1, max_size=3),
        )
    )
    for key, strategy in (("when", conditions()), ("limit", limits), ("decay", decays)):
        if draw(st.integers(0, 2)) == 0:
            rule[key] = draw(strategy)
    return rule


@st.composite
def rulesets(draw: st.DrawFn, most_rules: int = 5) -> dict[str, Any]:
    models = {}
    for name in draw(st.sampled_from([["e"], ["e", "f"], ["e", "f", "g"]])):
        listed = draw(st.lists(rules(), min_size=1, max_size=most_rules))
        model: dict[str, Any] = {
            "decay": draw(decays),
            "rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(listed)],
        }
        if draw(st.booleans()):
            model["cap"] = draw(st.sampled_from([25, 40, 55.5]))
        models[name] = model
    return {"models": models, "stages": {"ladder": draw(ladders(sorted(models)))}}


@st.composite
def ladders(draw: st.DrawFn, models: list[str]) -> list[dict[str, Any]]:
    rungs: list[dict[str, Any]] = [{"name": "s0"}]
    least = 0
    for number in range(1, draw(st.integers(2, 5))):
        least += draw(st.integers(1, 6))  # at most 24: what no cap puts out of reach
        entered_by = draw(st.lists(st.sampled_from(models), min_size=1, unique=True))
        rung: dict[str, Any] = {"name": f"s{number}", "enter": dict.fromkeys(entered_by, least)}
        if draw(st.integers(0, 3)):
            rung["leave"] = dict.fromkeys(entered_by, least - 0.75)
            if draw(st.booleans()):
                rung["dwell"] = draw(st.sampled_from(["30s", "10m"]))
        if draw(st.booleans()):
            rung["handoff"] = draw(st.sampled_from(["content", "sales"]))
        rungs.append(rung)
    return rungs


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    traits = st.dictionaries(st.sampled_from(["title", "size"]), values, max_size=2)
    return {
        "id": str(draw(st.integers(0, 40))),
        "source": draw(st.sampled_from(["web", "mail"])),
        "type": draw(st.sampled_from(TYPES)),
        "ms": START_MS + 1000 * draw(st.one_of(st.integers(0, 600), st.integers(0, 4 * 3600))),
        "properties": draw(st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2)),
        "traits": draw(traits) if draw(st.booleans()) else {},
        "context": draw(
            st.one_of(
                st.just({}),
                st.builds(lambda path: {"page": {"path": path}}, st.sampled_from(WORDS)),
            )
        ),
        "identifiers": {"email": "sarah@example.com"},
        "bot": draw(st.integers(0, 9)) == 0,
    }


def _unique(line: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(event["source"], event["id"]): event for event in line}.values())


histories = st.one_of(
    st.lists(events(), max_size=4), st.lists(events(), min_size=8, max_size=25)
).map(_unique)


def compiled(ruleset: dict[str, Any], version: int = 1) -> Ruleset:
    """Through the real reader: JSON is YAML."""
    document = read_ruleset(json.dumps(ruleset))
    numbers = {name: n + 1 for n, name in enumerate(document.rule_names())}
    return compile_ruleset(document, numbers, version)


def event_of(plain: dict[str, Any]) -> Event:
    at = instant(plain["ms"])
    return Event(
        id=plain["id"],
        source=plain["source"],
        type=plain["type"],
        occurred_at=at,
        received_at=at,
        identifiers=Identifiers(**plain["identifiers"]),
        properties=plain["properties"],
        traits=plain["traits"],
        context=plain["context"],
        verdict=Verdict("bot" if plain["bot"] else "human"),
    )
