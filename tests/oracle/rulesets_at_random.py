"""Random rulesets, as plain YAML values: everything that models and ladders can be."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.oracle.conditions_at_random import (
    WORDS,
    Plain,
    between_events,
    conditions,
    field_conditions,
    fields,
    lengths,
    trait_fields,
    types,
)
from tests.oracle.ladders_at_random import journeys

decays = st.one_of(
    st.just("none"),
    st.builds(lambda length: {"half_life": length}, lengths),
    st.builds(lambda length: {"window": length}, lengths),
    st.builds(lambda length: {"linear": {"to_zero_in": length}}, lengths),
)
half_lives = st.one_of(st.just("none"), st.builds(lambda one: {"half_life": one}, lengths))
periods = st.sampled_from(["hour", "day", "week", "month", "ever"])
caps_per = st.dictionaries(
    st.sampled_from(["hour", "day", "week", "month"]),
    st.sampled_from([7, 15.5, 31]), min_size=1, max_size=2,
)  # fmt: skip
dates = ["2026-10-31T23:45:00Z", "2026-10-31T23:55:30+00:00", "2026-11-01", "2026-11-02"]


def limits(over: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """Any limit."""
    return st.one_of(
        st.just("once"),
        st.builds(lambda n, per: {"times": n, "per": per}, st.integers(1, 3), periods),
        st.builds(lambda f: {"once_per": f}, over),
        st.builds(
            lambda f, n, per: {"once_per": f, "times": n, "per": per},
            over, st.integers(1, 3), periods,
        ),
    )  # fmt: skip


@st.composite
def points(draw: st.DrawFn, over: st.SearchStrategy[str]) -> object:
    """Fixed points mostly, else from a field or a table."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        least, most = draw(st.sampled_from([(-5, 9.5), (0, 20), (1, 4)]))
        times = draw(st.sampled_from([1, 0.1, -2, 3.5]))
        found: Plain = {"field": draw(over), "times": times, "min": least, "max": most}
    elif kind == 1:
        known = draw(
            st.dictionaries(st.sampled_from([w for w in WORDS if w]), st.integers(-9, 20),
                            min_size=1, max_size=4)
        )  # fmt: skip
        found = {"table": draw(over), "values": known}
    else:
        return draw(st.one_of(st.integers(1, 30), st.integers(-20, 30).filter(bool)))
    if draw(st.booleans()):
        found["default"] = draw(st.sampled_from([0, 3, -4.5]))
    return found


@st.composite
def valid(draw: st.DrawFn) -> Plain:
    """A time in which a rule counts."""
    first, last = sorted(draw(st.lists(st.integers(0, 3), min_size=2, max_size=2, unique=True)))
    keys = draw(st.sampled_from([["from"], ["to"], ["from", "to"]]))
    return {key: dates[first if key == "from" else last] for key in keys}


@st.composite
def rules(draw: st.DrawFn, groups: list[str], named: tuple[Plain, ...], fades: object) -> Plain:
    """A rule on events mostly; else one that holds, or on silence."""
    kind = draw(st.integers(0, 6))
    over = fields if kind > 2 else trait_fields
    rule: Plain = {"points": draw(points(over))}
    if groups and draw(st.booleans()):
        rule["group"] = draw(st.sampled_from(groups))
    if kind <= 1:
        return {**rule, "when": draw(between_events(named))}
    if kind == 2:
        rule["after"] = {"quiet": draw(lengths)}
        if draw(st.booleans()):
            rule["after"]["on"] = draw(types)
        when = between_events(named)
    else:
        rule["on"] = draw(st.one_of(st.just("*"), types))
        when = conditions(named=named)
    for key, strategy in (
        ("when", when), ("limit", limits(over)), ("decay", fades), ("valid", valid()),
    ):  # fmt: skip
        if draw(st.integers(0, 4 if key == "valid" else 2)) == 0:
            rule[key] = draw(strategy)
    return rule


