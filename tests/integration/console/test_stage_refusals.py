"""POST /v1/leads/{id}/stage: what is refused, each with its code and where it was wrong."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.envelope import rfc3339
from shared.identity import ANONYMOUS, EMAIL
from shared.ids import new_lead_id
from tests.integration.console.conftest import NOW_MS, Rows

ANNA = ((EMAIL, "anna@example.com"),)


async def refused(
    api: httpx.AsyncClient, lead_id: Any, body: Any, **more: Any
) -> tuple[int, str, str]:
    answer = await api.post(f"/v1/leads/{lead_id}/stage", json=body, **more)
    problem = answer.json()["error"]
    return answer.status_code, problem["code"], problem["path"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"stage": "hot"}, (400, "stage_unknown", "body.stage")),
        ({"stage": "safe", "journey": "new"}, (400, "journey_unknown", "body.journey")),
        ({"stage": "begun", "journey": "late"}, (409, "not_on_journey", "body.journey")),
        ({"stage": "educate", "until": rfc3339(NOW_MS)}, (400, "until_out_of_range", "body.until")),
        (
            {"stage": "educate", "until": "2026-12-31T00:00:00"},
            (400, "invalid_parameter", "body.until"),
        ),
        ({"stage": "educate", "until": "soon"}, (400, "invalid_parameter", "body.until")),
        (
            {"stage": "educate", "until": "2026-12-31T00:00:00Z", "lock": False},
            (400, "until_without_lock", "body.lock"),
        ),
        ({"stage": None, "lock": True}, (400, "nothing_to_lock", "body.lock")),
        ({"stage": "educate", "actor": "a\u0000"}, (400, "actor_invalid", "body.actor")),
        ({"stage": "educate", "stages": []}, (400, "invalid_parameter", "body.stages")),
        ({}, (400, "invalid_parameter", "body.stage")),
    ],
)
async def test_an_order_that_is_wrong_is_refused(
    api: httpx.AsyncClient, rows: Rows, body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    """Nothing is sent."""
    lead_id = await rows.lead(identifiers=ANNA)
    assert await refused(api, lead_id, body) == expected


async def test_the_message_names_the_stages_that_there_are(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Those beside the ladder too."""
    lead_id = await rows.lead(identifiers=ANNA)
    answer = await api.post(f"/v1/leads/{lead_id}/stage", json={"stage": "educte"})
    assert answer.json()["error"]["message"] == (
        "there is no stage educte (did you mean educate?): "
        "the journey main has inform, educate, validate, dormant"
    )


async def test_only_bearers_of_the_token_set_stages(api: httpx.AsyncClient, rows: Rows) -> None:
    """As for reading."""
    lead_id = await rows.lead(identifiers=ANNA)
    body = {"stage": "educate"}
    found = await refused(api, lead_id, body, headers={"Authorization": "Bearer other"})
    assert found == (401, "unauthorized", "headers.authorization")


async def test_a_lead_that_no_event_can_name_is_told(api: httpx.AsyncClient, rows: Rows) -> None:
    """There is none, it is part of another, or another has its anonymous id now."""
    body = {"stage": "educate"}
    assert await refused(api, new_lead_id(NOW_MS), body) == (404, "lead_not_found", "path.lead_id")
    survivor = await rows.lead(identifiers=ANNA)
    absorbed = await rows.lead(merged_into=survivor)
    assert await refused(api, absorbed, body) == (409, "lead_merged", "path.lead_id")
    former = await rows.lead(identifiers=((ANONYMOUS, "shared"),))
    await rows.pass_on("shared", survivor)
    assert await refused(api, former, body) == (409, "lead_unreachable", "path.lead_id")


async def test_an_order_that_kafka_does_not_take_is_503(api: httpx.AsyncClient, rows: Rows) -> None:
    """With when to come again."""
    lead_id = await rows.lead(identifiers=ANNA)
    answer = await api.post(f"/v1/leads/{lead_id}/stage", json={"stage": "educate"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "kafka_away")
    assert answer.headers["retry-after"] == "5"
