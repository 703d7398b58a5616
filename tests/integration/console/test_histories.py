"""Explanation, timeline and stage history of a lead over a real Postgres."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import httpx
from prometheus_client import REGISTRY

from shared.envelope import Verdict
from shared.ledger import Entry
from tests.integration.console.conftest import DAY_MS, NOW_MS, Rows, decaying, happening

DIFFERENCES = "leadscore_console_explanation_differences_total"


async def test_an_explanation_adds_up_to_the_score(api: httpx.AsyncClient, rows: Rows) -> None:
    """The entries, added as decimals, are the score, and it is the lead's own."""
    start = NOW_MS - 40 * DAY_MS
    pricing = rows.rules["engagement/pricing-page"]
    happened = [
        (happening(f"m{day}", start + day * DAY_MS), [Entry(pricing, 10.0, 10.0)])
        for day in range(30)
    ]
    amount = sum(10.0 * 2 ** (-(40 - day) / 30) for day in range(30))
    lead_id = await rows.lead(models={"engagement": decaying(amount, 30, NOW_MS)})
    await rows.events(lead_id, *happened)
    before = REGISTRY.get_sample_value(DIFFERENCES)
    text = (await api.get(f"/v1/leads/{lead_id}/explain")).text
    told = json.loads(text, parse_float=Decimal)["models"]["engagement"]
    assert len(told["entries"]) == 30
    assert sum(entry["value_now"] for entry in told["entries"]) == told["score"]
    assert float(told["score"]) == round(amount, 6)
    assert REGISTRY.get_sample_value(DIFFERENCES) == before


async def test_a_score_that_its_entries_do_not_explain_is_counted(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """The metric is what tells operators that the ledger and the state have parted."""
    lead_id = await rows.lead(models={"engagement": decaying(99.0, 30, NOW_MS)})
    before = REGISTRY.get_sample_value(DIFFERENCES) or 0.0
    assert (await api.get(f"/v1/leads/{lead_id}/explain")).status_code == 200
    assert REGISTRY.get_sample_value(DIFFERENCES) == before + 1


async def test_each_rule_fades_by_its_own_half_life(api: httpx.AsyncClient, rows: Rows) -> None:
    """A rule's override, the model's decay, and a trait rule that never fades."""
    at = NOW_MS - 90 * DAY_MS
    lead_id = await rows.lead()
    rules = rows.rules
    entries = [
        Entry(rules["engagement/pricing-page"], 10.0, 10.0),
        Entry(rules["engagement/download"], 15.0, 20.0, "cap"),
        Entry(rules["fit/senior"], 15.0, 15.0),
    ]
    page = {"page": {"title": "Fees"}}
    await rows.events(lead_id, (happening("m1", at, context=page), entries))
    told = (await api.get(f"/v1/leads/{lead_id}/explain")).json()["models"]
    shown = {
        entry["rule"]: (entry["value_now"], entry["reason"])
        for model in told.values()
        for entry in model["entries"]
    }
    assert shown == {
        "pricing-page": (1.25, "saw Fees"),
        "download": (7.5, "page viewed (cap: 15 of 20 points)"),
        "senior": (15.0, "page viewed"),
    }


async def test_an_explanation_of_the_past_leaves_later_events_out(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """`at` moves the instant: what came after it is not there yet, the rest has faded less."""
    pricing = rows.rules["engagement/pricing-page"]
    lead_id = await rows.lead()
    await rows.events(
        lead_id,
        (happening("m1", NOW_MS - 60 * DAY_MS), [Entry(pricing, 10.0, 10.0)]),
        (happening("m2", NOW_MS - DAY_MS), [Entry(pricing, 10.0, 10.0)]),
    )
    asked = {"at": "2026-04-28T22:26:40+02:00"}  # 30 days before now
    told = (await api.get(f"/v1/leads/{lead_id}/explain", params=asked)).json()
    assert told["at"] == "2026-04-28T20:26:40.000Z"
    assert [e["event_id"] for e in told["models"]["engagement"]["entries"]] == ["m1"]
    assert told["models"]["engagement"]["score"] == 5.0


async def test_an_explanation_of_ten_thousand_events_is_quick(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """A lead with a long history is answered well within a second."""
    pricing = rows.rules["engagement/pricing-page"]
    lead_id = await rows.lead()
    for start in range(0, 10_000, 2_000):
        await rows.events(
            lead_id,
            *(
                (happening(f"m{n}", NOW_MS - n * 1000), [Entry(pricing, 1.0, 1.0)])
                for n in range(start, start + 2_000)
            ),
        )
    started = time.process_time()
    answer = await api.get(f"/v1/leads/{lead_id}/explain")
    print(f"explained 10,000 events in {(time.process_time() - started) * 1000:.0f} ms")
    assert len(answer.json()["models"]["engagement"]["entries"]) == 10_000
    assert time.process_time() - started < 3
    started = time.process_time()
    page = await api.get(f"/v1/leads/{lead_id}/explain?newest=50")
    print(f"the newest 50 of them in {(time.process_time() - started) * 1000:.0f} ms")
    engagement = page.json()["models"]["engagement"]
    assert [entry["event_id"] for entry in engagement["entries"]] == [
        f"m{n}" for n in reversed(range(50))
    ]
    assert [(line["rule"], line["entries"]) for line in engagement["older"]] == [
        ("pricing-page", 9_950)
    ]
    assert engagement["score"] == answer.json()["models"]["engagement"]["score"]


async def test_the_timeline_is_newest_first_and_marks_bots(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Pages follow each other without gap or repeat, also among events of one instant."""
    pricing = rows.rules["engagement/pricing-page"]
    lead_id = await rows.lead()
    bot = happening("bot", NOW_MS, verdict=Verdict("bot", "crawler user agent"))
    await rows.events(
        lead_id,
        (bot, []),
        *(
            (happening(f"m{n}", NOW_MS - 1000, properties={"n": n}), [Entry(pricing, 10.0, 10.0)])
            for n in range(4)
        ),
    )
    first = (await api.get(f"/v1/leads/{lead_id}/timeline?limit=3")).json()
    rest = (
        await api.get(f"/v1/leads/{lead_id}/timeline?limit=3&cursor={first['next_cursor']}")
    ).json()
    shown = first["items"] + rest["items"]
    assert rest["next_cursor"] is None
    assert shown[0]["bot"]
    assert shown[0]["why"] == "crawler user agent"
    assert shown[0]["earned"] == []
    assert {each["event_id"] for each in shown[1:]} == {"m0", "m1", "m2", "m3"}
    assert shown[1]["points"] == {"engagement": 10.0}
    assert shown[1]["earned"][0]["rule"] == "pricing-page"


async def test_the_stage_history_tells_its_reasons(api: httpx.AsyncClient, rows: Rows) -> None:
    """Newest first, each change with the entries that tipped it."""
    lead_id = await rows.lead(stage="validate")
    await rows.stage_moves(lead_id, (1, "inform", "educate"), (2, "educate", "validate"))
    first = (await api.get(f"/v1/leads/{lead_id}/stages?limit=1")).json()
    move = first["items"][0]
    assert (move["seq"], move["from_stage"], move["to_stage"]) == (2, "educate", "validate")
    assert move["reasons"][0]["rule"] == "engagement/pricing-page"
    path = f"/v1/leads/{lead_id}/stages?limit=1&cursor={first['next_cursor']}"
    rest = (await api.get(path)).json()
    assert [each["seq"] for each in rest["items"]] == [1]
    assert rest["next_cursor"] is None
