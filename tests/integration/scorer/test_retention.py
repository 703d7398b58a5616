"""Retention of events on a real Postgres: they go, scores stay."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.scorer.arrivals import TooOldError
from shared.decay import score_at
from shared.envelope import Identifiers, milliseconds
from shared.identity import EMAIL
from tests.conftest import Stack
from tests.integration.scorer.bench_of_leads import (
    START,
    Workbench,
    happening,
    ruleset,
)
from tests.integration.scorer.sweeps import (
    ANN,
    BOB,
    DAY,
    VISITOR,
    assert_balanced,
    assert_scores,
    count,
    state_of,
    sweep,
    visits,
)
from tests.integration.scorer.test_merging import merge, unmerge
from tests.integration.scorer.test_time_gives import RULES as TIMED_RULES


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
