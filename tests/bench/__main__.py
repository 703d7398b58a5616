"""`make bench`: ingest, scorer and core against simpler rivals, in one run, as one table."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench import core_bench, due_bench, flat_bench, ingest_bench, scorer_bench
from tests.bench.others import Others
from tests.bench.stack import BenchStack

PARTS = ("ingest", "scorer", "flat", "due", "core")
SERVED = {"ingest", "scorer", "flat", "due"}  # parts that need the servers
INGEST_TARGET, SCORER_TARGET = 2.0, 0.4  # times the naive app, times the bare insert
FLAT_TARGET = 1.25  # at most: the cost of an event of a lead with a long history
NAMES = {
    "ingest": "leadscore serve ingest",
    "naive": "naive FastAPI app",
    "bare": "bare ASGI server",
}
console = Console(width=110 if not sys.stdout.isatty() else None, highlight=False)


@dataclass(frozen=True)
class Size:
    """How much is measured. `core_runs`: the best of so many counts."""

    rounds: int
    scorer_rounds: int
    load_seconds: float
    scorer_events: int
    due_leads: int
    core_runs: int


FULL = Size(
    rounds=5,
    scorer_rounds=3,
    load_seconds=4.0,
    scorer_events=scorer_bench.EVENTS,
    due_leads=due_bench.LEADS,
    core_runs=3,
)
QUICK = Size(
    rounds=1, scorer_rounds=1, load_seconds=3.0, scorer_events=60_000, due_leads=20_000, core_runs=1
)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped
    # aiokafka tells of every retry while new topics get their leaders; errors reach us anyway.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
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
            if "flat" in parts:
                tables += _flat([flat_bench.run(stack) for _ in range(size.core_runs)])
            if "due" in parts:
                console.print(due_bench.told(due_bench.run(stack, size.due_leads)))
    if "core" in parts:
        tables += _core(core_bench.lines(size.core_runs))
    for table in tables:
        console.print()
        console.print(table)


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


def _core(lines: Iterable[core_bench.Line]) -> list[Table]:
    table = Table(title="Core: CPU µs an event (best run)", expand=True)
    table.add_column("ruleset", ratio=1)
    for column in ("extend", "next due", "decode", "encode", "bytes a lead"):
        table.add_column(column, justify="right")
    for line in lines:
        console.print(f"core, {line.name}: {line.steps['extend']:.1f} µs an event")
        times = [f"{line.steps[step]:.1f}" for step in ("extend", "due", "decode", "encode")]
        table.add_row(line.name, *times, f"{line.bytes_per_lead:.0f}")
    return [table]


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
        "--rounds", type=int, help="how often each is measured (ingest 5, scorer 3)"
    )
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--only", choices=PARTS, help="measure one part")
    options = parser.parse_args()
    if options.rounds is not None and not 1 <= options.rounds <= 20:
        parser.error("--rounds: from 1 to 20")
    return options


if __name__ == "__main__":
    main()
