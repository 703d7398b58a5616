"""A workbench: batches taken in by the scorer's own transaction, and what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.scorer.batch import BatchClaim, OldResolutionError, Taken, take_in
from services.scorer.core.by_time import advance_scores, scored_until_ms
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.identity_cache import IdentityCache
from services.scorer.partings import Partings
from services.scorer.resends import Resends
from services.scorer.scene import Scene
from services.scorer.timers import act_on_time, recalculate
from shared.bodies import open_body
from shared.decay import faded, score_at
from shared.envelope import Event, Identifiers, decode_event, milliseconds
from shared.ids import new_lead_id
from shared.lead_state import ScoreState, decode_scores
from shared.ledger import Entry, decode_entries
from shared.ruleset.reading import read_ruleset
from tests.arrivals import arrivals_of

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
TOPIC = "lead-events"
HASH_KEY = b"a key for tests only, 32 bytes.."

RULES = """
models:
  engagement:
    decay: {half_life: 30d}
    cap: 100
    rules:
      - {id: page, on: page_viewed, points: 5, limit: {times: 3, per: day}}
      - {id: download, on: content_downloaded, points: 20, limit: {once_per: properties.content_id}}
      - {id: click, on: email_clicked, points: 10}
      - {id: gone, on: email_unsubscribed, points: -40, decay: none}
  fit:
    rules:
      - {id: senior, when: {field: traits.title, contains: [chief], ignore_case: true}, points: 20}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 15}, leave: {engagement: 8}, handoff: content}
    - {name: validate, enter: {engagement: 45}, leave: {engagement: 30}, handoff: sales}
"""


def ruleset(text: str = RULES, version: int = 1) -> Ruleset:
    """The compiled rules, numbered from 1."""
    document = read_ruleset(text)
    names = [f"{model}/{rule.id}" for model, it in document.models.items() for rule in it.rules]
    return compile_ruleset(document, {name: at for at, name in enumerate(names, 1)}, version)


def happening(
    number: int,
    kind: str = "page_viewed",
    *,
    after: float = 0.0,
    source: str = "web",
    email: str | None = None,
    user_id: str | None = None,
    anonymous_id: str | None = None,
    traits: dict[str, Any] | None = None,
    **properties: Any,
) -> Event:
    """An event, `after` minutes from the start."""
    at = START + timedelta(minutes=after)
    return Event(
        id=f"event-{number}", source=source, type=kind, occurred_at=at, received_at=at,
        identifiers=Identifiers(email=email, user_id=user_id, anonymous_id=anonymous_id),
        properties=properties, traits=traits or {},
    )  # fmt: skip


class Spy:
    """A connection that notes what is asked of it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in {"fetch", "fetchval", "fetchrow", "execute", "copy_records_to_table"}:
            return method

        async def noted(what: str, *arguments: Any, **options: Any) -> Any:
            self.statements.append(what if name != "copy_records_to_table" else f"COPY {what}")
            return await method(what, *arguments, **options)

        return noted


