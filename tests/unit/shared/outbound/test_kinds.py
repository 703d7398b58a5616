"""What may be asked of a destination, who gets a message, and which parts of it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.outbound.filters import fits
from shared.outbound.kinds import Fields, Filter, WishError, wishes_of
from shared.outbound.selection import selected

CHANGE: dict[str, Any] = {
    "lead_id": "1", "sequence": 2, "journey": "main", "from_stage": "inform", "to_stage": "educate",
}  # fmt: skip
PACKET: dict[str, Any] = {
    "lead_id": "1", "sequence": 3, "stage": {"journey": "main", "name": "validate"},
    "owner": "ann", "segments": ["large", "b2b"], "grade": "A1",
    "who": {"emails": ["sarah@adviser.example"], "traits": {"name": "Sarah", "city": "Graz"}},
    "reasons": [{"words": "read", "points": 5}, {"words": "came", "points": 1}],
}  # fmt: skip
MERGE: dict[str, Any] = {"lead_id": "1", "sequence": 4, "journey": "main", "stage": "validate"}


@pytest.mark.parametrize(
    ("asked", "change", "packet", "merge"),
    [
        ({}, True, True, True),
        ({"types": ["handoff.*"]}, False, True, False),
        ({"types": ["lead.merged", "lead.stage_changed"]}, True, False, True),
        ({"types": ["handoff"]}, False, False, False),
        ({"stages": ["validate"]}, False, True, True),
        ({"stages": ["inform"]}, False, False, False),
        ({"journeys": ["main"]}, True, True, True),
        ({"journeys": ["renewal"]}, False, False, False),
        ({"owners": ["ann", "bob"]}, False, True, False),
        ({"segments": ["b2b"]}, False, True, False),
        ({"grades": ["A1"], "owners": ["bob"]}, False, False, False),
        ({"grades": ["A1"], "types": ["handoff.*"]}, False, True, False),
    ],
)
def test_all_that_a_filter_names_must_fit(
    asked: dict[str, Any], change: bool, packet: bool, merge: bool
) -> None:
    """A message that doesn't tell a thing doesn't fit where it is asked for."""
    wanted = Filter.model_validate(asked)
    assert fits(wanted, "lead.stage_changed", CHANGE) is change
    assert fits(wanted, "handoff.sales", PACKET) is packet
    assert fits(wanted, "lead.merged", MERGE) is merge


def test_a_filter_bears_data_of_any_shape() -> None:
    """What is not as it should be doesn't fit, and harms nobody."""
    odd = {"stage": 5, "segments": "b2b", "grade": ["A1"], "owner": None, "journey": {}}
    asked = Filter(journeys=["main"], segments=["b2b"])
    assert not fits(asked, "handoff.sales", odd)


def test_included_paths_are_all_there_is_and_what_orders_messages() -> None:
    """A path that isn't there brings nothing."""
    fields = Fields(include=["who.traits.city", "reasons.words", "grade", "account.name"])
    assert selected(fields, PACKET) == {
        "lead_id": "1", "sequence": 3, "grade": "A1", "who": {"traits": {"city": "Graz"}},
        "reasons": [{"words": "read"}, {"words": "came"}],
    }  # fmt: skip


def test_excluded_paths_are_gone_and_the_rest_is_there() -> None:
    """Through lists, too; the data that is kept isn't touched."""
    left = selected(Fields(exclude=["who.traits", "reasons.points", "grade.x"]), PACKET)
    assert left["who"] == {"emails": ["sarah@adviser.example"]}
    assert left["reasons"] == [{"words": "read"}, {"words": "came"}]
    assert left["grade"] == "A1"
    assert PACKET["who"]["traits"] == {"name": "Sarah", "city": "Graz"}
    assert selected(Fields(), PACKET) == PACKET


@pytest.mark.parametrize(
    ("kind", "asked", "where"),
    [
        ("fax", {}, "fax"),
        ("webhook", {"to": ["a@b.example"]}, "to"),
        ("webhook", {"rate": 0}, "rate"),
        ("webhook", {"fields": {"include": ["a"], "exclude": ["b"]}}, "fields"),
        ("webhook", {"fields": {"include": ["a..b"]}}, "fields.include.0"),
        ("webhook", {"fields": {"exclude": ["sequence"]}}, "fields"),
        ("webhook", {"filter": {"types": ["handoff sales"]}}, "filter.types.0"),
        ("webhook", {"filter": {"stages": ["a\nb"]}}, "filter.stages.0"),
        ("webhook", {"headers": {"Content-Length": "5"}}, "headers"),
        ("webhook", {"headers": {"Webhook-Signature": "s3cret-value"}}, "headers"),
        ("webhook", {"headers": {"X A": "s3cret-value"}}, "headers"),
        ("webhook", {"headers": {"X-A": "s3cret-value\r\n"}}, "headers"),
        ("webhook", {"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ("webhook", {"headers": {"X-A": ["s3cret-value"]}}, "headers"),
        ("email", {}, "to"),
        ("email", {"to": []}, "to"),
        ("email", {"to": ["ann"]}, "to.0"),
        ("slack", {"headers": {"X-A": "1"}}, "headers"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_place(
    kind: str, asked: dict[str, Any], where: str
) -> None:
    """Never by its value: that may be a secret."""
    with pytest.raises(WishError) as told:
        wishes_of(kind, asked)
    assert where in str(told.value)
    assert "s3cret-value" not in str(told.value)


def test_people_get_hand_offs_unless_they_ask_for_more() -> None:
    """A mail for each move of each lead is read by nobody."""
    assert wishes_of("slack", {}).filter.types == ["handoff.*", "lead.alert"]
    assert wishes_of("slack", {"filter": {"grades": ["A1"]}}).filter.types == []
    assert wishes_of("webhook", {}).filter.types == []
