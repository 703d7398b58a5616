"""`make bench`: ingest, scorer and core against simpler rivals, in one run, as one table."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import structlog
from rich.console import Console
from rich.table import Table

from tests.bench import (
    core_bench,
    deliveries_bench,
    due_bench,
    explain_bench,
    flat_bench,
    imports_bench,
    ingest_bench,
    merge_bench,
    packets_bench,
    router_bench,
    scorer_bench,
)
from tests.bench.others import Others
from tests.bench.stack import BenchStack

PARTS = (
    "ingest", "scorer", "merges", "flat", "due", "explain", "imports", "packets", "deliveries",
    "router", "core",
)  # fmt: skip
SERVED = set(PARTS) - {"core"}  # parts that need the servers
INGEST_TARGET, SCORER_TARGET = 2.0, 0.4  # times the naive app, times the bare insert
FLAT_TARGET = 1.25  # at most: the cost of an event of a lead with a long history
EXPLAIN_TARGET_MS = 20.0  # at most: the default page of a lead with a long history
CORE_TARGETS = {core_bench.ELSEWHERE: 1.1, core_bench.SAME_TYPE: 1.3}  # at most × 10 rules
NAMES = {
    "ingest": "leadscore serve ingest",
    "naive": "naive FastAPI app",
    "bare": "bare ASGI server",
}
console = Console(width=110 if not sys.stdout.isatty() else None, highlight=False)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    scorer_rounds: int
    load_seconds: float
    scorer_events: int
    merge_events: int
    flat_runs: int
    due_leads: int
    explain_rounds: int
    packet_leads: int
    router_changes: int
    delivery_messages: int
    delivery_seconds: float
    core_rounds: int


FULL = Size(
    rounds=5,
    scorer_rounds=3,
    load_seconds=4.0,
    scorer_events=scorer_bench.EVENTS,
    merge_events=merge_bench.EVENTS,
    flat_runs=3,
    due_leads=due_bench.LEADS,
    explain_rounds=5,
    packet_leads=packets_bench.LEADS,
    router_changes=router_bench.CHANGES,
    delivery_messages=deliveries_bench.MESSAGES,
    delivery_seconds=deliveries_bench.SECONDS,
    core_rounds=7,
)
QUICK = Size(
    rounds=1,
    scorer_rounds=1,
    load_seconds=3.0,
    scorer_events=60_000,
    merge_events=20_000,
    flat_runs=1,
    due_leads=20_000,
    explain_rounds=1,
    packet_leads=100,
    router_changes=4_000,
    delivery_messages=4_000,
    delivery_seconds=10.0,
    core_rounds=1,
)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped
    # aiokafka tells of every retry while new topics get their leaders; errors reach us anyway.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # Receivers that are dead on purpose are warned of; the tables tell what came of it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    size = QUICK if options.quick else FULL
    parts = [options.only] if options.only else list(PARTS)
    tables: list[Table] = []
    if SERVED & set(parts):
        console.print("Kafka and Postgres start …")
        with BenchStack() as stack:
            if "ingest" in parts:
                rounds = options.rounds or size.rounds
                tables += _ingest(ingest_bench.measure(stack, rounds, size.load_seconds))
            if "scorer" in parts:
                rounds = options.rounds or size.scorer_rounds
                tables += _scorer(scorer_bench.measure(stack, rounds, size.scorer_events))
            if "merges" in parts:
                events = options.events or size.merge_events
                tables.append(merge_bench.table(stack, options.rounds or 1, events, console.print))
            if "flat" in parts:
                tables += _flat([flat_bench.run(stack) for _ in range(size.flat_runs)])
            if "explain" in parts:
                rounds = options.rounds or size.explain_rounds
                tables += _explained(explain_bench.measure(stack, rounds))
            for line in _lines(stack, parts, size, options.rounds or 3):
                console.print(line)
            tables += _delivered(stack, parts, size)
    if "core" in parts:
        tables += _core(core_bench.rounds(options.rounds or size.core_rounds))
    for table in tables:
        console.print()
        console.print(table)


def _lines(stack: BenchStack, parts: Sequence[str], size: Size, rounds: int) -> Iterator[str]:
    """Parts whose outcome is told in a line."""
    if "due" in parts:
        yield due_bench.told(due_bench.run(stack, size.due_leads))
    if "imports" in parts:
        yield from (one.words() for one in imports_bench.run(stack))
    if "router" in parts:
        yield from (one.words() for one in router_bench.run(stack, size.router_changes))
    if "packets" in parts:
        for made in packets_bench.run(stack, size.packet_leads, rounds):
            yield packets_bench.told(made)


def _delivered(stack: BenchStack, parts: list[str], size: Size) -> list[Table]:
    if "deliveries" not in parts:
        return []
    return [deliveries_bench.table(stack, size.delivery_messages, size.delivery_seconds)]


def _ingest(measured: Iterable[ingest_bench.Round]) -> list[Table]:
    others, rounds = Others(), []
    for number, one in enumerate(measured, 1):
        rounds.append(one)
        rates = " · ".join(f"{name} {one.rate(name):,.0f}/s" for name in NAMES)
        console.print(f"round {number}: {rates} · {one.ratio('naive'):.2f} × naive")
    table = Table(title="POST /v1/track, 64 connections, one process (medians)", expand=True)
    table.add_column("server", ratio=1)
    for column in ("requests/s", "p50 ms", "p99 ms", "CPU µs", "ingest ×", "ingest × by CPU"):
        table.add_column(column, justify="right")
    for name, words in NAMES.items():
        table.add_row(
            words,
            f"{median(one.rate(name) for one in rounds):,.0f}",
            f"{median(one.loaded[name].p50_ms for one in rounds):.1f}",
            f"{median(one.loaded[name].p99_ms for one in rounds):.1f}",
            f"{median(one.cpu_us(name) for one in rounds):.0f}",
            f"{median(one.ratio(name) for one in rounds):.2f}",
            f"{median(one.cpu_ratio(name) for one in rounds):.2f}",
        )
    table.caption = _verdict(
        "against the naive app", [one.ratio("naive") for one in rounds], INGEST_TARGET, others
    )
    return [table]


def _scorer(measured: Iterable[scorer_bench.Round]) -> list[Table]:
    others, rounds = Others(), []
    for number, one in enumerate(measured, 1):
        rounds.append(one)
        console.print(
            f"round {number}: scorer {one.scorer.per_second:,.0f} events/s · bare insert "
            f"{one.bare.per_second:,.0f} events/s · {one.ratio:.2f} ×"
        )
    table = Table(title="Scorer: the whole road from Kafka to the commit (medians)", expand=True)
    table.add_column("who", ratio=1)
    for column in ("events/s", "CPU µs Python", "CPU µs Postgres", "scorer ×"):
        table.add_column(column, justify="right")
    scorers, bares = [one.scorer for one in rounds], [one.bare for one in rounds]
    for words, rates, ratio in (
        ("scorer: two processes", scorers, 1.0),
        ("bare set-based insert: two connections", bares, median(one.ratio for one in rounds)),
    ):
        table.add_row(
            words,
            f"{median(rate.per_second for rate in rates):,.0f}",
            f"{median(rate.python_us for rate in rates):.1f}",
            f"{median(rate.postgres_us for rate in rates):.1f}",
            f"{ratio:.2f}",
        )
    table.caption = _verdict(
        "against the bare insert", [one.ratio for one in rounds], SCORER_TARGET, others
    )
    return [table]


def _flat(ratios: list[float]) -> list[Table]:
    table = Table(title="Cost of an event by its lead's stored history", expand=True)
    table.add_column("lead", ratio=1)
    table.add_column("cost ×", justify="right")
    table.add_row(f"with {flat_bench.SHORT} events", "1.00")
    table.add_row(f"with {flat_bench.LONG:,} events", f"{median(ratios):.2f}")
    kept = "kept" if median(ratios) <= FLAT_TARGET else "MISSED"
    runs = ", ".join(f"{one:.2f}" for one in ratios)
    table.caption = f"runs: {runs}; at most {FLAT_TARGET} × {kept}"
    return [table]


def _explained(measured: Iterable[dict[str, explain_bench.Answered]]) -> list[Table]:
    others, rounds = Others(), []
    for number, one in enumerate(measured, 1):
        rounds.append(one)
        first = one[explain_bench.DEFAULT_PAGE]
        console.print(f"round {number}: the default page in {first.request:.1f} ms")
    title = f"Explaining a lead with {explain_bench.EVENTS:,} events, in milliseconds"
    table = Table(title=title, expand=True)
    table.add_column("what is told", ratio=1)
    for column in ("whole request", "range", "in the server"):
        table.add_column(column, justify="right")
    for name in rounds[0]:
        requests = [one[name].request for one in rounds]
        server = median(one[name].server for one in rounds)
        table.add_row(name, f"{median(requests):.1f}", _range(requests, 1), f"{server:.1f}")
    told = median(one[explain_bench.DEFAULT_PAGE].request for one in rounds)
    kept = "kept" if told <= EXPLAIN_TARGET_MS else "MISSED"
    table.caption = (
        f"by rounds; the default page at most {EXPLAIN_TARGET_MS:g} ms {kept}\n{others.words()}"
    )
    return [table]


def _core(measured: Iterable[dict[str, core_bench.Measured]]) -> list[Table]:
    others, rounds = Others(), list(measured)
    table = Table(title="Core: CPU µs an event (medians)", expand=True)
    table.add_column("ruleset", ratio=1)
    for column in ("extend", "range", *core_bench.STEPS[1:], "bytes a lead"):
        table.add_column(column, justify="right")
    for name in rounds[0]:
        of_it = [one[name] for one in rounds]
        times = {step: [each.steps[step] for each in of_it] for step in core_bench.STEPS}
        rest = [f"{median(times[step]):.1f}" for step in core_bench.STEPS[1:]]
        extend = times["extend"]
        size = f"{of_it[0].bytes_per_lead:.0f}"
        table.add_row(name, f"{median(extend):.1f}", _range(extend, 1), *rest, size)
    against = Table(title="Core: extend, against a ruleset of just the 10 rules", expand=True)
    against.add_column("ruleset", ratio=1)
    for column in ("×", "range", "at most"):
        against.add_column(column, justify="right")
    for name, most in CORE_TARGETS.items():
        ratios = [one[name].steps["extend"] / one[core_bench.TEN].steps["extend"] for one in rounds]
        kept = "kept" if median(ratios) <= most else "MISSED"
        against.add_row(name, f"{median(ratios):.2f}", _range(ratios, 2), f"{most:g} {kept}")
    against.caption = (
        f"by rounds; bytes are of a lead after {core_bench.EVENTS_A_LEAD} events\n{others.words()}"
    )
    return [table, against]


def _range(values: list[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def _verdict(what: str, ratios: list[float], target: float, others: Others) -> str:
    middle = median(ratios)
    told = "reached" if middle >= target else "MISSED"
    return (
        f"{what}: {middle:.2f} × (rounds {min(ratios):.2f} to {max(ratios):.2f}); "
        f"target {target:g} × {told}\n{others.words()}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--rounds",
        type=int,
        help="how often each is measured (core 7, ingest and explain 5, scorer 3)",
    )
    parser.add_argument(
        "--events",
        type=int,
        help=f"of either half of the part merges ({merge_bench.EVENTS}); half of them merge leads",
    )
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--only", choices=PARTS, help="measure one part")
    options = parser.parse_args()
    if options.rounds is not None and not 1 <= options.rounds <= 20:
        parser.error("--rounds: from 1 to 20")
    if options.events is not None and not 100 <= options.events <= 10_000_000:
        parser.error("--events: from 100 to 10000000")
    return options


if __name__ == "__main__":
    main()
