"""Retention on a real Postgres: old rows go, scores stay."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.console.explained_page import explain_page, read_page
from services.console.explanation import models_that_differ
from services.console.lead_view import scores_at, shown_at
from services.console.ruleset_view import view_of
from services.scorer.arrivals import TooOldError
from services.scorer.audit.comparison import differences
from services.scorer.audit.queries import ONE_LEAD
from services.scorer.audit.stored import one_lead
from services.scorer.audit.yardstick import Yardstick, as_written
from services.scorer.core.by_time import advance_scores
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.retention.keeper import take_step
from services.scorer.retention.steps import Step
from shared.database import engine_for
from shared.decay import score_at
from shared.envelope import Event, Identifiers, Verdict, milliseconds
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import ScoreState, decode_scores
from shared.ruleset.reading import read_ruleset
from shared.settings import Settings
from tests.conftest import Stack
from tests.integration.scorer.bench_of_leads import (
    HASH_KEY,
    RULES,
    START,
    Workbench,
    happening,
    ruleset,
)
from tests.integration.scorer.test_merging import merge, unmerge
from tests.integration.scorer.test_time_gives import RULES as TIMED_RULES

DAY = 1440
ANN, BOB, VISITOR = (EMAIL, "ann@example.com"), (EMAIL, "bob@example.com"), (ANONYMOUS, "a1")


def settings(**days: int) -> Settings:
    kept = {"retention_events_days": 0, "retention_anonymous_days": 0, "retention_bots_days": 0,
            "retention_logs_days": 0, "retention_every_seconds": 0.0001} | days  # fmt: skip
    return Settings(
        kafka_bootstrap_servers="none", database_url="none", hash_key=HASH_KEY.decode(), **kept
    )  # type: ignore[call-arg]


async def sweep(bench: Workbench, name: str, days: int, connection: Any = None) -> int:
    """A whole sweep of a class, seen from the bench's watermark. Returns the rows gone."""
    connection = connection or bench.connection
    told = settings(**{f"retention_{name}_days": days})
    gone = 0
    while True:
        async with connection.transaction():
            made: Step | None = await take_step(connection, name, told, bench.scene())
        assert made is not None
        assert not made.waits
        gone += made.gone
        if made.ended:
            return gone


def visits(first: int, count: int, day: float, every: float = 1.0, **who: str) -> list[Event]:
    kinds = ["content_downloaded", "page_viewed", "page_viewed", "email_clicked"]
    return [
        happening(first + at, kinds[at % 4], after=(day + at * every) * DAY,
                  content_id=f"c{at % 3}", **who)  # type: ignore[arg-type]
        for at in range(count)
    ]  # fmt: skip


async def state_of(bench: Workbench, lead_id: UUID) -> ScoreState:
    return decode_scores((await bench.connection.fetchrow(ONE_LEAD, lead_id))["scores"])


async def assert_scores(bench: Workbench, who: tuple[int, str], events: list[Event]) -> None:
    """The lead's scores are those of these events, and it counts as many."""
    state = await state_of(bench, await bench.lead_of(*who))
    due = fold_scores(bench.rules, new_state(), sorted(events, key=position)).state
    until_ms = milliseconds(bench.watermark)
    advance_scores(bench.rules, due, until_ms)
    assert state.events == due.events
    assert state.traits == due.traits
    for name in bench.rules.models:
        for days in (0, 7, 100):
            at_ms = max(until_ms, due.last[0] if due.last else 0) + days * DAY * 60_000
            models = [one.models[name] for one in (state, due) if name in one.models]
            assert len(models) in (0, 2)
            if models:
                stored, recomputed = (score_at(model, at_ms) for model in models)
                assert stored == pytest.approx(recomputed, abs=1e-6), name


async def count(bench: Workbench, table: str, where: str = "true") -> int:
    found: int = await bench.connection.fetchval(f"SELECT count(*) FROM {table} WHERE {where}")
    return found


