"""Microseconds per event in the pure core, and bytes of state per lead: `python -m` this module."""

from __future__ import annotations

import gc
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import bound_after, extend, new_journeys, new_state, position
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.lead_state import (
    decode_journeys,
    decode_scores,
    encode_journeys,
    encode_scores,
)
from shared.ruleset.reading import read_ruleset

START_MS = 1_780_272_000_000
MINUTE = 60_000
DEFAULT = Path(__file__).parents[2] / "services" / "scorer" / "rulesets" / "b2b-software.yaml"
LEADS, BATCHES, PER_BATCH = 1000, 10, 3
NEVER = 1 << 60
EVENTS_A_LEAD = BATCHES * PER_BATCH
FEW_LEADS = 50  # where each event costs much
STEPS = ("extend", "next due", "decode", "encode")
DEFAULT_RULES = "default ruleset"
WITH_ROWS = "the same, with four rows in its hand-off table"
TEN = "10 rules"
ELSEWHERE = "10 of 500 rules apply, the others are on other types"
SAME_TYPE = "10 of 500 rules apply, all on the same type"
NO_TABLE = "the same, the others asking for what no table finds"
ALL_APPLY = "500 of 500 rules apply"
PATHS = ("/", "/blog/mistakes", "/blog/allocation", "/pricing", "/product/a", "/testimonials/b",
         "/about", "/docs/start", "/contact")  # fmt: skip
MIX = ("page_viewed",) * 9 + ("page_left",) * 4 + ("email_opened", "email_clicked", "link_clicked",
       "content_downloaded", "video_watched", "form_submitted", "email_delivered")  # fmt: skip

ROWS = """
handoffs:
  - {id: hot, band: {model: engagement, name: hot}, do: {alert: true, tag: hot}}
  - {id: warm, band: {model: engagement, name: warm}, do: {tag: warm}}
  - {id: best, grade: A1, do: {handoff: sales}}
  - id: back-at-the-prices
    signal: {on: page_viewed, event_when: {field: context.page.path, glob: "/pricing*"},
             after_silence: 60d}
    do: {alert: true}
"""


# By batch, by lead: events in order.
Batches = list[list[list[Event]]]


@dataclass(frozen=True)
class Measured:
    """A ruleset, once. steps: microseconds of CPU an event · bytes_per_lead: state as stored."""

    steps: dict[str, float]
    bytes_per_lead: float


def compiled(text: str) -> Ruleset:
    document = read_ruleset(text)
    return compile_ruleset(document, {n: i + 1 for i, n in enumerate(document.rule_names())}, 1)


def mixed_visits(chance: random.Random) -> Batches:
    """Visits of LEADS leads, EVENTS_A_LEAD events each, to the pages of a small site."""
    return [
        [_visit(chance, batch, lead, MIX, PATHS) for lead in range(LEADS)]
        for batch in range(BATCHES)
    ]


def page_views(chance: random.Random) -> Batches:
    """The same of a large site: hardly any page is seen twice."""
    pages = tuple(f"{path}/{number}" for path in PATHS[1:] for number in range(10_000))
    return [
        [_visit(chance, batch, lead, MIX[:1], pages) for lead in range(LEADS)]
        for batch in range(BATCHES)
    ]


def _visit(
    chance: random.Random, batch: int, lead: int, types: Sequence[str], paths: Sequence[str]
) -> list[Event]:
    at_ms = START_MS + batch * 7_919 * MINUTE + lead
    events = []
    for number in range(PER_BATCH):
        at = instant(at_ms + number * chance.randrange(1, 9) * MINUTE)
        path = chance.choice(paths)
        events.append(
            Event(
                id=f"{batch}-{lead}-{number}",
                source="web",
                type=chance.choice(types),
                occurred_at=at,
                received_at=at,
                identifiers=Identifiers(anonymous_id=str(lead)),
                properties={"title": path, "total_seconds": chance.randrange(200), "url": path},
                context={
                    "page": {"path": path, "title": path, "url": "https://example.com" + path}
                },
                traits={"title": "Head of Sales"} if chance.random() < 0.03 else {},
                verdict=Verdict("human"),
            )
        )
    return sorted(events, key=position)


