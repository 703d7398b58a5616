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

from services.scorer.core.compile import Ruleset, compile_ruleset
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
PATHS = ("/", "/blog/mistakes", "/blog/allocation", "/pricing", "/product/a", "/testimonials/b",
         "/about", "/docs/start", "/contact")  # fmt: skip
MIX = ("page_viewed",) * 9 + ("page_left",) * 4 + ("email_opened", "email_clicked", "link_clicked",
       "content_downloaded", "video_watched", "form_submitted", "email_delivered")  # fmt: skip


def compiled(text: str) -> Ruleset:
    document = read_ruleset(text)
    return compile_ruleset(document, {n: i + 1 for i, n in enumerate(document.rule_names())}, 1)


def histories(chance: random.Random, types: Sequence[str] = MIX) -> list[list[list[Event]]]:
    """By batch, by lead: events in order."""
    return [
        [_visit(chance, batch, lead, types) for lead in range(LEADS)] for batch in range(BATCHES)
    ]


def _visit(chance: random.Random, batch: int, lead: int, types: Sequence[str]) -> list[Event]:
    at_ms = START_MS + batch * 7_919 * MINUTE + lead
    events = []
    for number in range(PER_BATCH):
        at = instant(at_ms + number * chance.randrange(1, 9) * MINUTE)
        path = chance.choice(PATHS)
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


def measure(rules: Ruleset, batches: list[list[list[Event]]]) -> dict[str, float]:
    """Seconds of CPU by step, over all batches; states travel encoded between batches."""
    spent = dict.fromkeys(("decode", "extend", "due", "encode"), 0.0)
    scores = [encode_scores(new_state())] * LEADS
    places = [encode_journeys(new_journeys(rules, START_MS))] * LEADS
    bounds: list[int | None] = [0] * LEADS
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
        spent["due"] += -began + (began := time.process_time())
        scores = [encode_scores(state) for state in states]
        places = [encode_journeys(journey) for journey in journeys]
        spent["encode"] += -began + (began := time.process_time())
    spent["bytes"] = sum(map(len, scores)) / LEADS + sum(map(len, places)) / LEADS
    return spent


@dataclass(frozen=True)
class Line:
    """One ruleset: microseconds an event by step (the best of some runs), bytes of state a lead."""

    name: str
    steps: dict[str, float]
    bytes_per_lead: float


def _quiet(bound_ms: int | None) -> int:
    return NEVER if bound_ms is None else bound_ms


def line(name: str, rules: Ruleset, batches: list[list[list[Event]]], runs: int) -> Line:
    best = min((measure(rules, batches) for _ in range(runs)), key=lambda spent: spent["extend"])
    events = LEADS * BATCHES * PER_BATCH
    steps = {step: best[step] * 1e6 / events for step in ("extend", "due", "decode", "encode")}
    return Line(name, steps, best["bytes"])


def many(rules: int, *, same_type: bool) -> str:
    """A ruleset of 10 rules that apply, and others that don't."""
    listed: list[dict[str, Any]] = [
        {"id": f"a{n}", "on": "page_viewed", "points": 1, "limit": {"times": 3, "per": "day"},
         "when": {"field": "context.page.path", "glob": f"{PATHS[n % len(PATHS)]}*"}}
        for n in range(10)
    ]  # fmt: skip
    for n in range(rules - 10):
        path = {"glob": f"/campaign/{n}/*"} if n % 2 else {"eq": f"/campaign/{n}"}
        listed.append(
            {"id": f"b{n}", "on": "page_viewed" if same_type else f"custom_{n % 50}", "points": 1,
             "when": {"field": "context.page.path", **path}}
        )  # fmt: skip
    ladder = [{"name": "a"}, {"name": "b", "enter": {"e": 20}, "leave": {"e": 10}}]
    model = {"decay": {"half_life": "30d"}, "cap": 200, "rules": listed}
    return json.dumps({"models": {"e": model}, "stages": {"ladder": ladder}})


def lines(runs: int = 3) -> Iterator[Line]:
    """One line per ruleset."""
    chance = random.Random(7)  # the same load every time
    mixed = histories(chance)
    gc.freeze()
    yield line("default ruleset", compiled(DEFAULT.read_text(encoding="utf-8")), mixed, runs)
    views = histories(chance, ["page_viewed"])
    gc.freeze()
    yield line("10 rules, page views", compiled(many(10, same_type=True)), views, runs)
    elsewhere = compiled(many(500, same_type=False))
    yield line("500 rules, 490 on other types", elsewhere, views, runs)
    yield line("500 rules, all on page_viewed", compiled(many(500, same_type=True)), views, runs)


def main() -> None:
    """Print one line per ruleset."""
    for each in lines():
        told = " · ".join(f"{step} {us:.2f}" for step, us in each.steps.items())
        print(f"{each.name:42} µs/event: {told} · {each.bytes_per_lead:.0f} bytes/lead")


if __name__ == "__main__":
    main()