async def assert_balanced(
    bench: Workbench, stack: Stack, text: str = RULES, carried: int = 0
) -> None:
    """The audit finds nothing, and explanations add up to the scores. carried: so many events."""
    names = {number: rule.name for number, rule in bench.rules.by_number.items()}
    yardstick = Yardstick(as_written(text), bench.rules, names)
    view = view_of(
        bench.rules.version, read_ruleset(text), {name: at for at, name in names.items()}
    )
    database = await bench.connection.fetchval("SELECT current_database()")
    engine = engine_for(stack.database_url(database))
    try:
        for row in await bench.connection.fetch("SELECT id FROM lead WHERE merged_into IS NULL"):
            lead = await one_lead(bench.connection, row["id"])
            assert lead is not None
            assert differences(lead, yardstick) == []
            scores = decode_scores(lead.scores)
            async with engine.connect() as connection:
                for newest in (5, 10_000):
                    read = await read_page(
                        connection, lead.id, scores, shown_at(scores, 0), None, newest
                    )
                    explained = explain_page(view, read)
                    assert not models_that_differ(explained, scores_at(view, scores, read.at_ms))
            for model in explained.values():
                parts = [one.value_now for one in (*model.carried, *model.entries)]
                assert sum(parts) == pytest.approx(model.score, abs=1e-5)
            told = explained["engagement"].carried
            assert not carried or sum(one.events for one in told) == carried
    finally:
        await engine.dispose()


async def test_scores_stay_when_old_events_go_and_late_ones_fold_onto_the_rest(
    bench: Workbench, stack: Stack
) -> None:
    """A year of two people goes but for its last days; a late event counts as if in time."""
    ann, bob = visits(0, 90, 0, email=ANN[1]), visits(200, 40, 3, every=2, email=BOB[1])
    await bench.take_each(ann + bob)
    bench.watermark = START + timedelta(days=100)
    assert await sweep(bench, "events", 60) > 50
    assert (
        await count(bench, "event", f"occurred_ms <= {milliseconds(START) + 40 * 86_400_000}") == 0
    )
    assert await count(bench, "carry") == 2
    await assert_scores(bench, ANN, ann)
    late = happening(900, "content_downloaded", after=60.5 * DAY, email=ANN[1], content_id="new")
    await bench.take(late)
    await assert_scores(bench, ANN, [*ann, late])
    await assert_scores(bench, BOB, bob)
    await assert_balanced(bench, stack)
    bench.watermark = START + timedelta(days=150)
    await sweep(bench, "events", 20)
    assert await count(bench, "event") == 0
    await bench.take(last := happening(901, after=140 * DAY, email=ANN[1]))
    await assert_scores(bench, ANN, [*ann, late, last])


async def test_an_event_older_than_what_is_kept_is_refused(bench: Workbench) -> None:
    """Nothing is changed by it, and which event it was is told."""
    ann = visits(0, 20, 0, email=ANN[1])
    await bench.take_each(ann)
    bench.watermark = START + timedelta(days=20)
    await sweep(bench, "events", 10)
    with pytest.raises(TooOldError) as told:
        await bench.take(ann[3], happening(901, after=19.5 * DAY, email=ANN[1]))
    assert [one.event.id for one in told.value.arrivals] == [ann[3].id]
    await sweep(bench, "events", 1)  # everything
    with pytest.raises(TooOldError):  # the newest comes again
        await bench.take(ann[-1])
    await assert_scores(bench, ANN, ann)


