"""One batch, one transaction: what it writes, how often it asks, and what it refuses."""

import asyncpg
import pytest

from services.scorer.batch import LostPartitionError
from services.scorer.resends import FIRST_PROBATION, LARGE_BATCH, Resends
from shared.envelope import Event
from shared.identity import ANONYMOUS, EMAIL
from tests.integration.scorer.bench_of_leads import Workbench, happening

PLAIN_STATEMENTS = 12
HISTORY_STATEMENTS = 20


async def test_an_event_becomes_a_lead_with_points(bench: Workbench) -> None:
    """The first event of a visitor makes a lead that holds its points."""
    taken = await bench.take(happening(1, anonymous_id="a"))
    assert (taken.events, taken.entries) == (1, 1)
    [(names, known, _, earned, _)] = await bench.picture()
    assert names == [(ANONYMOUS, "a", 0, None)]
    assert not known
    assert earned == [("web", "event-1", 1, 5.0)]


async def test_an_event_counts_once_however_often_it_comes(bench: Workbench) -> None:
    """The same event twice in a batch, and again in later ones, is stored and scored once."""
    event = happening(1, anonymous_id="a")
    first = await bench.take(event, event)
    again = await bench.take(event)
    assert (first.events, first.duplicates, again.events, again.duplicates) == (1, 1, 0, 1)
    [(_, _, shown, earned, _)] = await bench.picture()
    assert len(shown) == len(earned) == 1


async def test_the_same_id_from_another_source_is_another_event(bench: Workbench) -> None:
    """A public key can't pre-empt another source's ids."""
    taken = await bench.take(
        happening(1, anonymous_id="a"), happening(1, anonymous_id="a", source="server")
    )
    assert taken.events == 2


async def test_a_claim_of_a_former_owner_fails(bench: Workbench) -> None:
    """After the partition went to another epoch, nothing more is written under the old one."""
    await bench.connection.execute("UPDATE consumer_partition SET epoch = 2")
    with pytest.raises(LostPartitionError):
        await bench.take(happening(1, anonymous_id="a"))
    assert await bench.connection.fetchval("SELECT count(*) FROM event") == 0


async def test_a_batch_is_taken_in_once(bench: Workbench) -> None:
    """Replaying a batch from an offset that is taken in already fails at the claim."""
    await bench.take(happening(1, anonymous_id="a"))
    bench.offset = 0
    with pytest.raises(LostPartitionError):
        await bench.take(happening(2, anonymous_id="a"))


def crowd(count: int, first: int, after: float) -> list[Event]:
    return [
        happening(first + i, "email_clicked", email=f"p{i}@example.com", anonymous_id=f"a{i}",
                  after=after + i / 100)
        for i in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [10, 2000])
async def test_a_plain_batch_asks_at_most_twelve_times(bench: Workbench, count: int) -> None:
    """New leads or known ones, 10 events or 2,000: the statements don't grow with the batch."""
    for turn in range(4):
        await bench.take(*crowd(count, turn * count, after=turn * 100))
        assert len(bench.statements) <= PLAIN_STATEMENTS, bench.statements
    assert await bench.connection.fetchval("SELECT count(*) FROM stage_history") >= count


async def test_small_and_large_batches_ask_alike(bench: Workbench) -> None:
    """The very same statements for 10 and for 2,000 events."""
    await bench.take(*crowd(10, 0, after=0))
    small = bench.statements
    await bench.take(*[
        event for event in crowd(2010, 5000, after=0) if event.identifiers.email not in {
            f"p{i}@example.com" for i in range(10)
        }
    ])  # fmt: skip
    assert bench.statements == small


async def test_events_in_order_read_no_stored_events(bench: Workbench) -> None:
    """Only the dedupe look-up by key touches the event table, and no checkpoint is read."""
    await bench.take(*crowd(50, 0, after=0))
    await bench.take(*crowd(50, 50, after=100))
    reads = [text for text in bench.statements if "FROM event" in text or "JOIN event" in text]
    assert reads == ["SELECT key FROM event WHERE key = ANY($1::uuid[])"]
    assert not [text for text in bench.statements if "FROM checkpoint" in text]


@pytest.mark.parametrize("count", [10, 500])
async def test_merges_and_late_events_ask_at_most_twenty_times(
    bench: Workbench, count: int
) -> None:
    """Many merges and many late events at once: still a fixed number of statements."""
    await bench.take(*[happening(i, anonymous_id=f"a{i}", after=50) for i in range(count)])
    await bench.take(*[happening(1000 + i, email=f"p{i}@example.com", after=60)
                       for i in range(2 * count)])  # fmt: skip
    taken = await bench.take(
        *[happening(3000 + i, "lead_identified", email=f"p{i}@example.com", anonymous_id=f"a{i}",
                    after=70) for i in range(count)],
        *[happening(5000 + i, email=f"p{count + i}@example.com", after=5) for i in range(count)],
    )  # fmt: skip
    assert (taken.merged, taken.refolded) == (count, 3 * count)
    assert len(bench.statements) <= HISTORY_STATEMENTS, bench.statements


async def test_a_late_event_folds_only_what_follows_the_checkpoint(bench: Workbench) -> None:
    """With 1,000 events stored, one that is late by a little reads fewer than 130."""
    for turn in range(10):
        await bench.take(*[happening(turn * 100 + i, email="p@example.com",
                                     after=turn * 100 + i) for i in range(100)])  # fmt: skip
    assert await bench.connection.fetchval("SELECT count(*) FROM checkpoint") >= 9
    read = 0
    original = bench.connection.fetch

    spy_rows: list[int] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(bench_connection, name)

        async def fetch(self, query: str, *arguments: object) -> object:
            rows = await original(query, *arguments)
            if "JOIN event" in query:
                spy_rows.append(len(rows))
            return rows

    bench_connection = bench.connection
    bench.connection = Counting()
    try:
        await bench.take(happening(5000, email="p@example.com", after=998.5))
    finally:
        bench.connection = bench_connection
    read = sum(spy_rows)
    assert 0 < read < 130
    lead = await bench.lead_of(EMAIL, "p@example.com")
    assert (
        await bench.connection.fetchval("SELECT count(*) FROM event WHERE lead_id = $1", lead)
        == 1001
    )
    await bench.picture()  # the stored state is what folding everything gives


async def test_an_old_event_in_a_large_batch_still_counts_once(bench: Workbench) -> None:
    """Nobody looked for it: the index refuses the batch, which then is taken in without it."""
    old = happening(1, email="p1@example.com", after=0)
    await bench.take(old)
    bench.resends = Resends()  # another process
    for turn in range(FIRST_PROBATION):
        await bench.take(*crowd(LARGE_BATCH, (1 + turn) * LARGE_BATCH, after=turn))
    batch = [old, *crowd(LARGE_BATCH, 90 * LARGE_BATCH, after=50)]
    with pytest.raises(asyncpg.UniqueViolationError):
        await bench.take(*batch)
    taken = await bench.take(*batch)
    assert (taken.events, taken.duplicates) == (LARGE_BATCH, 1)
    stored = await bench.connection.fetchval("SELECT count(*) FROM event")
    assert stored == 1 + (FIRST_PROBATION + 1) * LARGE_BATCH