@dataclass
class Workbench:
    """One partition after the other, over one database."""

    connection: Any
    rules: Ruleset
    watermark: datetime = START
    offset: int = 0
    statements: list[str] = field(default_factory=list)
    hand_off: bool = False
    resends: Resends = field(default_factory=Resends)
    partings: Partings = field(default_factory=lambda: Partings(HASH_KEY))
    identities: list[IdentityCache] = field(default_factory=lambda: [IdentityCache()])

    @classmethod
    async def open(cls, database_url: str, rules: Ruleset | None = None) -> Workbench:
        connection = await asyncpg.connect(database_url)
        await connection.execute(
            "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
            " VALUES ($1, 0, 'c', 0, 1)", TOPIC,
        )  # fmt: skip
        return cls(connection, rules or ruleset())

    def scene(self) -> Scene:
        """Several caches of identities take turns, as those of several scorers would."""
        cache = self.identities[self.offset % len(self.identities)]
        at_ms = milliseconds(self.watermark)
        return Scene(
            self.rules, at_ms, 4, new_lead_id, self.hand_off, cache, self.resends,
            hash_key=HASH_KEY, partings=self.partings,
        )  # fmt: skip

    async def take(self, *events: Event) -> Taken:
        """One batch. Noted: `statements`, with BEGIN and COMMIT."""
        spy = Spy(self.connection)
        arrivals = arrivals_of(events)
        claim = BatchClaim(TOPIC, 0, self.offset, self.offset + 1, 1, 0)
        try:
            async with self.connection.transaction():
                taken = await take_in(spy, claim, arrivals, self.scene())
        except OldResolutionError:  # what was cached is old: the same batch again
            spy.statements.clear()
            async with self.connection.transaction():
                taken = await take_in(spy, claim, arrivals, self.scene())
        self.offset += 1
        self.statements = ["BEGIN", *spy.statements, "COMMIT"]
        return taken

    async def take_each(self, events: Iterable[Event]) -> None:
        for event in events:
            await self.take(event)

    async def pass_time(self, until: datetime) -> int:
        """Let the timers act up to an instant. Returns the number of stage changes."""
        self.watermark = until
        async with self.connection.transaction():
            _, changes = await act_on_time(self.connection, self.scene())
        return changes

    async def publish(self, rules: Ruleset, *, hand_off: bool = False) -> int:
        """A new ruleset goes live, and everybody is scored again."""
        self.rules, self.hand_off = rules, hand_off
        done = 0
        async with self.connection.transaction():
            while some := await recalculate(self.connection, self.scene()):
                done += some
        return done

    async def lead_of(self, kind: int, value: str) -> UUID:
        found: UUID = await self.connection.fetchval(
            "SELECT lead_id FROM identifier WHERE kind = $1 AND value = $2"
            " ORDER BY since_ms LIMIT 1", kind, value,
        )  # fmt: skip
        return found

    async def facts(self) -> list[dict[str, Any]]:
        import json

        rows = await self.connection.fetch("SELECT fact FROM outbox ORDER BY id")
        return [json.loads(row[0]) for row in rows]

    async def picture(self) -> list[Any]:
        """Every standing lead without its id: who it is, what it earned by what, its scores.

        Checks on the way that the entries add up to the scores, and that folding the stored events
        again gives the stored state.
        """
        leads = await self.connection.fetch("SELECT * FROM lead WHERE merged_into IS NULL")
        found = []
        for lead in leads:
            names = await self.connection.fetch(
                "SELECT kind, value, since_ms, CASE WHEN kind = 5 THEN claimed_ms END"
                "  FROM identifier WHERE lead_id = $1",
                lead["id"],
            )
            rows = await self.connection.fetch(
                "SELECT body, entries FROM event WHERE lead_id = $1", lead["id"]
            )
            events = [
                (decode_event(open_body(row["body"])), decode_entries(row["entries"]))
                for row in rows
            ]
            earned = sorted(
                (event.source, event.id, entry.rule, round(entry.points, 9))
                for event, entries in events
                for entry in entries
            )
            state = decode_scores(lead["scores"])
            line = sorted((event for event, _ in events), key=position)
            by_time = await self._by_time(lead["id"])
            self._check(state, line, by_time)
            self._balance(state, by_time, events)
            earned += [
                ("", str(at_ms), entry.rule, round(entry.points, 9)) for at_ms, entry in by_time
            ]
            at_ms = milliseconds(START + timedelta(days=1000))
            scores = {name: round(score_at(it, at_ms), 9) for name, it in state.models.items()}
            shown = sorted((event.source, event.id) for event, _ in events)
            found.append((sorted(map(tuple, names)), lead["known"], shown, earned, scores))
        return sorted(found, key=repr)

    async def _by_time(self, lead_id: UUID) -> list[tuple[int, Entry]]:
        rows = await self.connection.fetch(
            "SELECT at_ms, entries FROM time_entry WHERE lead_id = $1 ORDER BY at_ms", lead_id
        )
        return [(row["at_ms"], one) for row in rows for one in decode_entries(row["entries"])]

    def _check(
        self, state: ScoreState, line: Sequence[Event], by_time: list[tuple[int, Entry]]
    ) -> None:
        """Folding the stored events again, and time as far as it went, gives what is stored."""
        again = fold_scores(self.rules, new_state(), line)
        brought = list(again.time_entries)
        brought += advance_scores(self.rules, again.state, scored_until_ms(state))
        assert again.state == state, "folding the stored events again gives another state"
        told = [(one.at_ms, one.rule, one.points, one.clipped) for one in brought]
        assert told == [(at, one.rule, one.points, one.clipped) for at, one in by_time]

    def _balance(
        self,
        state: ScoreState,
        by_time: list[tuple[int, Entry]],
        events: Iterable[tuple[Event, list[Entry]]],
    ) -> None:
        """Each score is the sum of all that events and time gave, as faded until then."""
        granted = by_time + [
            (position(event)[0], entry) for event, entries in events for entry in entries
        ]
        for after_ms in (0, 600_000, 7 * 3_600_000, 40 * 86_400_000):
            at_ms = scored_until_ms(state) + after_ms
            sums = dict.fromkeys(state.models, 0.0)
            for granted_ms, entry in granted:
                if entry.points:
                    rule = self.rules.by_number[entry.rule]
                    fades = rule.half_life if entry.clipped != "taken back" else 0
                    sums[rule.model] += faded(entry.points, granted_ms, at_ms, rule.kind, fades)
            for name, model in state.models.items():
                assert abs(score_at(model, at_ms) - sums[name]) < 1e-6, name