async def test_a_merged_lead_is_carried_by_its_parts_and_they_part_with_their_own(
    bench: Workbench, stack: Stack
) -> None:
    """Merged before retention, refolded from the parts, taken apart after it."""
    ann, bob = visits(0, 20, 0, email=ANN[1]), visits(100, 20, 0.3, email=BOB[1])
    await bench.take(*ann)
    await bench.take(*bob)
    ids = [await bench.lead_of(*one) for one in (ANN, BOB)]
    said = merge(300, Identifiers(email=ANN[1]), 21 * DAY, email=BOB[1])
    await bench.take(said)
    together = [*ann, *bob, said]
    await assert_scores(bench, ANN, together)
    bench.watermark = START + timedelta(days=30)
    await sweep(bench, "events", 15)
    carried = await bench.connection.fetch("SELECT lead_id, events FROM carry ORDER BY lead_id")
    assert [tuple(row) for row in carried] == [(ids[0], 16), (ids[1], 15)]
    late = happening(301, "email_clicked", after=20.5 * DAY, email=BOB[1])
    await bench.take(late)
    together.append(late)
    await assert_scores(bench, ANN, together)
    await assert_balanced(bench, stack, carried=31)
    await bench.take(unmerge(302, 31 * DAY, [BOB], [ANN]))
    state = await state_of(bench, await bench.lead_of(*BOB))
    assert await bench.lead_of(*BOB) == ids[1]
    assert state.events + (await state_of(bench, ids[0])).events == len(together) + 1
    assert state.carried_ms == milliseconds(START) + 15 * 86_400_000
    await assert_balanced(bench, stack)


async def test_carried_leads_that_merge_add_up(bench: Workbench) -> None:
    """A visitor whose past is carried is named by somebody whose past is carried."""
    ann = visits(0, 6, 0, email=ANN[1])
    visitor = visits(100, 6, 0.3, every=0.9, anonymous_id=VISITOR[1])
    await bench.take(*ann, *visitor)
    bench.watermark = START + timedelta(days=20)
    await sweep(bench, "events", 5)
    before = [await state_of(bench, await bench.lead_of(*one)) for one in (ANN, VISITOR)]
    named = happening(300, after=21 * DAY, email=ANN[1], anonymous_id=VISITOR[1])
    await bench.take(named)
    assert await bench.lead_of(*VISITOR) == await bench.lead_of(*ANN)
    state = await state_of(bench, await bench.lead_of(*ANN))
    assert state.events == 13
    at_ms = milliseconds(START) + 30 * 86_400_000
    parts = sum(score_at(one.models["engagement"], at_ms) for one in before)
    gained = score_at(state.models["engagement"], at_ms) - parts
    assert gained == pytest.approx(5 * 2 ** (-9 / 30))


async def test_time_and_new_rules_go_on_from_what_is_carried(
    bench: Workbench, stack: Stack
) -> None:
    """A silence ends after its event has gone; a new ruleset keeps what was granted."""
    bench.rules = ruleset(TIMED_RULES)
    ann = visits(0, 12, 0, email=ANN[1], traits=None)  # type: ignore[arg-type]
    await bench.take_each(ann)
    bench.watermark = START + timedelta(days=20)
    await sweep(bench, "events", 5)
    assert await count(bench, "event") == 0
    await bench.pass_time(START + timedelta(days=60))
    await assert_scores(bench, ANN, ann)
    assert await count(bench, "time_entry") > 0
    await assert_balanced(bench, stack, TIMED_RULES, carried=12)
    before = await state_of(bench, await bench.lead_of(*ANN))
    await bench.publish(ruleset(TIMED_RULES.replace("points: 20", "points: 50"), version=2))
    after = await state_of(bench, await bench.lead_of(*ANN))
    at_ms = milliseconds(bench.watermark)
    values = [score_at(one.models["engagement"], at_ms) for one in (before, after)]
    assert values[0] == pytest.approx(values[1])
    assert after.events == before.events


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
        "INSERT INTO destination (id, name, url, secret)"
        " VALUES ($1, 'crm', 'https://crm.example', 's')",
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


async def test_sweeps_and_batches_side_by_side(bench: Workbench, database_url: str) -> None:
    """Leads are locked in one order: nobody waits in a ring, and nothing is lost."""
    people = {f"p{n}@example.com": visits(n * 100, 30, n / 50, email=f"p{n}@example.com")
              for n in range(25)}  # fmt: skip
    for line in people.values():
        await bench.take(*line[:20])
    bench.watermark = START + timedelta(days=24)
    other = await asyncpg.connect(database_url)
    try:
        sweeping = asyncio.create_task(sweep(bench, "events", 12, other))
        for at in range(20, 30):
            await bench.take(*(line[at] for line in people.values()))
        await sweeping
    finally:
        await other.close()
    for email, line in people.items():
        await assert_scores(bench, (EMAIL, email), line)
