"""Points that time gives and takes: who sees to them, when, how often, and what undoes them."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.scorer.timers import act_on_time
from shared.envelope import milliseconds
from shared.lead_state import decode_scores
from tests.integration.scorer.bench_of_leads import START, Spy, Workbench, happening, ruleset

DAY_MINUTES = 1440
RULES = """
models:
  engagement:
    decay: {half_life: 60d}
    rules:
      - {id: page, on: page_viewed, points: 5}
      - {id: download, on: content_downloaded, points: 20}
      - {id: gone-quiet, after: {quiet: 30d}, points: -15}
      - {id: keen, points: 9, when: {count: {on: page_viewed, within: 7d, at_least: 3}}}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 15}, leave: {engagement: 8}, handoff: content}
"""
SILENCE_ENDS = START + timedelta(days=30)
PLAIN_STATEMENTS, HISTORY_STATEMENTS = 12, 20


@pytest.fixture
def timed(bench: Workbench) -> Workbench:
    """A bench whose rules ask for silences and counts."""
    bench.rules = ruleset(RULES)
    return bench


async def told(bench: Workbench) -> list[tuple[int, str, float]]:
    """(instant, rule, points) of all that time gave and took; the entries are checked to add up."""
    earned = [one for lead in await bench.picture() for one in lead[3] if not one[0]]
    return sorted((int(at), bench.rules.by_number[rule].name, p) for _, at, rule, p in earned)


async def test_a_silence_takes_points_at_its_millisecond(timed: Workbench) -> None:
    """No event comes; the points go, the stage falls in the same instant, and once."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    assert await timed.pass_time(SILENCE_ENDS - timedelta(milliseconds=1)) == 0
    assert await told(timed) == []
    assert await timed.pass_time(SILENCE_ENDS) == 1
    at_ms = milliseconds(SILENCE_ENDS)
    assert await told(timed) == [(at_ms, "engagement/gone-quiet", -15.0)]
    fact = (await timed.facts())[-1]
    assert (fact["to_stage"], fact["cause"], fact["at_ms"]) == ("inform", "time", at_ms)
    assert await timed.pass_time(SILENCE_ENDS + timedelta(days=300)) == 0
    assert len(await told(timed)) == 1


async def test_points_that_a_count_gave_go_when_it_runs_out(timed: Workbench) -> None:
    """Three visits a week hold until the first of them is a week old, though no stage moves."""
    for number in range(3):
        await timed.take(happening(number, email="p@example.com", after=number))
    due_ms = await timed.connection.fetchval("SELECT due_ms FROM lead")
    assert due_ms == milliseconds(START + timedelta(days=7))
    await timed.pass_time(START + timedelta(days=8))
    assert await told(timed) == [(due_ms, "engagement/keen", -9.0)]


async def test_an_event_puts_a_silence_off_without_a_new_bound(timed: Workbench) -> None:
    """The stored bound stays, so the index on it isn't touched; reached, it takes nothing."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    first = await timed.connection.fetchval("SELECT due_ms FROM lead")
    await timed.take(happening(2, "content_downloaded", email="p@example.com", after=DAY_MINUTES))
    assert await timed.connection.fetchval("SELECT due_ms FROM lead") == first
    await timed.pass_time(SILENCE_ENDS)
    assert await told(timed) == []
    again = await timed.connection.fetchval("SELECT due_ms FROM lead")
    assert again == milliseconds(SILENCE_ENDS + timedelta(days=1))


async def test_what_a_silence_took_comes_back_with_a_late_event(timed: Workbench) -> None:
    """A partition was behind: the lead hadn't been silent. The entry goes, the score is right."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    await timed.pass_time(START + timedelta(days=31))
    assert len(await told(timed)) == 1
    await timed.take(happening(2, email="p@example.com", after=20 * DAY_MINUTES))
    assert await told(timed) == []
    fact = (await timed.facts())[-1]
    assert (fact["to_stage"], fact["cause"]) == ("educate", "history")
    await timed.pass_time(START + timedelta(days=60))
    over = milliseconds(START + timedelta(days=50))
    assert await told(timed) == [(over, "engagement/gone-quiet", -15.0)]


