"""Taking an erased person out of others' events: all of them, and nothing else."""

from typing import Any

import msgspec
import pytest

from services.scorer.mentions import mention_of
from services.scorer.scrubbing import Scrubber
from shared.envelope import decode_event
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID

ANN = [
    (USER_ID, "7"), (EMAIL, "ann@example.com"), (PHONE, "+491701234567"), (EXTERNAL, "crm:003"),
    (ANONYMOUS, "visitor-1"),
]  # fmt: skip
OWN = (USER_ID, "bob")


def body(who: dict[str, Any], kind: str = "page_viewed", **parts: Any) -> bytes:
    """An event's JSON."""
    source = "operator" if kind.startswith("leads_") else "web"
    return msgspec.json.encode({
        "id": "1", "source": source, "type": kind, "occurred_at": "2026-05-04T09:00:00Z",
        "received_at": "2026-05-04T09:00:01Z", "identifiers": who, **parts,
    })  # fmt: skip


def scrubbed(stored: bytes) -> dict[str, Any]:
    """What is left; it can still be read as an event of somebody."""
    left = Scrubber(ANN).body(stored, OWN)
    assert left is not None
    mention_of(decode_event(left))
    found: dict[str, Any] = msgspec.json.decode(left)
    return found


@pytest.mark.parametrize(
    ("who", "left"),
    [
        ({"user_id": "bob", "email": "ann@example.com"}, {"user_id": "bob"}),
        ({"user_id": "7"}, {"user_id": "bob"}),
        ({"email": "bob@x.example", "external": {"crm": "003", "esp": "003"}},
         {"email": "bob@x.example", "external": {"esp": "003"}}),
        ({"email": "bob@x.example", "anonymous_id": "visitor-1"}, {"email": "bob@x.example"}),
    ],
)  # fmt: skip
def test_identifiers_are_taken_out_and_somebody_is_still_named(
    who: dict[str, Any], left: dict[str, Any]
) -> None:
    """Another system's equal id stays; an event that would name nobody names its own lead."""
    assert scrubbed(body(who))["identifiers"] == left


def test_texts_lose_addresses_and_whole_ids_but_not_ordinary_words() -> None:
    """A short id such as 7 is a number like any other; deep in lists, too, whatever the case."""
    left = scrubbed(
        body(
            {"user_id": "bob"},
            properties={
                "note": "call ANN@example.com or +491701234567", "plan": "7", "count": 7,
                "list": ["visitor-1", "x", {"friend": "ann@example.com", "n": 1}],
            },
            traits={"email": "Ann@Example.com", "name": "Bob"},
        )
    )  # fmt: skip
    assert left["properties"] == {
        "note": "call [erased] or [erased]", "plan": "7", "count": 7, "list": ["x", {"n": 1}],
    }  # fmt: skip
    assert left["traits"] == {"name": "Bob"}


def test_an_alias_and_an_order_about_the_person_mean_nothing_any_more() -> None:
    """They can still be read when the lead is reviewed."""
    alias = scrubbed(body({"user_id": "bob"}, "lead_aliased", properties={"previous_id": "7"}))
    assert alias["properties"] == {}
    for who, other in (
        ({"user_id": "bob"}, {"user_id": "7"}),
        ({"user_id": "7"}, {"user_id": "bob"}),
    ):
        properties = {"same_as": other, "actor": "eve"}
        order = scrubbed(body(who, "leads_merged", properties=properties))
        assert order["type"] == "order_about_an_erased_lead"
        assert order["identifiers"] == {"user_id": "bob"}
        assert order["properties"] == {"actor": "eve"}


@pytest.mark.parametrize(
    "stored",
    [
        body({"user_id": "bob"}, properties={"plan": "7"}),
        body({"user_id": "bob"}),
        body({"user_id": "bob"}, "leads_merged", properties={"same_as": {"email": "c@x.example"}}),
    ],
)
def test_an_event_that_does_not_name_the_person_is_left_alone(stored: bytes) -> None:
    """None: nothing is to be written."""
    assert Scrubber(ANN).body(stored, OWN) is None
