"""From a row of a file to a call, by what its columns mean: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Mapped
from datetime import datetime
from typing import Any, Final

import msgspec

from services.ingest.imports.columns import (
    Kind,
    Target,
    event_of,
    folded,
    read_target,
    usual_target,
)
from services.ingest.imports.moments import check_format, read_moment, zone_named
from services.ingest.imports.rows import Row
from services.ingest.normalise import Call
from services.ingest.refusal import Refusal, invalid
from shared.ids import derived_id

_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?")
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "ja", "j", "granted", "opt-in"})
_NO: Final = frozenset({"no", "n", "false", "0", "nein", "denied", "opt-out"})
# What a spreadsheet would have run, made harmless by an apostrophe: see shared/csv_cells.py.
_QUOTED: Final = ("'=", "'+", "'-", "'@", "'\t", "'\r")
# What makes an identical row the same event: its parts, in one order.
_encoder = msgspec.json.Encoder(order="deterministic")
_PLANS_KEPT: Final = 256
_DECIMALS: Final = {"point": (",", "."), "comma": (".", ",")}

_Plan = tuple[tuple[str, Target], ...]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is to be read. targets: column → target as written, see `columns.read_target` ·
    event: the type of all rows · at: when what the file tells of happened, for rows that don't say
    · zone, time_format: of times · decimal: point or comma · properties: of every event.
    """

    kind: Kind
    targets: dict[str, str] = {}
    event: str = ""
    at: str = ""
    zone: str = "UTC"
    time_format: str = ""
    decimal: str = "point"
    properties: dict[str, str] = {}


class Mapping:
    """Makes calls of rows. Raises Refusal (400) for a reading that can't be followed."""

    def __init__(self, reading: Reading, started: datetime) -> None:
        """started: when the import began, which is when leads that say no time are as they are."""
        self._reading = reading
        self._targets = {folded(name): read_target(text) for name, text in reading.targets.items()}
        self._missing = {folded(name): name for name in reading.targets}
        self._event = event_of(reading.event) if reading.event.strip() else ""
        self._zone = zone_named(reading.zone)
        if reading.time_format:
            check_format(reading.time_format)
        if reading.decimal not in _DECIMALS:
            raise invalid("decimal_unknown", "decimal is point or comma.", "decimal")
        self._thousands, self._point = _DECIMALS[reading.decimal]
        self._at = read_moment(reading.at, "at", self._zone) if reading.at else None
        self._started = started
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def check_columns(self, names: Iterable[str]) -> None:
        """Raises Refusal (400) for a column that is mapped and isn't there. names: of the first
        rows.
        """
        there = {folded(name) for name in names}
        for name, given in self._missing.items():
            if name not in there:
                raise invalid("column_missing", "A mapped column is not in the file.", given)

    def call(self, row: Row) -> tuple[str, Call]:
        """(kind of call, call). Raises Refusal (400), its path a column's name."""
        parts: dict[str, Any] = {}
        for (column, target), value in zip(self._plan(row.names), row.values, strict=True):
            if target.part and value is not None and value != "":
                self._put(parts, column, target, value)
        return self._made(parts)

    def targets_of(self, names: tuple[str, ...]) -> list[tuple[str, Target]]:
        """What each column is taken for, to show."""
        return list(self._plan(names))

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            plan = self._plans[names] = tuple((name, self._target(name)) for name in names)
        return plan

    def _target(self, column: str) -> Target:
        return self._targets.get(folded(column)) or usual_target(
            column, self._reading.kind, event_said=bool(self._event)
        )

    def _put(self, parts: dict[str, Any], column: str, target: Target, value: Any) -> None:
        if isinstance(value, str):
            value = value.strip()
            if value.startswith(_QUOTED):
                value = value[1:]
            if not value:
                return
        if target.part == "consent":
            value = _granted(value, column)
        elif target.reading == "number":
            value = self._number(value, column, strict=target.asked)
        if not target.name:
            parts.setdefault(target.part, (column, value))
        elif target.name not in (inner := parts.setdefault(target.part, {})):
            inner[target.name] = value

    def _number(self, value: Any, column: str, *, strict: bool) -> Any:
        if not isinstance(value, str):
            return value
        text = value.replace(" ", "").replace(self._thousands, "").replace(self._point, ".")
        if _NUMBER.fullmatch(text):
            return float(text) if "." in text else int(text)
        if strict:
            raise invalid("number_unreadable", "This is not a number.", column)
        return value

    def _made(self, parts: dict[str, Any]) -> tuple[str, Call]:
        kind = "identify" if self._reading.kind == "leads" else "track"
        traits = dict(parts.get("traits", {}))
        for name in ("email", "phone"):
            if name in parts:
                traits[name] = str(parts[name][1])
        event = self._event_of(parts) if kind == "track" else None
        moment = self._moment(parts)
        call = Call(
            event=event,
            user_id=_text(parts, "user_id"),
            anonymous_id=_text(parts, "anonymous_id"),
            external=parts.get("external"),
            timestamp=None if moment is None else moment.isoformat(),
            properties={**self._reading.properties, **parts.get("properties", {})} or None,
            traits=traits or None,
            context=_context(parts),
        )
        call.message_id = _text(parts, "id") or derived_id("import", kind, _said(call))
        if moment is None:
            call.timestamp = self._started.isoformat()
        return kind, call

    def _event_of(self, parts: Mapped[str, Any]) -> str:
        if self._event:
            return self._event
        if "event" in parts:
            return event_of(parts["event"][1])
        raise invalid(
            "event_missing",
            "Say what happened: in a column (map it to event), or for all rows by type.",
            "event",
        )

    def _moment(self, parts: Mapped[str, Any]) -> datetime | None:
        """When; None for leads that don't say."""
        if "time" in parts:
            column, value = parts["time"]
            return read_moment(value, column, self._zone, self._reading.time_format)
        if self._at is not None or self._reading.kind == "leads":
            return self._at
        raise invalid(
            "time_missing",
            "Say when it happened: in a column (map it to time), or for all rows by at.",
            "time",
        )


