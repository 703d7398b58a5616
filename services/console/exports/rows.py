"""Rows of exports: leads, events and entries of the ledger, as flat tables and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args
from uuid import UUID

import msgspec

from services.console.answers import Lead
from shared.bodies import open_body
from shared.envelope import decode_event, milliseconds, rfc3339
from shared.ledger import decode_entries

What = Literal["leads", "events", "ledger"]
KINDS: Final[tuple[What, ...]] = get_args(What)

# A row: as JSON says it, and cell by cell.
Exported = tuple[dict[str, Any], list[Any]]

LEAD_COLUMNS: Final = (
    "id", "created_at", "known", "email", "user_id", "phone", "external", "stage", "stage_since",
    "labels", "grade", "persona", "segments", "account", "region",
)  # fmt: skip
_NAMED: Final = ("email", "user_id", "phone", "external")
EVENT_COLUMNS: Final = (
    "id", "source", "type", "occurred_at", "received_at", "lead_id", "email", "user_id",
    "anonymous_id", "phone", "external", "verdict", "properties", "traits", "context", "consent",
)  # fmt: skip
LEDGER_COLUMNS: Final = (
    "lead_id", "at", "model", "rule", "points", "raw", "cut_by", "by", "event_id", "source", "type",
)  # fmt: skip
# Trait names that get a column of their own; leads have at most 64, but not all the same.
TRAIT_COLUMNS: Final = 250
_SEVERAL: Final = "; "
_encoder = msgspec.json.Encoder()


def lead_columns(models: Iterable[str], traits: Iterable[str]) -> tuple[str, ...]:
    """Names of a table of leads: scores and traits behind what every lead has."""
    scores = [f"scores.{model}" for model in models]
    return (*LEAD_COLUMNS, *scores, *(f"traits.{name}" for name in traits))


def lead_row(lead: Lead, models: Iterable[str], traits: Iterable[str]) -> Exported:
    """A lead; what it has several of is parted by "; ". models, traits: those with a column."""
    told = lead.model_dump(mode="json")
    cells: list[Any] = []
    for column in LEAD_COLUMNS:
        value = told["identifiers"].get(column, ()) if column in _NAMED else told[column]
        cells.append(_SEVERAL.join(map(str, value)) if isinstance(value, list) else value)
    cells += [told["scores"].get(model) for model in models]
    cells += [told["traits"].get(name) for name in traits]
    return told, cells


def event_row(lead_id: UUID, body: bytes) -> Exported:
    """An event, as its envelope says it, and whose it is."""
    packed = open_body(body)
    event, told = decode_event(packed), msgspec.json.decode(packed)
    who = event.identifiers
    cells = [
        event.id, event.source, event.type, rfc3339(milliseconds(event.occurred_at)),
        rfc3339(milliseconds(event.received_at)), str(lead_id), who.email, who.user_id,
        who.anonymous_id, who.phone,
        _SEVERAL.join(f"{system}:{value}" for system, value in sorted(who.external.items())),
        event.verdict.judgement, _text(event.properties), _text(event.traits),
        _text(event.context), _text(event.consent),
    ]  # fmt: skip
    return {**told, "lead_id": str(lead_id)}, cells


def earned_rows(
    lead_id: UUID, at_ms: int, entries: bytes, rules: Mapping[int, str], body: bytes | None
) -> list[Exported]:
    """What one event gave or took, or time did (without a body), rule by rule."""
    event = None if body is None else decode_event(open_body(body))
    rows = []
    for entry in decode_entries(entries):
        model, _, rule = rules.get(entry.rule, str(entry.rule)).partition("/")
        about = ("event", event.id, event.source, event.type) if event else ("time", "", "", "")
        rows.append(
            _ledger(lead_id, at_ms, model, rule, entry.points, entry.raw, entry.clipped, *about)
        )
    return rows


def carried_rows(lead_id: UUID, until_ms: int, points: Mapping[str, float]) -> list[Exported]:
    """What the deleted events of a lead had given, by model, as of the newest of them."""
    return [
        _ledger(lead_id, until_ms, model, "", given, given, "", "carried", "", "", "")
        for model, given in points.items()
    ]


def _ledger(lead_id: UUID, at_ms: int, *rest: Any) -> Exported:
    cells = [str(lead_id), rfc3339(at_ms), *rest]
    return dict(zip(LEDGER_COLUMNS, cells, strict=True)), cells


def _text(value: dict[str, Any]) -> str:
    return _encoder.encode(value).decode() if value else ""
