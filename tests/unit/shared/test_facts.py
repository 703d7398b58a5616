"""Facts go through the outbox as JSON and come back as they were."""

from __future__ import annotations

import json

import msgspec
import pytest

from shared.facts import HandoffReleased, Reason, StageChange, fact_document, read_fact
from shared.facts import fact_about as fact_of

CHANGE = StageChange(
    journey="main",
    from_stage="involve",
    to_stage="validate",
    at_ms=1,
    seq=3,
    episode=1,
    cause="event",
    reasons=[Reason("1", "web", "page_viewed", "e/visit", 5.0, "2026-06-01T00:00:00.000Z")],
    scores={"e": 60.5},
    handoff="sales",
    waiting=True,
)


def test_a_stage_change_survives_the_outbox() -> None:
    """Kind and every field are there, the reasons too."""
    fact = fact_of(CHANGE, lead_id="a", ruleset_version=2, known=False)
    document = json.loads(json.dumps(fact_document(fact)))
    assert document["kind"] == "stage_changed"
    assert document["reasons"][0]["rule"] == "e/visit"
    assert document["merged_into"] is None
    assert read_fact(document) == fact


def test_a_release_survives_the_outbox() -> None:
    """It has its own kind, and the number of the change that waited."""
    change = fact_of(CHANGE, lead_id="a", ruleset_version=2, known=True)
    fact = HandoffReleased(**{n: getattr(change, n) for n in change.__struct_fields__})
    document = json.loads(json.dumps(fact_document(fact)))
    assert document["kind"] == "handoff_released"
    assert read_fact(document) == fact


def test_what_is_no_fact_is_refused() -> None:
    """An unknown kind isn't guessed at; fields that a later version adds are passed over."""
    document = fact_document(fact_of(CHANGE, lead_id="a", ruleset_version=2, known=False))
    assert read_fact({**document, "new": 1}).seq == 3
    with pytest.raises(msgspec.ValidationError):
        read_fact({**document, "kind": "something"})