@st.composite
def models(draw: st.DrawFn, most_rules: int, named: tuple[Plain, ...], *, plain: bool) -> Plain:
    """A model with rules. plain: it fades by half-lives alone."""
    fades = half_lives if plain else decays
    groups: Plain = {}
    for name in draw(st.sampled_from([[], ["one"], ["one", "two"]])):
        group: Plain = {}
        if draw(st.booleans()):
            group["cap"] = draw(st.sampled_from([6, 12.5, 30]))
        if draw(st.booleans()):
            group["cap_per"] = draw(caps_per)
        groups[name] = group
    listed = draw(st.lists(rules(list(groups), named, fades), min_size=1, max_size=most_rules))
    model: Plain = {
        "decay": draw(fades),
        "groups": groups,
        "rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(listed)],
    }
    for key, strategy in (
        ("cap", st.sampled_from([25, 40, 55.5])), ("floor", st.sampled_from([0, -8.5])),
        ("cap_per", caps_per),
    ):  # fmt: skip
        if draw(st.integers(0, 2)) == 0:
            model[key] = draw(strategy)
    return model


# Nothing at the start reaches a threshold: floors and formulas of no points stay at 0 or below.
formulas = st.sampled_from(
    ["e + f", "e * 0.6 + min(f, 12)", "max(e, f) - 3", "-(e + 2) * 2 + f / 4", "e * f / 10",
     "min(e, max(f, 4), 30) - 1"]
)  # fmt: skip
weights = st.fixed_dictionaries({"e": st.sampled_from([0.6, 1, -0.5]), "f": st.just(0.4)})


defaults = st.dictionaries(
    st.sampled_from(["scoring", "scoring", "analytics", "marketing_email", "sales_contact"]),
    st.sampled_from(["granted", "denied"]), max_size=3,
)  # fmt: skip
policies = st.fixed_dictionaries(
    {},
    optional={
        "default": defaults,
        "regions": st.lists(
            st.fixed_dictionaries({"when": field_conditions(), "default": defaults}), max_size=2
        ).map(lambda listed: [{"id": f"at{n}", **one} for n, one in enumerate(listed)]),
    },
)


@st.composite
def rulesets(draw: st.DrawFn, most_rules: int = 4) -> Plain:
    """A whole ruleset."""
    document: Plain = {}
    named: tuple[Plain, ...] = ()
    if draw(st.booleans()):
        document["segments"] = [{"id": "seg", "title": "S", "when": draw(between_events())}]
        document["personas"] = [
            {"id": f"per{n}", "title": "P", "when": draw(between_events())} for n in range(2)
        ]
        named = ({"segment": "seg"}, {"persona": "per0"}, {"persona": "per1"})
    names = draw(st.sampled_from([["e"], ["e", "f"], ["e", "f", "g"]]))
    plain = draw(st.integers(0, 3)) == 0
    listed: Plain = {name: draw(models(most_rules, named, plain=plain)) for name in names}
    if len(names) > 1 and draw(st.booleans()):
        listed["c"] = {
            "combined": draw(
                st.one_of(
                    st.builds(lambda text: {"formula": text}, formulas),
                    st.builds(lambda each: {"weights": each}, weights),
                )
            )
        }
        if draw(st.booleans()):
            listed["c"].update({"floor": 0, "cap": 25})
        names = [*names, "c"]
    document["models"] = listed
    if draw(st.integers(0, 3)) == 0:
        document["consent"] = draw(policies)
    if draw(st.booleans()):
        document["grade"] = {
            "fit": names[-1], "engagement": names[0],
            "fit_bounds": {"A": 20, "B": 3.5}, "engagement_bounds": {"1": 12, "2": 4},
        }  # fmt: skip
        document["bands"] = {
            name: [{"name": "cold"}, {"name": "warm", "from": 3}, {"name": "hot", "from": 14.5}]
            for name in names
        }
    fading = "half_life" in repr(listed)
    document["stages"] = draw(journeys(names, named, fading=fading))
    if draw(st.integers(0, 3)) == 0:
        other = draw(journeys(names, named, fading=fading))
        if draw(st.booleans()):
            other["when"] = draw(between_events(named))
        document["journeys"] = {"other": other}
    return document
