"""States broken by hand are found, told, and mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import (
    ScoreState,
    Watch,
    decode_journeys,
    decode_scores,
    encode_journeys,
    encode_scores,
)
from shared.ledger import Entry, decode_entries, encode_entries
from tests.integration.scorer.audit.audited import audit, made_live, told
from tests.integration.scorer.bench_of_leads import START, Workbench, happening

RULES = """
models:
  engagement:
    decay: {half_life: 30d}
    rules:
      - {id: page, on: page_viewed, points: 5, limit: {times: 3, per: day}}
      - {id: download, on: content_downloaded, points: 20}
      - {id: gone-quiet, after: {quiet: 2d}, points: -6}
      - {id: keen, points: 9, when: {count: {on: page_viewed, within: 7d, at_least: 3}}}
  fit:
    rules:
      - {id: senior, when: {field: traits.title, contains: [chief]}, points: 20}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 15}, leave: {engagement: 8}, handoff: content}
    - {name: validate, enter: {engagement: 100}, leave: {engagement: 30}, handoff: sales}
"""


@pytest.fixture
async def full(bench: Workbench, database_url: str) -> Workbench:
    """A bench with a few leads; the first of them is to be damaged."""
    bench.rules = await made_live(database_url, RULES)
    for number in range(4):
        await bench.take(happening(number, after=number, email="p@example.com"))
    await bench.take(
        happening(10, "lead_identified", after=9, email="p@example.com", traits={"title": "chief"}),
        happening(11, "content_downloaded", after=10, email="p@example.com"),
        happening(12, "content_downloaded", after=10, email="q@example.com"),
        happening(13, after=11, anonymous_id="a"),
    )
    await bench.pass_time(START + timedelta(days=3))
    assert await audit(bench, database_url) == []
    return bench


async def damaged_lead(bench: Workbench) -> UUID:
    return await bench.lead_of(EMAIL, "p@example.com")


async def _change_scores(bench: Workbench, change: Callable[[ScoreState], None]) -> None:
    lead_id = await damaged_lead(bench)
    stored = await bench.connection.fetchval("SELECT scores FROM lead WHERE id = $1", lead_id)
    state = decode_scores(stored)
    change(state)
    await bench.connection.execute(
        "UPDATE lead SET scores = $2 WHERE id = $1", lead_id, encode_scores(state)
    )


async def _change_entries(
    bench: Workbench, change: Callable[[list[Entry]], list[Entry]], kind: str = "event"
) -> None:
    """Of the first event that earned something, or the first instant at which time gave."""
    lead_id = await damaged_lead(bench)
    at = "occurred_ms" if kind == "event" else "at_ms"
    row = await bench.connection.fetchrow(
        f"SELECT {at} AS at, entries FROM {kind} WHERE lead_id = $1 AND entries IS NOT NULL"
        f" ORDER BY {at} LIMIT 1", lead_id,
    )  # fmt: skip
    entries = encode_entries(change(decode_entries(row["entries"])))
    await bench.connection.execute(
        f"UPDATE {kind} SET entries = $3 WHERE lead_id = $1 AND {at} = $2",
        lead_id, row["at"], entries,
    )  # fmt: skip


def _one_point_more(entries: list[Entry]) -> list[Entry]:
    first = entries[0]
    return [Entry(first.rule, first.points + 1, first.raw, first.clipped), *entries[1:]]


async def _a_point(bench: Workbench) -> None:
    def change(state: ScoreState) -> None:
        next(iter(state.models["engagement"].sums.values())).amount += 1

    await _change_scores(bench, change)


async def _a_point_of_an_entry(bench: Workbench) -> None:
    await _change_entries(bench, _one_point_more)


async def _an_entry_deleted(bench: Workbench) -> None:
    await _change_entries(bench, lambda entries: entries[1:])


async def _an_entry_twice(bench: Workbench) -> None:
    await _change_entries(bench, lambda entries: [entries[0], *entries])


async def _a_time_entry_changed(bench: Workbench) -> None:
    await _change_entries(bench, _one_point_more, "time_entry")


async def _time_entries_deleted(bench: Workbench) -> None:
    lead_id = await damaged_lead(bench)
    await bench.connection.execute("DELETE FROM time_entry WHERE lead_id = $1", lead_id)


async def _an_event_deleted(bench: Workbench) -> None:
    lead_id = await damaged_lead(bench)
    await bench.connection.execute(
        "DELETE FROM event WHERE lead_id = $1 AND occurred_ms ="
        " (SELECT min(occurred_ms) FROM event WHERE lead_id = $1)", lead_id,
    )  # fmt: skip


async def _a_rule_not_held(bench: Workbench) -> None:
    await _change_scores(bench, lambda state: state.models["fit"].holding.clear())


async def _a_trait_lost(bench: Workbench) -> None:
    await _change_scores(bench, lambda state: state.traits.clear())


async def _a_limit_forgotten(bench: Workbench) -> None:
    await _change_scores(bench, lambda state: state.models["engagement"].limits.clear())


async def _counts_forgotten(bench: Workbench) -> None:
    def change(state: ScoreState) -> None:
        state.watch = Watch(until_ms=state.watch.until_ms if state.watch else -1)

    await _change_scores(bench, change)


async def _nothing_readable(bench: Workbench) -> None:
    lead_id = await damaged_lead(bench)
    await bench.connection.execute("UPDATE lead SET scores = '\\x00' WHERE id = $1", lead_id)


async def _another_stage_in_the_row(bench: Workbench) -> None:
    lead_id = await damaged_lead(bench)
    await bench.connection.execute("UPDATE lead SET stage = 'validate' WHERE id = $1", lead_id)


DAMAGE = {
    _a_point: "score engagement",
    _a_point_of_an_entry: "entry",
    _an_entry_deleted: "entry",
    _an_entry_twice: "entry",
    _a_time_entry_changed: "entry",
    _time_entries_deleted: "entry",
    _an_event_deleted: "events",
    _a_rule_not_held: "holds",
    _a_trait_lost: "trait",
    _a_limit_forgotten: "limit of engagement/page",
    _counts_forgotten: "counts over time, tallies",
    _nothing_readable: "unreadable",
    _another_stage_in_the_row: "stage",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda one: one.__name__.strip("_"))
async def test_damage_is_found_and_mended(
    full: Workbench, database_url: str, damage: Callable[[Workbench], object]
) -> None:
    """In that lead alone; a trial changes nothing; the repair makes it equal; the next audit finds
    nothing.
    """
    await damage(full)
    findings = await audit(full, database_url)
    assert [finding.lead_id for finding in findings] == [await damaged_lead(full)]
    assert DAMAGE[damage] in [what for what, _, _ in told(findings)]
    [tried] = await audit(full, database_url, repair=True, dry_run=True)
    assert tried.repair is not None
    assert tried.repair.undone
    assert not tried.repair.left
    assert told([tried]) == told(findings)
    [mended] = await audit(full, database_url, repair=True)
    assert told([mended]) == told(findings)
    assert mended.is_mended
    assert await audit(full, database_url) == []
    await full.picture()  # folding again gives what is stored


async def test_a_difference_names_model_entry_and_what_it_should_be(
    full: Workbench, database_url: str
) -> None:
    """The score, as stored and as recomputed, and the first entry that differs: whose it is."""
    await _a_point_of_an_entry(full)
    [finding] = await audit(full, database_url)
    [entry] = finding.differences
    assert entry.where == "2026-05-04T09:00:00.000Z event web/event-0"
    assert entry.stored == "engagement/page +6"
    assert entry.recomputed == "engagement/page +5"


async def test_a_stage_that_a_repair_moves_is_published_without_a_hand_off(
    full: Workbench, database_url: str
) -> None:
    """The lead had been lifted by points that it never got: it falls, once, as a recalculation."""

    def change(state: ScoreState) -> None:
        next(iter(state.models["engagement"].sums.values())).amount -= 30

    await _change_scores(full, change)
    await full.pass_time(START + timedelta(days=3, minutes=1))
    await full.connection.execute("UPDATE lead SET due_ms = 0")
    await full.pass_time(START + timedelta(days=3, minutes=2))
    assert (await full.facts())[-1]["to_stage"] == "inform"
    before = await full.facts()
    [finding] = await audit(full, database_url, repair=True)
    assert finding.is_mended
    assert finding.repair is not None
    assert finding.repair.moves == ("inform → educate",)
    [fact] = (await full.facts())[len(before) :]
    assert (fact["to_stage"], fact["cause"], fact["withheld"]) == ("educate", "recalculation", True)


async def test_a_stage_that_its_history_does_not_tell_can_not_be_mended(
    full: Workbench, database_url: str
) -> None:
    """Others were told about stages: the audit says what differs still, and rewrites no history."""
    lead_id = await damaged_lead(full)
    stored = await full.connection.fetchval("SELECT journeys FROM lead WHERE id = $1", lead_id)
    journeys = decode_journeys(stored)
    await full.connection.execute(
        "DELETE FROM stage_history WHERE lead_id = $1 AND seq = 1", lead_id
    )
    [finding] = await audit(full, database_url, repair=True)
    assert not finding.is_mended
    assert finding.repair is not None
    assert {one.what for one in finding.repair.left} == {"stage history"}
    kept = await full.connection.fetchval("SELECT journeys FROM lead WHERE id = $1", lead_id)
    assert kept == encode_journeys(journeys)


async def test_a_lead_of_an_older_ruleset_is_audited_by_that_one(
    full: Workbench, database_url: str
) -> None:
    """Until the scorers come to it, what it was scored under is what counts."""
    await made_live(database_url, RULES.replace("points: 5", "points: 7"))
    assert await audit(full, database_url) == []
    await _a_point(full)
    [finding] = await audit(full, database_url, repair=True)
    assert finding.ruleset_version == 1
    assert finding.is_mended
    version = await full.connection.fetchval(
        "SELECT ruleset_version FROM lead WHERE id = $1", finding.lead_id
    )
    assert version == 2
    assert await audit(full, database_url) == []


async def test_an_absorbed_lead_has_nothing_left(full: Workbench, database_url: str) -> None:
    """Its events went to the survivor: both are equal, and points it kept would be found."""
    merging = happening(20, "lead_identified", after=12, email="p@example.com", anonymous_id="a")
    absorbed = await full.lead_of(ANONYMOUS, "a")
    await full.take(merging)
    assert await audit(full, database_url) == []
    of_another = await full.connection.fetchval(
        "SELECT scores FROM lead WHERE id = $1", await damaged_lead(full)
    )
    await full.connection.execute("UPDATE lead SET scores = $2 WHERE id = $1", absorbed, of_another)
    findings = await audit(full, database_url, repair=True)
    assert [finding.lead_id for finding in findings] == [absorbed]
    assert findings[0].is_mended
    assert await audit(full, database_url) == []


async def test_a_body_that_can_not_be_read_is_told_and_left_alone(
    full: Workbench, database_url: str
) -> None:
    """The other leads are examined all the same, and mended."""
    lead_id = await full.lead_of(EMAIL, "q@example.com")
    await full.connection.execute(
        "UPDATE event SET body = '\\x28b52ffd00' WHERE lead_id = $1", lead_id
    )
    await _a_point(full)
    findings = {one.lead_id: one for one in await audit(full, database_url, repair=True)}
    assert findings.pop(await damaged_lead(full)).is_mended
    [broken] = findings.values()
    assert [one.what for one in broken.differences] == ["unreadable"]
    assert broken.repair is not None
    assert broken.repair.failed
