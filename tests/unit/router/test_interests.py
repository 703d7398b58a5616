"""What a person is interested in is read off what their deeds are about."""

from __future__ import annotations

from typing import Any

from services.router.interests import A_KIND_MAX, NAME_MAX, interests_of, names_of
from shared.envelope import Verdict
from tests.unit.router.people import NOW_MS, event


def test_newer_and_weightier_deeds_count_for_more() -> None:
    """Half after 30 days; a purchase three times; the same name in any spelling is one."""
    found = interests_of(
        [
            event("page_viewed", 0, properties={"category": "Loans"}),
            event("page_viewed", 30, properties={"category": "loans"}),
            event("purchase_made", 30, properties={"category": "Pensions", "brand": "Acme"}),
        ],
        NOW_MS,
    )
    assert [(one.kind, one.name, one.weight, one.times) for one in found] == [
        ("category", "Loans", 1.5, 2),
        ("category", "Pensions", 1.5, 1),
        ("brand", "Acme", 1.5, 1),
    ]
    assert found[0].last_at == "2026-05-03T09:20:00.000Z"


def test_an_orders_items_lists_and_tastes_count() -> None:
    """Each name once an event, however often it stands in it."""
    order = event(
        "purchase_made",
        properties={
            "items": [{"brand": "Bolt"}, {"brand": "Bolt", "category": "Tools"}, "junk"],
            "tags": ["calm", "blue", 3, None, {"a": 1}],
        },
    )
    found = {(one.kind, one.name): one.times for one in interests_of([order], NOW_MS)}
    assert found == {
        ("brand", "Bolt"): 1,
        ("category", "Tools"): 1,
        ("taste", "blue"): 1,
        ("taste", "calm"): 1,
    }


def test_mails_robots_and_our_own_deeds_tell_nothing() -> None:
    """A mail's tags are its sender's."""
    tagged: dict[str, Any] = {"properties": {"tags": ["spring"], "category": "x"}}
    events = [
        event("email_clicked", **tagged),
        event("page_viewed", verdict=Verdict("bot", "agent"), **tagged),
        event("stage_overridden", source="operator", **tagged),
        event("purchase_refunded", **tagged),
    ]
    assert interests_of(events, NOW_MS) == []


def test_they_are_bounded() -> None:
    """By kind, by length, and by how many one event may name."""
    flood = event("page_viewed", properties={"tags": [f"{n} {'x' * 500}" for n in range(9999)]})
    found = interests_of([flood] * 3, NOW_MS)
    assert len(found) == A_KIND_MAX
    assert all(len(one.name) <= NAME_MAX for one in found)


def test_names_alone_are_the_strongest_of_all_kinds_each_once() -> None:
    """A category may also be a taste."""
    events = [
        event("purchase_made", properties={"brand": "Acme"}),
        event("page_viewed", properties={"category": "Loans", "tags": ["loans"]}),
    ]
    assert names_of(interests_of(events, NOW_MS)) == ["Acme", "Loans"]
