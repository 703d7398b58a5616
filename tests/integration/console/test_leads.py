"""GET /v1/leads and /v1/leads/{id} over a real Postgres."""

from __future__ import annotations

import httpx

from shared.identity import ANONYMOUS, EMAIL, USER_ID
from shared.lead_state import Consent
from tests.integration.console.conftest import DAY_MS, NOW_MS, Rows, decaying

BY_DEFAULT = {"granted": True, "by_default": True, "since": None, "source": None, "text": None}


async def test_a_lead_is_shown_with_everything_known_of_it(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Identifiers by kind, traits, scores of now, stage with labels."""
    lead_id = await rows.lead(
        stage="educate",
        identifiers=((EMAIL, "sarah@example.com"), (ANONYMOUS, "a1"), (USER_ID, "u1")),
        models={"engagement": decaying(40.0, 30, NOW_MS - 30 * DAY_MS)},
        traits={"name": "Sarah"},
        locked_ms=NOW_MS + DAY_MS,
        consent={"marketing_email": Consent(False, NOW_MS - DAY_MS, "form:news", "v1")},
    )
    answer = await api.get(f"/v1/leads/{lead_id}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(lead_id),
        "known": True,
        "identifiers": {
            "user_id": ["u1"],
            "email": ["sarah@example.com"],
            "phone": [],
            "external": [],
            "anonymous_id": ["a1"],
        },
        "traits": {"name": "Sarah"},
        "scores": {"engagement": 20.0, "fit": 0.0},
        "grade": None,
        "bands": {},
        "persona": None,
        "segments": [],
        "account": None,
        "tags": [],
        "owner": None,
        "stage": "educate",
        "stage_since": "2026-05-26T20:26:40.000Z",
        "labels": ["MQL"],
        "journeys": {
            "main": {
                "stage": "educate",
                "since": "2026-05-26T20:26:40.000Z",
                "labels": ["MQL"],
                "episode": 1,
                "held": "until",
                "until": "2026-05-29T20:26:40.000Z",
            },
            "renewal": {
                "stage": "safe",
                "since": "2026-05-27T20:26:40.000Z",
                "labels": ["fine"],
                "episode": 1,
                "held": "",
                "until": None,
            },
        },
        "consent": {
            **dict.fromkeys(("analytics", "scoring", "sales_contact"), BY_DEFAULT),
            "marketing_email": {
                "granted": False,
                "by_default": False,
                "since": "2026-05-27T20:26:40.000Z",
                "source": "form:news",
                "text": "v1",
            },
        },
        "region": None,
        "ruleset_version": rows.version,
        "created_at": "2026-05-23T20:26:40.000Z",
        "merged_into": None,
    }


async def test_leads_are_found_by_each_identifier(api: httpx.AsyncClient, rows: Rows) -> None:
    """An address is found however it is written; two filters must both hold."""
    sarah = await rows.lead(identifiers=((EMAIL, "sarah@example.com"), (USER_ID, "u1")))
    visitor = await rows.lead(identifiers=((ANONYMOUS, "a9"),))
    found = {}
    for query in (
        "email=Sarah%40Example.com",
        "user_id=u1",
        "anonymous_id=a9",
        "email=sarah%40example.com&anonymous_id=a9",
        "email=nobody%40example.com",
    ):
        found[query] = [
            each["id"] for each in (await api.get(f"/v1/leads?{query}")).json()["items"]
        ]
    assert list(found.values()) == [[str(sarah)], [str(sarah)], [str(visitor)], [], []]


async def test_pages_are_whole_and_do_not_overlap(api: httpx.AsyncClient, rows: Rows) -> None:
    """Following next_cursor gives every lead of the stage once, newest first."""
    wanted = [str(await rows.lead(stage="educate")) for _ in range(5)]
    await rows.lead(stage="inform")
    seen, cursor = [], ""
    for _ in range(3):
        page = (await api.get(f"/v1/leads?stage=educate&limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == wanted[::-1]
    assert page["next_cursor"] is None


async def test_an_absorbed_lead_names_the_one_that_lives_on(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """It is answered under its own id, with Location, and left out of lists and counts."""
    survivor = await rows.lead(identifiers=((EMAIL, "sarah@example.com"),))
    absorbed = await rows.lead(merged_into=survivor)
    answer = await api.get(f"/v1/leads/{absorbed}")
    assert answer.json()["merged_into"] == str(survivor)
    assert answer.headers["location"] == f"/v1/leads/{survivor}"
    explained = await api.get(f"/v1/leads/{absorbed}/explain")
    assert explained.headers["location"] == f"/v1/leads/{survivor}/explain"
    listed = (await api.get("/v1/leads")).json()["items"]
    assert [each["id"] for each in listed] == [str(survivor)]
    assert (await api.get("/v1/stages")).json()["total"] == 1


async def test_stages_are_counted_in_ladder_order_with_zeros(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """A stage that the live ruleset no longer has is told at the end, never dropped."""
    for stage in ("educate", "educate", "inform", "old-stage"):
        await rows.lead(stage=stage)
    answer = (await api.get("/v1/stages")).json()
    told = [(each["stage"], each["leads"], each["in_ladder"]) for each in answer["items"]]
    assert told == [
        ("inform", 1, True),
        ("educate", 2, True),
        ("validate", 0, True),
        ("dormant", 0, True),
        ("old-stage", 1, False),
    ]
    assert answer["total"] == 4
