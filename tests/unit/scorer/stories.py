"""Short ways to write rulesets and events in tests."""

from __future__ import annotations

from typing import Any

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import Extended, extend, new_journeys, new_state, position
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.ruleset.reading import read_ruleset

SECOND = 1000
HOUR = 3_600_000
DAY = 24 * HOUR
# Monday, 2026-06-01, 00:00 UTC.
MONDAY = 1_780_272_000_000

PLAIN_LADDER = """
stages:
  ladder:
    - name: inform
"""


def ruleset(text: str) -> Ruleset:
    """Compile YAML; a ladder of one stage is added where none is given."""
    document = read_ruleset(text if "stages:" in text else text + PLAIN_LADDER)
    return compile_ruleset(document, {n: i + 1 for i, n in enumerate(document.rule_names())}, 1)


def event(
    type_: str = "page_viewed",
    at_ms: int = MONDAY,
    *,
    bot: bool = False,
    source: str = "web",
    **parts: Any,
) -> Event:
    """An event; its id is unique unless given. path="/x" stands for the page's path."""
    path = parts.pop("path", None)
    context = {"page": {"path": path}} if path is not None else {}
    at = instant(at_ms)
    return Event(
        id=parts.pop("id", f"{type_} {at_ms} {path} {sorted(parts.items())}"),
        source=source,
        type=type_,
        occurred_at=at,
        received_at=at,
        identifiers=parts.pop("identifiers", Identifiers(email="sarah@example.com")),
        context=parts.pop("context", context),
        verdict=Verdict("bot" if bot else "human"),
        **parts,
    )


def run(rules: Ruleset, events: list[Event], *, known: bool = True) -> Extended:
    """A lead's whole story in one batch, from its first event on."""
    line = sorted(events, key=position)
    journeys = new_journeys(rules, position(line[0])[0])
    return extend(rules, new_state(), journeys, line, known)


def granted(rules: Ruleset, extended: Extended) -> list[list[tuple[str, float, str]]]:
    """(rule, points, clipped) per event, points to six digits."""
    return [
        [(rules.by_number[e.rule].name, round(e.points, 6), e.clipped) for e in entries]
        for entries in extended.entries
    ]


def moves(extended: Extended) -> list[tuple[str, str, str]]:
    """(to, cause, hand-off) of each change."""
    return [(c.to_stage, c.cause, c.handoff or "") for c in extended.changes]