def in_file_words(refusal: Refusal, row: Row, mapping: Mapping) -> Refusal:
    """A refusal of the call in terms of the file: its path is the column the value came from."""
    part, _, name = refusal.path.partition(".")
    told = _PATHS.get(refusal.path, (part, name))
    for column, target in mapping.targets_of(row.names):
        if (target.part, target.name) == told or (target.part, "") == (name, target.name):
            return Refusal(refusal.status, refusal.code, refusal.message, column)
    if refusal.code == "identity_missing":
        return Refusal(
            400, refusal.code, "The row names nobody: it needs an email address, or another id."
        )
    return refusal


_PATHS: Final = {
    "userId": ("user_id", ""),
    "anonymousId": ("anonymous_id", ""),
    "messageId": ("id", ""),
    "timestamp": ("time", ""),
}


def _said(call: Call) -> str:
    """What a call says, the same text for the same content in whatever order."""
    said = (call.event, call.user_id, call.anonymous_id, call.external, call.timestamp,
            call.properties, call.traits, call.context)  # fmt: skip
    return _encoder.encode(said).decode()


def _text(parts: Mapped[str, Any], name: str) -> str | None:
    """An id as text; a number that a spreadsheet made of it without its point."""
    if name not in parts:
        return None
    column, value = parts[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise invalid("wrong_type", "An id is a text.", column)
    return str(value)


def _context(parts: Mapped[str, Any]) -> dict[str, Any] | None:
    context: dict[str, Any] = {}
    if "context" in parts:
        column, value = parts["context"]
        if not isinstance(value, dict):
            raise invalid("wrong_type", "A context is an object.", column)
        context = dict(value)
    if "consent" in parts:
        said = context.get("consent")
        context["consent"] = {**(said if isinstance(said, dict) else {}), **parts["consent"]}
    return context or None


def _granted(value: Any, column: str) -> Any:
    if isinstance(value, bool | dict):
        return value
    word = str(value).lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise invalid("consent_unreadable", "Consent is yes or no.", column)
