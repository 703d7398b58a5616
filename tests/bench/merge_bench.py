"""Events/s while visitors turn out to be people who are known, against events/s while nobody does.

Two scorer processes, real Kafka and Postgres. Visitors' events and the words that say who they are
have different keys, so they meet in two partitions, at two scorers, at the same time.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median

import asyncpg
from rich.table import Table

from shared.database import dsn
from shared.envelope import Event, Identifiers, Verdict
from shared.settings import Settings
from tests.bench.others import Others
from tests.bench.scorers import Rate, prepared, running_scorers
from tests.bench.stack import BenchStack

EVENTS = 200_000  # of either half; every second one of the second half merges a lead
VISITORS_A_PERSON = 5
DEADLINE_SECONDS = 1200.0

LEFT_OVER = """
SELECT (SELECT count(*) FROM lead WHERE NOT known AND merged_into IS NULL) AS visitors,
       (SELECT count(*) FROM lead WHERE known) AS people,
       (SELECT count(*) FROM lead_merge) AS merges
"""
# How many of these visitors are part of the person they said they are.
WITH_THEIR_PERSON = """
SELECT count(*) FROM unnest($1::text[], $2::text[]) AS said (visitor, email)
  JOIN identifier v ON v.kind = 5 AND v.value = said.visitor
  JOIN identifier e ON e.kind = 2 AND e.value = said.email AND e.lead_id = v.lead_id
"""


@dataclass(frozen=True)
class Measured:
    """without, during: the same load, the second time with merges in it · merges: so many leads
    were merged · retries: batches tried again, by reason, in either half.
    """

    without: Rate
    during: Rate
    merges: int
    retries_without: Counter[str]
    retries_during: Counter[str]

    @property
    def ratio(self) -> float:
        return self.during.per_second / self.without.per_second


class Crowd:
    """Visitors, five for each person, and what they do. All from a seed."""

    def __init__(self, visitors: int) -> None:
        self.visitors = visitors
        self.people = -(-visitors // VISITORS_A_PERSON)
        self._dice = random.Random(1)
        self._numbers = count()
        self._start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)

    def arrivals(self) -> list[Event]:
        """The first event of everybody."""
        everybody = [self._view(email=self.email(person)) for person in range(self.people)]
        everybody += [self._view(visitor=visitor) for visitor in range(self.visitors)]
        return everybody

    def load(self, events: int) -> list[Event]:
        """What goes on anyway: every second event is a visitor's, the others are of people."""
        return [
            self._view(visitor=self._dice.randrange(self.visitors))
            if number % 2
            else self._view(email=self.email(self._dice.randrange(self.people)))
            for number in range(events)
        ]

    def load_with_merges(self) -> list[Event]:
        """As many events again as there are visitors, each followed by a visitor who says who he
        or she is.
        """
        order = list(range(self.visitors))
        self._dice.shuffle(order)
        found = []
        for visitor, other in zip(order, self.load(self.visitors), strict=True):
            found += [other, self._view(visitor=visitor, email=self.email(self.person(visitor)))]
        return found

    def person(self, visitor: int) -> int:
        return visitor % self.people

    def email(self, person: int) -> str:
        return f"person{person}@customer{person % 997}.example"

    def browser(self, visitor: int) -> str:
        return f"{visitor:032x}"

    def _view(self, *, visitor: int | None = None, email: str | None = None) -> Event:
        number = next(self._numbers)
        at = self._start + timedelta(milliseconds=10 * number)
        path = f"/blog/post-{number % 60}"
        both = visitor is not None and email is not None
        return Event(
            id=f"{number:032x}",
            source="web",
            type="lead_identified" if both else "page_viewed",
            occurred_at=at,
            received_at=at,
            identifiers=Identifiers(
                email=email, anonymous_id=None if visitor is None else self.browser(visitor)
            ),
            context={"page": {"url": f"https://www.example.com{path}", "path": path}},
            verdict=Verdict("human"),
        )


async def measure(stack: BenchStack, settings: Settings, events: int) -> Measured:
    """Both halves, over the same leads. Raises RuntimeError unless every lead was merged."""
    crowd = Crowd(events // 2)
    await prepared(stack, settings)
    async with running_scorers(stack, settings, 2) as scorers:
        await scorers.take_in(crowd.arrivals())
        before = await scorers.counted("leadscore_scorer_retries")
        without = await scorers.take_in(crowd.load(2 * crowd.visitors))
        between = await scorers.counted("leadscore_scorer_retries")
        during = await scorers.take_in(crowd.load_with_merges(), DEADLINE_SECONDS)
        after = await scorers.counted("leadscore_scorer_retries")
        lost = await scorers.counted("leadscore_scorer_events")
    if lost["dead_letter"]:
        raise RuntimeError(f"{lost['dead_letter']} events became dead letters")
    await _all_merged(settings, crowd)
    return Measured(without, during, crowd.visitors, between - before, after - between)


async def _all_merged(settings: Settings, crowd: Crowd) -> None:
    visitors: Sequence[int] = range(crowd.visitors)
    connection = await asyncpg.connect(dsn(settings))
    try:
        (left,) = [dict(row) for row in await connection.fetch(LEFT_OVER)]
        together = await connection.fetchval(
            WITH_THEIR_PERSON,
            [crowd.browser(visitor) for visitor in visitors],
            [crowd.email(crowd.person(visitor)) for visitor in visitors],
        )
    finally:
        await connection.close()
    wanted = {"visitors": 0, "people": crowd.people, "merges": crowd.visitors}
    if left != wanted or together != crowd.visitors:
        raise RuntimeError(f"not all were merged: {left}, {together} with their person")


def table(stack: BenchStack, rounds: int, events: int, progress: Callable[[str], None]) -> Table:
    """So many measurements, each on a fresh database, as one table."""
    others, measured = Others(), []
    for number in range(1, rounds + 1):
        one = asyncio.run(measure(stack, stack.fresh_settings(), events))
        measured.append(one)
        progress(
            f"round {number}: {one.merges:,} leads merged in {one.during.seconds:.1f} s · "
            f"{one.during.per_second:,.0f} events/s · without {one.without.per_second:,.0f}"
        )
    found = Table(
        title=f"Two scorers while {measured[0].merges:,} visitors join people (medians)",
        caption=f"every lead was merged, no event lost\n{others.words()}",
        expand=True,
    )
    found.add_column("half", ratio=2)
    for column in ("events/s", "×", "CPU µs Python", "CPU µs Postgres"):
        found.add_column(column, justify="right")
    found.add_column("batches tried again, in all", ratio=2)
    halves = [
        ("no merges", 1.0, [(one.without, one.retries_without) for one in measured]),
        (
            "every second event merges",
            median(one.ratio for one in measured),
            [(one.during, one.retries_during) for one in measured],
        ),
    ]
    for words, ratio, half in halves:
        reasons = sum((retries for _, retries in half), Counter[str]())
        found.add_row(
            words,
            f"{median(rate.per_second for rate, _ in half):,.0f}",
            f"{ratio:.2f}",
            f"{median(rate.python_us for rate, _ in half):.1f}",
            f"{median(rate.postgres_us for rate, _ in half):.1f}",
            ", ".join(f"{reason} {times}" for reason, times in reasons.most_common()) or "none",
        )
    return found
