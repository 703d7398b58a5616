"""What events said of a lead's traits, and which of it stands."""

from __future__ import annotations

from typing import Any

from services.console.explanation import StoredEvent
from services.console.lead_commands import traits_told
from services.console.trait_answers import TraitHistory
from services.console.trait_history import MOST_VALUES, show_traits
from shared.bodies import pack_body
from shared.envelope import Event, Identifiers, Verdict, encode_event, instant


def said(at_ms: int, name: str, judgement: str = "human", **traits: Any) -> StoredEvent:
    """A stored event that tells of traits."""
    event = Event(
        id=name,
        source="web",
        type="lead_identified",
        occurred_at=instant(at_ms),
        received_at=instant(at_ms),
        identifiers=Identifiers(user_id="u-1"),
        traits=traits,
        verdict=Verdict(judgement),
    )
    return StoredEvent(at_ms, pack_body(encode_event(event)), None)


def values(kept: dict[str, Any], *events: StoredEvent) -> dict[str, list[tuple[Any, str, int]]]:
    """By trait, newest first: (value, the last event that said it, how many did in a row)."""
    return {
        trait.name: [(one.value, one.event_id, one.times) for one in trait.said]
        for trait in show_traits(kept, events)
    }


def test_each_value_is_told_with_the_events_that_said_it() -> None:
    """Said again it is one value, from its first event to its last; said anew later, another."""
    events = [
        said(3_000, "m3", title="CTO"),
        said(1_000, "m1", title="CEO"),
        said(4_000, "m4", title="CEO"),
        said(2_000, "m2", title="CTO"),
    ]
    [trait] = show_traits({"title": "CEO"}, events)
    assert (trait.name, trait.value, trait.more) == ("title", "CEO", False)
    assert [(one.value, one.event_id, one.times) for one in trait.said] == [
        ("CEO", "m4", 1),
        ("CTO", "m3", 2),
        ("CEO", "m1", 1),
    ]
    run = trait.said[1]
    assert (run.since, run.at) == ("1970-01-01T00:00:02.000Z", "1970-01-01T00:00:03.000Z")


def test_in_one_millisecond_the_last_by_id_is_the_newest() -> None:
    """As the scorer has it, whatever order the rows come in."""
    one, other = said(1_000, "a", title="CTO"), said(1_000, "b", title="CEO")
    expected = {"title": [("CEO", "b", 1), ("CTO", "a", 1)]}
    assert values({"title": "CEO"}, one, other) == expected
    assert values({"title": "CEO"}, other, one) == expected


def test_what_bots_say_is_not_heeded_and_null_takes_a_trait_away() -> None:
    """The trait is still told of, with null as what stands."""
    events = [
        said(1_000, "m1", title="CEO"),
        said(2_000, "m2", title=None),
        said(3_000, "m3", "bot", title="robot"),
    ]
    [trait] = show_traits({}, events)
    assert trait.value is None
    assert [one.value for one in trait.said] == [None, "CEO"]


def test_numbers_and_truth_values_that_python_holds_equal_are_different_values() -> None:
    """1, true and 1.0 differ for rules, so they differ here."""
    events = [said(1_000, "m1", size=1), said(2_000, "m2", size=True), said(3_000, "m3", size=1.0)]
    assert [value for value, _, _ in values({}, *events)["size"]] == [1.0, True, 1]


def test_a_trait_that_no_event_read_tells_of_is_there_without_them() -> None:
    """Its events are of another page, or deleted."""
    assert values({"plan": "pro"}, said(1_000, "m1", title="CEO")) == {
        "plan": [],
        "title": [("CEO", "m1", 1)],
    }


def test_of_many_values_the_newest_are_told() -> None:
    """And that there are more."""
    events = [said(at, f"m{at}", step=at) for at in range(1, MOST_VALUES + 2)]
    [trait] = show_traits({"step": MOST_VALUES + 1}, events)
    assert (len(trait.said), trait.said[-1].value, trait.more) == (MOST_VALUES, 2, True)


def test_the_command_tells_the_value_first_and_who_said_it_below() -> None:
    """And that not all events were read."""
    events = [said(1_000, "m1", title="CEO"), said(2_000, "m2", title="CEO")]
    found = TraitHistory(
        items=show_traits({"title": "CEO"}, events), events=2, merged_into=None, next_cursor="x"
    )
    assert traits_told(found) == [
        'title: "CEO"',
        (
            '    1970-01-01T00:00:02.000Z  "CEO"  lead_identified m2 of web, and 1 before since '
            "1970-01-01T00:00:01.000Z"
        ),
        "only the newest 2 events were read",
    ]
