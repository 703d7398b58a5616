"""The explanation of a score: complete, in order, and exact to the last digit shown."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.console.explanation import (
    StoredEvent,
    TimeGiven,
    Untold,
    explain,
    models_that_differ,
)
from services.console.ruleset_view import UnknownRuleError, view_of
from services.console.sums import worth_of_entries
from shared.decay import faded
from shared.ledger import Entry, encode_entries
from shared.ruleset.document import RulesetDocument

DAY_MS = 86_400_000
NOW_MS = 1_780_000_000_000

DOCUMENT = RulesetDocument.model_validate({
    "models": {
        "engagement": {
            "decay": {"half_life": "30d"},
            "rules": [
                {"id": "pricing-page", "on": "page_viewed", "points": 10,
                 "say": "looked at prices"},
                {"id": "download", "on": "content_downloaded", "points": 25,
                 "decay": {"half_life": "90d"}, "say": "downloaded {properties.title}"},
                {"id": "gone-quiet", "after": {"quiet": "30d"}, "points": -15, "say": "was quiet",
                 "decay": "none"},
            ],
        },
        "fit": {
            "decay": "none",
            "floor": 0,
            "cap": 50,
            "rules": [{"id": "senior-title", "on": "page_viewed", "points": 4}],
        },
        "recent": {
            "rules": [
                {"id": "week", "on": "page_viewed", "points": 4, "decay": {"window": "7d"}},
                {"id": "line", "on": "page_viewed", "points": 4,
                 "decay": {"linear": {"to_zero_in": "60d"}}},
            ],
        },
        "readiness": {"combined": {"formula": "engagement * 0.5 + fit"}, "cap": 30},
    },
    "stages": {"ladder": [{"name": "inform"}]},
})  # fmt: skip
RULESET = view_of(
    7,
    DOCUMENT,
    {
        "engagement/pricing-page": 1,
        "engagement/download": 2,
        "fit/senior-title": 3,
        "engagement/gone-quiet": 4,
        "recent/week": 5,
        "recent/line": 6,
    },
)


def stored(at_ms: int, name: str, *entries: Entry, packed: bool = False) -> StoredEvent:
    """An event row as the scorer writes it."""
    body = {
        "v": 1,
        "id": name,
        "source": "web",
        "type": "page_viewed",
        "properties": {"title": "The Guide"},
    }
    raw = json.dumps(body).encode()
    return StoredEvent(
        at_ms, zstandard.compress(raw) if packed else raw, encode_entries(list(entries))
    )


def rows(events: list[StoredEvent]) -> list[tuple[int, bytes]]:
    """The same as instants and entries."""
    return [(event.occurred_ms, event.entries or b"") for event in events]


def test_an_entry_says_what_it_was_and_what_is_left_of_it() -> None:
    """After one half-life half of the points are left, and the entry names event and rule."""
    event = stored(NOW_MS - 30 * DAY_MS, "m1", Entry(1, 10.0, 10.0))
    explained = explain(RULESET, [event], NOW_MS)
    (entry,) = explained["engagement"].entries
    assert entry.model_dump() == {
        "event_id": "m1",
        "source": "web",
        "type": "page_viewed",
        "rule": "pricing-page",
        "rule_number": 1,
        "points": 10.0,
        "raw": 10.0,
        "clipped": "",
        "cut_by": "",
        "value_now": 5.0,
        "occurred_at": "2026-04-28T20:26:40.000Z",
        "ruleset_version": 7,
        "reason": "looked at prices",
    }
    assert explained["engagement"].score == 5.0


def test_a_model_without_entries_is_shown_with_zero() -> None:
    """Every model of the ruleset is answered, also when nothing was earned in it."""
    explained = explain(RULESET, [], NOW_MS)
    assert {name: (model.score, model.entries) for name, model in explained.items()} == {
        "engagement": (0.0, []),
        "fit": (0.0, []),
        "recent": (0.0, []),
        "readiness": (0.0, []),
    }


def test_compressed_bodies_are_read() -> None:
    """Bodies stored as zstd frames explain as well as plain ones, and reasons quote them."""
    event = stored(NOW_MS, "m1", Entry(2, 20.0, 25.0, "cap"), packed=True)
    (entry,) = explain(RULESET, [event], NOW_MS)["engagement"].entries
    assert entry.reason == "downloaded The Guide (cap: 20 of 25 points)"


def test_events_after_the_instant_are_left_out() -> None:
    """An explanation of the past knows nothing of what came later."""
    events = [
        stored(NOW_MS - DAY_MS, "m1", Entry(3, 4.0, 4.0)),
        stored(NOW_MS, "m2", Entry(3, 2.0, 2.0)),
    ]
    explained = explain(RULESET, events, NOW_MS - 1)
    assert [entry.event_id for entry in explained["fit"].entries] == ["m1"]


def test_entries_stand_in_the_order_of_granting_however_rows_come() -> None:
    """Ties in time are broken by source and event id, as the scorer breaks them."""
    rows = [stored(NOW_MS, name, Entry(1, 1.0, 1.0)) for name in ("c", "a", "b")]
    explained = explain(RULESET, rows, NOW_MS)
    assert [entry.event_id for entry in explained["engagement"].entries] == ["a", "b", "c"]


def test_an_entry_of_an_unknown_rule_is_an_error() -> None:
    """Points that can't be explained are never left out silently."""
    with pytest.raises(UnknownRuleError, match="99"):
        explain(RULESET, [stored(NOW_MS, "m1", Entry(99, 1.0, 1.0))], NOW_MS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 5, 6]),
            st.floats(-1000, 1000, allow_nan=False),
            st.integers(0, 400 * DAY_MS),
        ),
        max_size=60,
    )
)
def test_the_values_add_up_to_the_score_as_decimals(
    earned: list[tuple[int, float, int]],
) -> None:
    """Whatever was earned and however it decayed: the numbers shown sum to the score shown."""
    events = [
        stored(NOW_MS - age, f"m{index}", Entry(rule, points, points))
        for index, (rule, points, age) in enumerate(earned)
    ]
    for model in explain(RULESET, events, NOW_MS).values():
        read = json.loads(model.model_dump_json(), parse_float=Decimal)
        lines = [entry["value_now"] for entry in read["entries"]]
        lines += [line["value"] for line in read["computed"]]
        assert sum(lines, Decimal(0)) == read["score"]
        for entry in model.entries:
            rule = next(rule for rule in RULESET.rules.values() if rule.name == entry.rule)
            granted_ms = NOW_MS - earned[int((entry.event_id or "")[1:])][2]
            left = faded(entry.points, granted_ms, NOW_MS, rule.fades, rule.length_ms)
            assert entry.value_now == pytest.approx(left, abs=1.1e-6)


