"""What was said of a lead's traits, over a real Postgres."""

from __future__ import annotations

import httpx

from tests.integration.console.conftest import NOW_MS, Rows, happening


async def test_traits_are_told_with_their_events_page_by_page(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """What stands is on every page; what was said of it, on the page of its event."""
    lead_id = await rows.lead(traits={"title": "CTO"})
    await rows.events(
        lead_id,
        (happening("m1", NOW_MS - 3000, traits={"title": "CEO"}), []),
        (happening("m2", NOW_MS - 2000), []),
        (happening("m3", NOW_MS - 1000, traits={"title": "CTO"}), []),
    )
    path = f"/v1/leads/{lead_id}/traits"
    newest = (await api.get(path, params={"events": 2})).json()
    [title] = newest["items"]
    assert (title["value"], newest["events"]) == ("CTO", 2)
    assert [(one["value"], one["event_id"]) for one in title["said"]] == [("CTO", "m3")]
    asked = {"events": 2, "cursor": newest["next_cursor"]}
    older = (await api.get(path, params=asked)).json()
    [title] = older["items"]
    assert (title["value"], older["next_cursor"]) == ("CTO", None)
    assert [(one["value"], one["event_id"]) for one in title["said"]] == [("CEO", "m1")]


async def test_an_absorbed_lead_names_the_one_that_has_its_events(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Its traits are the survivor's history now."""
    survivor = await rows.lead()
    absorbed = await rows.lead(merged_into=survivor)
    answer = await api.get(f"/v1/leads/{absorbed}/traits")
    assert answer.json()["merged_into"] == str(survivor)
    assert answer.headers["Location"] == f"/v1/leads/{survivor}/traits"
    unknown = await api.get("/v1/leads/01998a52-7f0e-7b5c-a3a1-0e6f6f0f9d11/traits")
    assert unknown.status_code == 404
