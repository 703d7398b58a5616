"""Explanation, timeline and stage history of a lead over a real Postgres."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client import REGISTRY

from shared.decay import add_points
from shared.envelope import Verdict
from shared.lead_state import ModelState, Sum
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


def total(model: Any) -> Decimal:
    """All lines of a model that was read with decimals."""
    told = [entry["value_now"] for entry in model["entries"]]
    told += [line["value"] for line in model["computed"]]
    return sum(told, Decimal(model["earlier"]) + Decimal(model["later"]))


async def pages(api: httpx.AsyncClient, path: str) -> list[Any]:
    """Every page of an explanation, the newest first, each checked: its lines are the scores."""
    found: list[Any] = []
    cursor = ""
    while not found or found[-1]["next_cursor"] is not None:
        answer = await api.get(f"{path}{cursor}")
        found.append(json.loads(answer.text, parse_float=Decimal))
        assert all(total(model) == model["score"] for model in found[-1]["models"].values())
        cursor = f"&cursor={found[-1]['next_cursor']}"
    return found


async def a_long_lead(rows: Rows, events: int) -> UUID:
    """An event a second until now, each worth a point to begin with, and the state to it."""
    pricing = rows.rules["engagement/pricing-page"]
    kept = ModelState(sums={}, limits={}, holding={})
    for number in reversed(range(events)):
        add_points(kept, 30 * DAY_MS, NOW_MS - number * 1000, 1.0)
    lead_id = await rows.lead(models={"engagement": kept}, last_ms=NOW_MS)
    for start in range(0, events, 2_000):
        await rows.events(
            lead_id,
            *(
                (happening(f"m{n}", NOW_MS - n * 1000), [Entry(pricing, 1.0, 1.0)])
                for n in range(start, min(start + 2_000, events))
            ),
        )
    return lead_id


async def test_a_long_history_is_told_by_its_newest_part_and_the_worth_of_the_rest(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Ten thousand events: a hundred are told within milliseconds, and all of them by page."""
    lead_id = await a_long_lead(rows, 10_000)
    before = REGISTRY.get_sample_value(DIFFERENCES)
    path = f"/v1/leads/{lead_id}/explain"
    await api.get(path)
    started = time.process_time()
    answer = await api.get(path)
    spent = time.process_time() - started
    print(f"the newest hundred of 10,000 events in {spent * 1000:.1f} ms")
    assert spent < 0.1  # all of them take longer, wherever this runs
    engagement = json.loads(answer.text, parse_float=Decimal)["models"]["engagement"]
    newest = [f"m{n}" for n in reversed(range(100))]
    assert [entry["event_id"] for entry in engagement["entries"]] == newest
    assert total(engagement) == engagement["score"]
    lead = (await api.get(f"/v1/leads/{lead_id}")).json()
    assert float(engagement["score"]) == lead["scores"]["engagement"]
    told = await pages(api, f"{path}?newest=500")
    ids = [e["event_id"] for p in reversed(told) for e in p["models"]["engagement"]["entries"]]
    assert ids == [f"m{n}" for n in reversed(range(10_000))]
    assert told[-1]["models"]["engagement"]["earlier"] == 0
    assert REGISTRY.get_sample_value(DIFFERENCES) == before