def test_what_time_took_is_told_among_the_events() -> None:
    """An entry of time names no event, and stands before the events of the same instant."""
    quiet = TimeGiven(NOW_MS, encode_entries([Entry(4, -15.0, -15.0)]) or b"")
    events = [stored(NOW_MS, "m1", Entry(1, 10.0, 10.0))]
    explained = explain(RULESET, events, NOW_MS, [quiet])["engagement"]
    assert [(one.event_id, one.type, one.reason, one.value_now) for one in explained.entries] == [
        (None, "time", "was quiet", -15.0),
        ("m1", "page_viewed", "looked at prices", 10.0),
    ]
    assert explained.score == -5.0


def test_floors_caps_and_formulas_are_lines_of_their_own() -> None:
    """What no entry tells is computed: entries and computed lines are the score together."""
    events = [
        stored(NOW_MS, "m1", Entry(1, 10.0, 10.0)),
        stored(NOW_MS, "m2", Entry(3, 70.0, 70.0)),
    ]
    explained = explain(RULESET, events, NOW_MS)
    fit, readiness = explained["fit"], explained["readiness"]
    assert (fit.score, [(line.line, line.value) for line in fit.computed]) == (
        50.0,
        [("cap", -20.0)],
    )
    assert readiness.members == {"engagement": 10.0, "fit": 50.0}
    assert [(line.line, line.value) for line in readiness.computed] == [
        ("formula", 55.0),
        ("cap", -25.0),
    ]
    assert readiness.score == 30.0
    low = explain(RULESET, [stored(NOW_MS, "m1", Entry(3, -8.0, -8.0))], NOW_MS)["fit"]
    assert (low.score, [(line.line, line.value) for line in low.computed]) == (
        0.0,
        [("floor", 8.0)],
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 2, 3, 5, 6]),
            st.floats(-1000, 1000, allow_nan=False),
            st.integers(0, 400 * DAY_MS),
        ),
        max_size=60,
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_a_page_and_what_the_rest_is_worth_are_the_score_as_decimals(
    earned: list[tuple[int, float, int]], first: int, second: int
) -> None:
    """Whatever part of a history is told, the lines are the score, and it is the same one."""
    events = [
        stored(NOW_MS - age, f"m{index:02}", Entry(rule, points, points))
        for index, (rule, points, age) in enumerate(sorted(earned, key=lambda one: -one[2]))
    ]
    begin, end = sorted((min(first, len(events)), min(second, len(events))))
    untold = Untold(
        later=worth_of_entries(RULESET, rows(events[end:]), NOW_MS),
        whole=worth_of_entries(RULESET, rows(events), NOW_MS) if begin else None,
    )
    whole = explain(RULESET, events, NOW_MS)
    page = explain(RULESET, events[begin:end], NOW_MS, untold=untold)
    for name, model in page.items():
        read = json.loads(model.model_dump_json(), parse_float=Decimal)
        lines = [entry["value_now"] for entry in read["entries"]]
        lines += [line["value"] for line in read["computed"]]
        assert sum(lines, read["earlier"] + read["later"]) == read["score"]
        assert model.score == pytest.approx(whole[name].score, abs=1.1e-6)
        for lines_worth, apart in ((model.earlier, events[:begin]), (model.later, events[end:])):
            worth = worth_of_entries(RULESET, rows(apart), NOW_MS)[name]
            assert lines_worth == pytest.approx(worth, abs=1.1e-6)
        if not begin:
            assert model.earlier == 0.0


