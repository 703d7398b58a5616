"""What follows from a fact."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from services.router.decide import decide, message_id, number_of, place_of
from services.router.facts import open_fact
from services.router.table import Effect, effect_of
from shared.errors import PoisonError
from shared.facts import AccountChanged, Fact, HandoffReleased, SegmentEntered, StageChanged
from shared.ids import MESSAGE_NAMESPACE
from shared.ruleset.handoffs import HandoffRow
from tests.unit.router.people import merge_fact, unmerge_fact

LEAD = "0196a6a0-0000-7000-8000-000000000001"


def changed(**over: Any) -> StageChanged:
    fields: dict[str, Any] = {
        "lead_id": LEAD,
        "ruleset_version": 1,
        "known": True,
        "journey": "main",
        "from_stage": "inform",
        "to_stage": "educate",
        "at_ms": 0,
        "seq": 3,
        "episode": 1,
        "cause": "event",
        **over,
    }
    return StageChanged(**fields)


@pytest.mark.parametrize(
    ("over", "kinds"),
    [
        ({}, ("lead-stage-changed",)),
        ({"handoff": "sales"}, ("lead-stage-changed", "handoff-sales")),
        ({"handoff": "content"}, ("lead-stage-changed", "handoff-content")),
        ({"handoff": "sales", "waiting": True}, ("lead-stage-changed",)),
        ({"handoff": "sales", "withheld": True}, ("lead-stage-changed",)),
        ({"handoff": "sales", "suppressed": "sales_contact"}, ("lead-stage-changed",)),
        ({"handoff": "content", "suppressed": "email_bounced"}, ("lead-stage-changed",)),
        ({"handoff": "sales", "merged_into": LEAD, "cause": "merge"}, ("lead-stage-changed",)),
    ],
)
def test_a_stage_change_is_told_and_its_hand_off_unless_held(
    over: dict[str, Any], kinds: tuple[str, ...]
) -> None:
    """Always a stage change; a hand-off unless it waits, is held back, or the lead is merged."""
    assert decide(changed(**over)) == kinds


TABLE = {
    row.id: row
    for row in (
        HandoffRow.model_validate({"id": name, "segment": "any", "do": do})
        for name, do in {
            "told": {"alert": True, "tag": ["big", "new"]},
            "handed": {"handoff": "sales", "untag": "new", "start": ["welcome"]},
        }.items()
    )
}


def row_fact(*rows: str, **over: Any) -> SegmentEntered:
    fields = {name: getattr(changed(), name) for name in StageChanged.__struct_fields__}
    return SegmentEntered(**{**fields, "rows": list(rows), "journey": "segment:told", **over})


@pytest.mark.parametrize(
    ("fact", "kinds"),
    [
        (row_fact("told"), ("lead-signal", "lead-alert")),
        (row_fact("handed", handoff="sales"), ("lead-signal", "handoff-sales")),
        (row_fact("handed", handoff="sales", waiting=True), ("lead-signal",)),
        (row_fact("told", withheld=True), ("lead-signal",)),
        (row_fact("gone since"), ("lead-signal",)),
        (changed(rows=["told"]), ("lead-stage-changed", "lead-alert")),
        (changed(rows=["told"], merged_into=LEAD), ("lead-stage-changed",)),
    ],
)
def test_rows_of_the_table_add_alerts(fact: Fact, kinds: tuple[str, ...]) -> None:
    """Beside what their fact is told by; not for a lead that is no more, nor by a recalculation."""
    assert decide(fact, TABLE) == kinds


def test_rows_put_words_on_leads_and_start_sequences() -> None:
    """All of a fact's rows together; nothing follows from what is withheld."""
    assert effect_of(row_fact("told", "handed"), TABLE) == Effect(
        LEAD, 0, "3/segment:told/1", 1, tag=("big", "new"), untag=("new",), start=("welcome",)
    )
    assert effect_of(row_fact("told", withheld=True), TABLE) is None
    assert effect_of(changed(), TABLE) is None


def test_what_a_company_reached_has_an_id_of_its_own() -> None:
    """It takes no number of the lead's sequence: the company and its change tell it apart."""
    fields = {name: getattr(changed(), name) for name in StageChanged.__struct_fields__}
    fact = AccountChanged(**{**fields, "journey": "account:domain:acme.example", "seq": 0})
    later = msgspec.structs.replace(fact, episode=2)
    assert number_of(fact) is None
    assert place_of(fact) != place_of(later)


def test_a_released_hand_off_goes_out_alone() -> None:
    """Its stage change was told when the stage was entered."""
    fields = {
        name: getattr(changed(handoff="sales"), name) for name in StageChanged.__struct_fields__
    }
    assert decide(HandoffReleased(**fields)) == ("handoff-sales",)


@pytest.mark.parametrize("handoff", [None, "sales"])
def test_merges_are_told_and_hand_nobody_over(handoff: Any) -> None:
    """What follows from a merge for the stage is a change of its own, with a number of its own."""
    assert decide(merge_fact(handoff=handoff)) == ("lead-merged",)
    assert decide(unmerge_fact(handoff=handoff)) == ("lead-unmerged",)


def test_message_ids_are_made_from_content() -> None:
    """uuid5 of lead, sequence and kind: the same at every publication, other for every other."""
    first = message_id(LEAD, 3, "lead-stage-changed")
    assert first == uuid5(MESSAGE_NAMESPACE, f"{LEAD}/3/lead-stage-changed")
    assert first == message_id(LEAD, 3, "lead-stage-changed")
    others = {
        message_id(LEAD, 4, "lead-stage-changed"),
        message_id(LEAD, 3, "handoff-sales"),
        message_id(str(UUID(int=1)), 3, "lead-stage-changed"),
    }
    assert len(others | {first}) == 4


@pytest.mark.parametrize("raw", ["{}", "[]", '{"kind": "stage_changed"}', '{"kind": "other"}'])
def test_what_is_no_fact_is_poison(raw: str) -> None:
    """It is set aside with a reason, never guessed at."""
    with pytest.raises(PoisonError):
        open_fact(raw)