def measure(rules: Ruleset, batches: Batches) -> Measured:
    """One run over all batches; states travel encoded between batches, as they are stored."""
    spent = dict.fromkeys(STEPS, 0.0)
    leads = len(batches[0])
    scores = [encode_scores(new_state())] * leads
    places = [encode_journeys(new_journeys(rules, START_MS))] * leads
    bounds: list[int | None] = [0] * leads
    for batch in batches:
        began = time.process_time()
        states = [decode_scores(value) for value in scores]
        journeys = [decode_journeys(value) for value in places]
        spent["decode"] += -began + (began := time.process_time())
        extended = [
            extend(rules, states[lead], journeys[lead], events, False, None, _quiet(bounds[lead]))
            for lead, events in enumerate(batch)
        ]
        spent["extend"] += -began + (began := time.process_time())
        for lead, out in enumerate(extended):
            moved = bool(out.changes) or bounds[lead] == 0
            bounds[lead] = bound_after(
                rules, out.state, out.journeys, out.entries, bounds[lead], moved=moved
            )
        spent["next due"] += -began + (began := time.process_time())
        scores = [encode_scores(state) for state in states]
        places = [encode_journeys(journey) for journey in journeys]
        spent["encode"] += -began + (began := time.process_time())
    events_in_all = sum(len(events) for batch in batches for events in batch)
    return Measured(
        {step: seconds * 1e6 / events_in_all for step, seconds in spent.items()},
        (sum(map(len, scores)) + sum(map(len, places))) / leads,
    )


def _quiet(bound_ms: int | None) -> int:
    return NEVER if bound_ms is None else bound_ms


def many(applying: int, others: int = 0, others_on: str = "page_viewed", operator: str = "") -> str:
    """A ruleset of rules that apply in turns to page views, and others that never do.

    others_on: their event type; {n} in it makes it one of fifty · operator: by which they ask for
    a path, without it `eq` and `glob` in turns.
    """
    listed: list[dict[str, Any]] = [
        {"id": f"a{n}", "on": "page_viewed", "points": 1, "limit": {"times": 3, "per": "day"},
         "when": {"field": "context.page.path", "glob": f"{PATHS[n % len(PATHS)]}*"}}
        for n in range(applying)
    ]  # fmt: skip
    for n in range(others):
        path = {"glob": f"/campaign/{n}/*"} if n % 2 else {"eq": f"/campaign/{n}"}
        if operator:
            path = {operator: f"/campaign/{n}"}
        listed.append(
            {"id": f"b{n}", "on": others_on.format(n=n % 50), "points": 1,
             "when": {"field": "context.page.path", **path}}
        )  # fmt: skip
    return _ruleset(listed)


def every_one(rules: int) -> str:
    """A ruleset of rules that all give points for each page view."""
    limit = {"times": 1000, "per": "day"}
    listed = [
        {"id": f"a{n}", "on": "page_viewed", "points": 1, "limit": limit} for n in range(rules)
    ]
    return _ruleset(listed, cap=100_000)


def _ruleset(rules: list[dict[str, Any]], cap: int = 200) -> str:
    ladder = [{"name": "a"}, {"name": "b", "enter": {"e": 20}, "leave": {"e": 10}}]
    model = {"decay": {"half_life": "30d"}, "cap": cap, "rules": rules}
    return json.dumps({"models": {"e": model}, "stages": {"ladder": ladder}})


def rounds(count: int) -> Iterator[dict[str, Measured]]:
    """By ruleset, measured in turns, the first one another each round."""
    chance = random.Random(7)  # the same load every time
    mixed, views = mixed_visits(chance), page_views(chance)
    few = [batch[:FEW_LEADS] for batch in views]
    usual = DEFAULT.read_text(encoding="utf-8")
    loads = {
        DEFAULT_RULES: (compiled(usual), mixed),
        WITH_ROWS: (compiled(usual + ROWS), mixed),
        TEN: (compiled(many(10)), views),
        ELSEWHERE: (compiled(many(10, 490, "custom_{n}")), views),
        SAME_TYPE: (compiled(many(10, 490)), views),
        NO_TABLE: (compiled(many(10, 490, operator="contains")), few),
        ALL_APPLY: (compiled(every_one(500)), few),
    }
    gc.freeze()
    names = list(loads)
    for number in range(count):
        at = number % len(names)
        yield {name: _measured(*loads[name]) for name in names[at:] + names[:at]}


def _measured(rules: Ruleset, batches: Batches) -> Measured:
    """As the scorer does it: garbage is collected between batches of work, not amid them."""
    gc.collect()
    gc.disable()
    try:
        return measure(rules, batches)
    finally:
        gc.enable()


def main() -> None:
    """Print one line per ruleset and round."""
    for measured in rounds(3):
        for name, one in measured.items():
            told = " · ".join(f"{step} {us:.2f}" for step, us in one.steps.items())
            print(f"{name:42} µs/event: {told} · {one.bytes_per_lead:.0f} bytes/lead")


if __name__ == "__main__":
    main()