def test_entries_of_zero_points_are_told_with_the_reason() -> None:
    """What a limit or a verdict cut to nothing is listed, and adds nothing."""
    events = [
        stored(NOW_MS, "m1", Entry(1, 0.0, 10.0, "limit")),
        stored(NOW_MS, "m2", Entry(1, 0.0, 10.0, "bot")),
    ]
    explained = explain(RULESET, events, NOW_MS)["engagement"]
    assert [(one.clipped, one.value_now) for one in explained.entries] == [
        ("limit", 0.0),
        ("bot", 0.0),
    ]
    assert explained.score == 0.0


def test_an_entry_names_the_bound_that_cut_it_and_what_told_the_bot() -> None:
    """Not just that there was a cap, but which, and how high; the reason says the same."""
    cut = [
        stored(NOW_MS - 1, "m1", Entry(3, 1.5, 4.0, "cap")),
        stored(NOW_MS, "m2", Entry(3, 0.0, -4.0, "floor")),
    ]
    body = json.loads(cut[0].body) | {"verdict": {"judgement": "bot", "why": "crawler"}}
    bot = StoredEvent(
        NOW_MS + 1, json.dumps(body).encode(), encode_entries([Entry(3, 0.0, 4.0, "bot")])
    )
    told = explain(RULESET, [*cut, bot], NOW_MS + 1)["fit"].entries
    assert [(one.cut_by, one.reason) for one in told] == [
        ("cap fit 50", "page viewed (cap fit 50: 1.5 of 4 points)"),
        ("floor fit 0", "page viewed (floor fit 0: 0 of -4 points)"),
        ("bot: crawler", "page viewed (bot: crawler: 0 of 4 points)"),
    ]


def test_a_difference_from_the_stored_score_is_found() -> None:
    """Only what is beyond rounding counts as a difference."""
    explained = explain(RULESET, [stored(NOW_MS, "m1", Entry(3, 4.0, 4.0))], NOW_MS)
    assert models_that_differ(explained, {"fit": 4.000001, "readiness": 4.0}) == []
    assert models_that_differ(explained, {"fit": 4.1, "readiness": 4.0}) == ["fit"]
    assert models_that_differ(explained, {"fit": 4.0, "readiness": 4.0, "gone": 1.0}) == ["gone"]
