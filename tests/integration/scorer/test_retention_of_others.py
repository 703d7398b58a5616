"""Retention of robots' events, visitors and logs on a real Postgres."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from services.scorer.core.by_time import advance_scores
from services.scorer.core.fold import fold_scores, new_state, position
from shared.envelope import Verdict, milliseconds
from shared.identity import ANONYMOUS
from tests.conftest import Stack
from tests.integration.scorer.bench_of_leads import (
    START,
    Workbench,
    happening,
    ruleset,
)
from tests.integration.scorer.sweeps import (
    ANN,
    DAY,
    assert_balanced,
    assert_scores,
    count,
    state_of,
    sweep,
    visits,
)
from tests.integration.scorer.test_time_gives import RULES as TIMED_RULES


async def test_events_of_robots_go_without_a_trace(bench: Workbench, stack: Stack) -> None:
    """Counts, silences and scores are those of a lead that no robot ever touched."""
    import msgspec

    bench.rules = ruleset(TIMED_RULES)
    people = visits(0, 70, 0, every=0.3, email=ANN[1])
    robots = [
        msgspec.structs.replace(one, verdict=Verdict("bot"))
        for one in visits(500, 70, 0.1, every=0.31, email=ANN[1])
    ]
    await bench.take_each(sorted([*people, *robots], key=position))
    await bench.pass_time(START + timedelta(days=40))
    assert await sweep(bench, "bots", 10) == 70
    await assert_scores(bench, ANN, people)
    state = await state_of(bench, await bench.lead_of(*ANN))
    due = fold_scores(bench.rules, new_state(), people).state
    advance_scores(bench.rules, due, milliseconds(bench.watermark))
    assert (state.last, state.watch, state.models) == (due.last, due.watch, due.models)
    late = happening(900, after=20.5 * DAY, email=ANN[1])
    await bench.take(late)
    await assert_scores(bench, ANN, [*people, late])
    await assert_balanced(bench, stack, TIMED_RULES)
    assert await sweep(bench, "bots", 9) == 0


async def test_visitors_who_never_came_back_go_and_others_stay(bench: Workbench) -> None:
    """A name, a visit since, or a hand-off keeps a lead."""
    await bench.take(
        happening(1, anonymous_id="gone"),
        happening(2, anonymous_id="back"),
        happening(3, "content_downloaded", email=ANN[1]),
        *visits(20, 9, 0, every=0.001, anonymous_id="told", title="x"),
        happening(4, after=50 * DAY, anonymous_id="back"),
    )
    await bench.connection.execute("UPDATE lead SET created_ms = $1", milliseconds(START))
    bench.watermark = START + timedelta(days=60)
    gone, told = [await bench.lead_of(ANONYMOUS, name) for name in ("gone", "told")]
    assert await sweep(bench, "anonymous", 20) == 1  # of the other, the router doesn't know yet
    await bench.connection.execute("UPDATE outbox SET published_at = now()")
    journeys = await bench.connection.fetchval("SELECT journeys FROM lead WHERE id = $1", told)
    await bench.connection.execute(
        "UPDATE lead SET journeys = $2 WHERE id = $1", told, _handed_off(journeys)
    )
    bench.watermark += timedelta(days=1)
    assert await sweep(bench, "anonymous", 20) == 0
    for table, column in (("lead", "id"), ("event", "lead_id"), ("identifier", "lead_id"),
                          ("stage_history", "lead_id")):  # fmt: skip
        assert await count(bench, table, f"{column} = '{gone}'") == 0
    assert await count(bench, "lead") == 3
    await bench.take(happening(5, after=61 * DAY, anonymous_id="gone"))
    assert await bench.lead_of(ANONYMOUS, "gone") != gone


def _handed_off(journeys: bytes) -> bytes:
    from shared.lead_state import decode_journeys, encode_journeys

    found = decode_journeys(journeys)
    found[0].handed_off = ["validate"]
    return encode_journeys(found)


async def test_logs_go_once_they_are_done_with(bench: Workbench) -> None:
    """Published facts and ended deliveries; what still waits is kept."""
    await bench.take_each(visits(0, 12, 0, every=0.01, email=ANN[1]))
    execute = bench.connection.execute
    facts = await count(bench, "outbox")
    assert facts > 1
    await execute(
        "UPDATE outbox SET published_at = $1 WHERE id > (SELECT min(id) FROM outbox)", START
    )
    await execute(
        "INSERT INTO destination (id, name, url) VALUES ($1, 'crm', 'https://crm.example')",
        UUID(int=7),
    )
    for number, ended in enumerate((START, None)):
        await execute(
            "INSERT INTO delivery (destination_id, lead_id, message_id, body, status,"
            " next_attempt_at, ended_at) VALUES ($1, $1, $2, '', 'delivered', now(), $3)",
            UUID(int=7), str(number), ended,
        )  # fmt: skip
    bench.watermark = START + timedelta(days=60)
    assert await sweep(bench, "logs", 30) == facts
    assert (await count(bench, "outbox"), await count(bench, "delivery")) == (1, 1)
