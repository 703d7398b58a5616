"""What follows from a fact."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import pytest

from services.router.decide import decide, message_id
from services.router.facts import open_fact
from shared.errors import PoisonError
from shared.facts import HandoffReleased, StageChanged
from shared.ids import MESSAGE_NAMESPACE
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
