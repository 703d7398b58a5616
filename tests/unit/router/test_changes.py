"""What is told of stage changes, merges, and merges taken back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.router.changes import change_data
from services.router.facts import Fact
from tests.unit.router.people import ABSORBED, LEAD, merge_fact, sales_fact, unmerge_fact


def told(fact: Fact) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(change_data(fact))
    return data


def test_a_merge_names_the_lead_that_was_taken_in() -> None:
    """By the survivor, with the next number of its sequence, and where it stands."""
    data = told(merge_fact())
    assert (data["lead_id"], data["merged_from"], data["sequence"]) == (LEAD, ABSORBED, 5)
    assert (data["cause"], data["actor"], data["stage"]) == ("merge", None, "educate")


def test_a_merge_taken_back_names_who_left_and_who_asked() -> None:
    """The actor is the operator; a parting that late events brought about has none."""
    data = told(unmerge_fact())
    assert (data["parted"], data["cause"], data["actor"]) == (ABSORBED, "unmerge", "dora")


@pytest.mark.parametrize("fact", [merge_fact, unmerge_fact])
def test_a_merge_with_nobody_cannot_be_told(fact: Any) -> None:
    """It is set aside, as all facts that make no sense."""
    with pytest.raises(ValueError, match="validation error"):
        change_data(fact(other_lead=None))


def test_a_lead_that_stands_by_itself_again_says_whose_part_it_was() -> None:
    """Other changes name nobody there, whoever the fact names beside."""
    back = sales_fact(cause="unmerge", other_lead=ABSORBED, handoff=None)
    assert told(back)["unmerged_from"] == ABSORBED
    assert told(back)["merged_into"] is None
    absorbed = sales_fact(cause="merge", other_lead=ABSORBED, merged_into=ABSORBED)
    assert told(absorbed)["unmerged_from"] is None
    assert told(absorbed)["merged_into"] == ABSORBED