async def test_merged_leads_were_silent_together(timed: Workbench) -> None:
    """Each for itself was silent; the person they are was not. Nothing of the absorbed is left."""
    await timed.take(happening(1, "content_downloaded", anonymous_id="a"))
    await timed.take(happening(2, "content_downloaded", email="p@example.com",
                               after=20 * DAY_MINUTES))  # fmt: skip
    await timed.pass_time(START + timedelta(days=31))
    assert len(await told(timed)) == 1
    await timed.take(happening(3, "lead_identified", email="p@example.com", anonymous_id="a",
                               after=32 * DAY_MINUTES))  # fmt: skip
    assert await told(timed) == []
    assert await timed.connection.fetchval("SELECT count(*) FROM time_entry") == 0


async def test_a_new_ruleset_drops_what_time_gave_under_the_old(timed: Workbench) -> None:
    """Without the rule its points are gone, as if they had never been taken."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    await timed.pass_time(START + timedelta(days=31))
    kept = [line for line in RULES.splitlines() if "gone-quiet" not in line and "keen" not in line]
    await timed.publish(ruleset("\n".join(kept), version=2))
    assert await told(timed) == []
    assert await timed.connection.fetchval("SELECT count(*) FROM time_entry") == 0


async def test_a_new_ruleset_takes_what_time_would_have_taken(timed: Workbench) -> None:
    """Up to the watermark, dated at its own instant, not at that of publishing."""
    after = RULES.replace("quiet: 30d", "quiet: 10d")
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    timed.watermark = START + timedelta(days=20)
    await timed.publish(ruleset(after, version=2))
    at_ms = milliseconds(START + timedelta(days=10))
    assert await told(timed) == [(at_ms, "engagement/gone-quiet", -15.0)]


async def test_after_a_restart_time_goes_on_where_it_was(timed: Workbench) -> None:
    """All that a scorer knows of time is in Postgres: another one neither repeats nor misses it."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    await timed.take(happening(2, "content_downloaded", email="q@example.com", after=DAY_MINUTES))
    await timed.pass_time(SILENCE_ENDS)
    another = Workbench(timed.connection, ruleset(RULES))
    await another.pass_time(SILENCE_ENDS + timedelta(hours=1))
    assert len(await told(another)) == 1
    await another.pass_time(SILENCE_ENDS + timedelta(days=1))
    assert len(await told(another)) == 2


async def test_two_scorers_see_to_each_lead_once(timed: Workbench, database_url: str) -> None:
    """Both look for due leads at once: what one holds the other passes over."""
    count = 60
    await timed.take(*[happening(number, "content_downloaded", email=f"p{number}@example.com",
                                 after=number / 60) for number in range(count)])  # fmt: skip
    timed.watermark = SILENCE_ENDS + timedelta(days=1)
    other = await asyncpg.connect(database_url)

    async def round_of(connection: asyncpg.Connection) -> int:
        async with connection.transaction():
            seen_to, _ = await act_on_time(connection, timed.scene())
            return seen_to

    seen_to = await asyncio.gather(round_of(timed.connection), round_of(other))
    await other.close()
    assert sum(seen_to) == count
    assert len(await told(timed)) == count
    assert [fact["seq"] for fact in await timed.facts() if fact["cause"] == "time"] == [2] * count


