"""What sales said of a lead the last time."""

from __future__ import annotations

from typing import Any

import pytest

from services.router.sales_said import sales_said
from tests.unit.router.people import event

REASONS = {"not_ready": "Not ready yet"}


@pytest.mark.parametrize(
    ("type_", "properties", "said", "words"),
    [
        ("sales_accepted", {}, "accepted", None),
        ("sales_rejected", {"reason": "not_ready"}, "rejected", "Not ready yet"),
        ("sales_rejected", {"reason": "another"}, "rejected", "another"),
        ("sales_rejected", {"until": "2027-03-01T00:00:00Z"}, "recycled", None),
        ("sales_rejected", {"until": "some day", "reason": 7}, "rejected", None),
        ("deal_lost", {"reason": "ann@acme.example left"}, "lost", "[address] left"),
    ],
)
def test_the_newest_answer_counts(
    type_: str, properties: dict[str, Any], said: str, words: str | None
) -> None:
    """Whatever else happened since, and whatever a CRM put in."""
    events = [event("page_viewed"), event(type_, 1, properties=properties), event("deal_won", 9)]
    found = sales_said(events, REASONS)
    assert found is not None
    assert (found.said, found.reason_words) == (said, words)
    assert found.at == "2026-05-02T09:20:00.000Z"


def test_where_sales_said_nothing_there_is_nothing() -> None:
    assert sales_said([event("page_viewed")], REASONS) is None