@pytest.mark.parametrize("newest", [1, 2, 3, 7])
@pytest.mark.parametrize("asked", ["", "&at=2026-05-28T20:26:39.500Z"])
async def test_pages_have_neither_gap_nor_repeat_where_instants_are_the_same(
    api: httpx.AsyncClient, rows: Rows, newest: int, asked: str
) -> None:
    """What time gave stands before the events of its millisecond, on whatever page; so it is in an
    explanation of the past, which the state knows nothing of.
    """
    rules, at = rows.rules, NOW_MS - 5_000
    lead_id = await rows.lead(
        models={
            "engagement": decaying(54.0, 30, at),
            "fit": ModelState(sums={0: Sum(0, -7.0)}),
        },
        last_ms=NOW_MS,
    )
    pricing, senior = rules["engagement/pricing-page"], rules["fit/senior"]
    await rows.events(
        lead_id,
        *((happening(f"m{n}", at), [Entry(pricing, 10.0, 10.0)]) for n in range(5)),
        (happening("zero", at + 1), [Entry(pricing, 0.0, 10.0, "limit")]),
        (happening("none", at + 1), []),
        (happening("last", NOW_MS), [Entry(pricing, 4.0, 10.0, "cap")]),
    )
    await rows.times(
        lead_id,
        (at - 1, [Entry(senior, 15.0, 15.0)]),
        (at, [Entry(senior, -15.0, -15.0, "taken back")]),
        (at + 1, [Entry(senior, -7.0, -7.0)]),
    )
    found = await pages(api, f"/v1/leads/{lead_id}/explain?newest={newest}{asked}")
    told = [
        (entry["event_id"], entry["points"])
        for page in reversed(found)
        for model in ("fit", "engagement")
        for entry in page["models"][model]["entries"]
    ]
    last = [] if asked else [("last", Decimal(4))]
    events = [(f"m{n}", Decimal(10)) for n in range(5)] + [("zero", Decimal(0)), *last]
    assert sorted(told, key=str) == sorted([*events, (None, 15), (None, -15), (None, -7)], key=str)
    assert [points for event, points in told if event is None] == [15, -15, -7]
    assert len({page["at"] for page in found}) == 1
    assert len({str(page["models"]["fit"]["score"]) for page in found}) == 1
    assert all(len(each) <= newest for page in found for each in [page["models"]["fit"]["entries"]])


async def test_an_entry_names_its_limit_and_the_timeline_too(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Which bound cut the points, and the rule's number beside its name."""
    download = rows.rules["engagement/download"]
    lead_id = await rows.lead()
    await rows.events(
        lead_id, (happening("m1", NOW_MS - DAY_MS), [Entry(download, 0.0, 20.0, "limit")])
    )
    explained = (await api.get(f"/v1/leads/{lead_id}/explain")).json()
    timeline = (await api.get(f"/v1/leads/{lead_id}/timeline")).json()
    for entry in (
        explained["models"]["engagement"]["entries"][0],
        timeline["items"][0]["earned"][0],
    ):
        assert (entry["rule_number"], entry["clipped"]) == (download, "limit")
        assert entry["cut_by"] == "limit 2 per day"
        assert entry["reason"] == "page viewed (limit 2 per day: 0 of 20 points)"


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
    assert (move["cause"], move["actor"]) == ("event", "")
    path = f"/v1/leads/{lead_id}/stages?limit=1&cursor={first['next_cursor']}"
    rest = (await api.get(path)).json()
    assert [each["seq"] for each in rest["items"]] == [1]
    assert rest["next_cursor"] is None


async def test_the_stage_history_tells_who_set_a_stage(api: httpx.AsyncClient, rows: Rows) -> None:
    """A change by hand has its cause and the name that was given."""
    lead_id = await rows.lead(stage="educate")
    await rows.manual_move(lead_id, 1, "educate", "kim")
    move = (await api.get(f"/v1/leads/{lead_id}/stages")).json()["items"][0]
    assert (move["cause"], move["actor"], move["reasons"]) == ("manual", "kim", [])
    assert (move["from_stage"], move["to_stage"]) == ("educate", "educate")


async def test_the_stage_history_tells_with_whom_a_lead_merged(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Each of both names the other, by what it became of it; by way of a third, too."""
    oldest, middle, youngest = await rows.lead(), await rows.lead(), await rows.lead()
    await rows.merged(youngest, middle)
    await rows.merged(middle, oldest)
    await rows.merge_move(youngest, 1, "merge", middle)
    await rows.merge_move(youngest, 2, "unmerge", oldest)
    await rows.merge_move(middle, 1, "merge", youngest)
    await rows.merge_move(middle, 2, "merge", oldest)
    await rows.merge_move(oldest, 1, "merge", middle)
    await rows.merge_move(oldest, 2, "unmerge", youngest)
    met = {
        lead_id: [
            (name, each[name])
            for each in (await api.get(f"/v1/leads/{lead_id}/stages")).json()["items"][::-1]
            for name in ("merged_into", "merged_from", "unmerged_from", "parted")
            if each[name] is not None
        ]
        for lead_id in (youngest, middle, oldest)
    }
    assert met == {
        youngest: [("merged_into", str(middle)), ("unmerged_from", str(oldest))],
        middle: [("merged_from", str(youngest)), ("merged_into", str(oldest))],
        oldest: [("merged_from", str(middle)), ("parted", str(youngest))],
    }
