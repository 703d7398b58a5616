"""The hand-off table of a ruleset version, as the router reads it: what follows from which row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.facts import Announcement, AnyFact, HandoffReleased
from shared.ruleset.document import RulesetDocument
from shared.ruleset.handoffs import HandoffRow

Table = Mapping[str, HandoffRow]
NO_ROWS: Table = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Effect:
    """What rows do with a lead, beside messages: words put on it and taken off, and sequences that
    begin and end. at_ms, place, version: of the fact, what tells it from others, its ruleset.
    """

    lead_id: str
    at_ms: int
    place: str = ""
    version: int = 0
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()


def table_of(document: RulesetDocument) -> Table:
    return {row.id: row for row in document.all_rows()}


def rows_of(fact: AnyFact, table: Table) -> list[HandoffRow]:
    """The rows that hold by a fact and are to be acted on: none of a lead that is no more, nor by
    what a recalculation found.
    """
    if isinstance(fact, Announcement | HandoffReleased):
        return []
    if fact.withheld or fact.merged_into is not None:
        return []
    return [table[name] for name in fact.rows if name in table]


def effect_of(fact: AnyFact, table: Table) -> Effect | None:
    """What the rows of a fact do, None for nothing."""
    rows = rows_of(fact, table)
    if not rows or isinstance(fact, Announcement):
        return None
    found = Effect(
        lead_id=fact.lead_id,
        at_ms=fact.at_ms,
        place=f"{fact.seq}/{fact.journey}/{fact.episode}",
        version=fact.ruleset_version,
        tag=_named(rows, "tag"),
        untag=_named(rows, "untag"),
        start=_named(rows, "start"),
        stop=_named(rows, "stop"),
    )
    return found if found.tag or found.untag or found.start or found.stop else None


def _named(rows: list[HandoffRow], action: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in getattr(row.do, action) or ()))