async def test_a_lead_that_a_batch_holds_is_seen_to_by_the_next_round(
    timed: Workbench, database_url: str
) -> None:
    """Timers don't wait for batches, and batches not for long for timers."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    batch = await asyncpg.connect(database_url)
    async with batch.transaction():
        await batch.fetch("SELECT id FROM lead FOR UPDATE")
        await timed.pass_time(SILENCE_ENDS)
        assert await told(timed) == []
    await batch.close()
    await timed.pass_time(SILENCE_ENDS)
    assert len(await told(timed)) == 1


async def test_a_scorer_whose_watermark_lags_undoes_nothing_for_good(timed: Workbench) -> None:
    """It folds a lead again up to its own watermark; what is beyond comes again, the same."""
    await timed.take(happening(1, "content_downloaded", email="p@example.com"))
    await timed.take(happening(2, email="p@example.com", after=60))
    await timed.pass_time(START + timedelta(days=40))
    once = await told(timed)
    timed.watermark = START + timedelta(days=25)
    await timed.take(happening(3, email="p@example.com", after=30))
    await timed.pass_time(START + timedelta(days=40))
    assert await told(timed) == once


async def test_timed_rules_ask_no_more_of_a_plain_batch(timed: Workbench) -> None:
    """At most twelve statements, with time's entries among what is written."""
    people = [f"p{number}@example.com" for number in range(200)]
    for turn in range(3):
        await timed.take(*[happening(turn * 1000 + at, "content_downloaded", email=email,
                                     after=turn * 40 * DAY_MINUTES + at / 60)
                           for at, email in enumerate(people)])  # fmt: skip
        assert len(timed.statements) <= PLAIN_STATEMENTS, timed.statements
    assert "COPY time_entry" in timed.statements
    assert len(await told(timed)) == 2 * len(people)


async def test_timed_rules_ask_no_more_of_merges_and_late_events(timed: Workbench) -> None:
    """At most twenty, with old entries dropped and new ones written."""
    count = 50
    await timed.take(*[happening(at, anonymous_id=f"a{at}", after=at / 60) for at in range(count)])
    await timed.take(*[happening(1000 + at, email=f"p{at}@example.com", after=60 + at / 60)
                       for at in range(2 * count)])  # fmt: skip
    await timed.pass_time(START + timedelta(days=31))
    await timed.take(
        *[happening(3000 + at, "lead_identified", email=f"p{at}@example.com", anonymous_id=f"a{at}",
                    after=40 * DAY_MINUTES) for at in range(count)],
        *[happening(5000 + at, email=f"p{count + at}@example.com", after=5) for at in range(count)],
    )  # fmt: skip
    assert len(timed.statements) <= HISTORY_STATEMENTS, timed.statements
    assert [one for one in timed.statements if "DELETE FROM time_entry" in one]
    assert len(await told(timed)) == 2 * count


async def test_timers_ask_alike_for_one_lead_and_for_hundreds(timed: Workbench) -> None:
    """Sets only; and when nothing is due, one look at the index."""
    await timed.take(*[happening(at, "content_downloaded", email=f"p{at}@example.com")
                       for at in range(300)])  # fmt: skip
    spy = Spy(timed.connection)
    timed.watermark = SILENCE_ENDS - timedelta(seconds=1)
    assert await act_on_time(spy, timed.scene()) == (0, 0)
    assert len(spy.statements) == 1
    timed.watermark = SILENCE_ENDS
    async with timed.connection.transaction():
        assert (await act_on_time(spy, timed.scene()))[0] == 300
    assert len(spy.statements) <= 1 + 5


async def test_a_checkpoint_knows_nothing_of_the_time_after_it(timed: Workbench) -> None:
    """An event from before the last fall has the ladder read at the watermark, where a silence is
    long over; the checkpoint is of the event, so that a later one can be folded onto it.
    """
    timed.rules = ruleset(RULES.replace("quiet: 30d", "quiet: 3d").replace("-15", "-1"))
    who = "p@example.com"
    visits = [happening(at, "lead_identified", after=at, email=who) for at in range(62)]
    await timed.take(happening(900, "content_downloaded", email=who), *visits)
    await timed.pass_time(START + timedelta(days=100))
    day = DAY_MINUTES
    await timed.take(happening(901, "content_downloaded", email=who, after=20 * day))
    [last_ms, scores] = await timed.connection.fetchrow("SELECT last_ms, scores FROM checkpoint")
    watch = decode_scores(scores).watch
    assert watch is not None
    assert watch.until_ms <= last_ms == milliseconds(START + timedelta(days=20))
    await timed.take(happening(902, email=who, after=22 * day))
    await timed.pass_time(START + timedelta(days=100))
    assert [at_ms for at_ms, _, _ in await told(timed)] == [
        milliseconds(START + timedelta(days=3, minutes=61)),
        milliseconds(START + timedelta(days=25)),
    ]
