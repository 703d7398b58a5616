"""Orders to set a stage by hand: what is refused, and the event of what isn't."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.console.stage_orders import OrderError, StageOrder, check_order, event_of, who_of
from services.console.stage_request import StageRequest
from shared.envelope import Identifiers
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID

NOW_MS = 1_780_000_000_000
DAY_MS = 86_400_000
LEAD = UUID("01998a52-7f0e-7b5c-a3a1-0e6f6f0f9d11")
STAGES = {"main": ["cold", "hot", "dormant"], "renewal": ["safe"], "late": ["begun"]}


def check(**asked: Any) -> None:
    check_order(
        StageOrder(**{"stage": "hot", "id": "1", **asked}), STAGES, ["main", "renewal"], NOW_MS
    )


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        ({"stage": "hott"}, "stage_unknown", "did you mean hot?): the journey main has cold, hot"),
        ({"stage": "safe"}, "stage_unknown", "the journey main has cold, hot, dormant"),
        ({"journey": "renewl"}, "journey_unknown", "did you mean renewal?): the live ruleset has"),
        ({"journey": "late", "stage": "begun"}, "not_on_journey", "isn't on the journey late yet"),
        ({"until_ms": NOW_MS, "lock": True}, "until_out_of_range", "next ten years"),
        ({"until_ms": NOW_MS + 4000 * DAY_MS, "lock": True}, "until_out_of_range", "ten years"),
        ({"until_ms": NOW_MS + DAY_MS}, "until_without_lock", "only a lock has an end"),
        ({"stage": None, "lock": True}, "nothing_to_lock", "a release has no stage"),
        ({"actor": "a\0b"}, "actor_invalid", "printable"),
        ({"id": "x" * 201}, "id_invalid", "at most 200"),
    ],
)
def test_what_cannot_be_done_is_told(asked: dict[str, Any], code: str, told: str) -> None:
    """With the names that there are."""
    with pytest.raises(OrderError) as caught:
        check(**asked)
    assert caught.value.code == code
    assert told in str(caught.value)


def test_what_can_be_done_passes() -> None:
    """Stages beside the ladder, other journeys, locks with and without an end, releases."""
    check(stage="dormant")
    check(journey="renewal", stage="safe")
    check(lock=True)
    check(lock=True, until_ms=NOW_MS + DAY_MS)
    check(stage=None)


def test_a_lead_is_named_by_its_strongest_identifier() -> None:
    """As the partition of its events is; nobody can be named by nothing."""
    every = [
        (ANONYMOUS, "a1"), (EXTERNAL, "crm:00:3"), (PHONE, "+431234567"),
        (EMAIL, "a@example.com"), (USER_ID, "u2"), (USER_ID, "u1"),
    ]  # fmt: skip
    named = [who_of(every[:count]) for count in range(len(every) + 1)]
    assert named == [
        None,
        Identifiers(anonymous_id="a1"),
        Identifiers(external={"crm": "00:3"}),
        Identifiers(phone="+431234567"),
        Identifiers(email="a@example.com"),
        Identifiers(user_id="u2"),
        Identifiers(user_id="u1"),
    ]


def test_the_event_says_what_was_asked() -> None:
    """Its id is made of the lead's and the order's, so that the same order comes once."""
    order = StageOrder("hot", "7", until_ms=NOW_MS + DAY_MS, lock=True, actor="kim")
    event = event_of(order, LEAD, Identifiers(user_id="u1"), NOW_MS)
    assert (event.id, event.source, event.type) == (f"{LEAD}/7", "operator", "stage_overridden")
    assert event.properties == {
        "journey": "main", "stage": "hot", "lock": True, "until": "2026-05-29T20:26:40.000Z",
        "actor": "kim",
    }  # fmt: skip
    release = event_of(StageOrder(None, "8"), LEAD, Identifiers(user_id="u1"), NOW_MS)
    assert release.properties == {"journey": "main", "stage": None}


@pytest.mark.parametrize("until", ["2026-12-31T00:00:00", "soon", "", True])
def test_an_end_without_a_zone_or_sense_is_refused(until: Any) -> None:
    """Nobody is locked for longer than was meant."""
    with pytest.raises(ValidationError):
        StageRequest.model_validate({"stage": "hot", "until": until})


def test_an_end_locks_by_itself_and_every_order_has_an_id() -> None:
    """Unless a lock is refused in so many words."""
    asked = {"stage": "hot", "until": "2026-12-31T00:00:00Z"}
    order = StageRequest.model_validate(asked).order()
    assert order.lock
    assert order.id
    assert not StageRequest.model_validate({**asked, "lock": False}).order().lock
    assert not StageRequest.model_validate({"stage": "hot"}).order().lock
