"""Identifiers of an event: read, brought into their form, and left out where they name nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from services.ingest.json_checks import check_text
from services.ingest.limits import (
    EXTERNAL_IDS,
    EXTERNAL_IDS_READ,
    IDENTIFIER_CHARACTERS,
    NOTES,
)
from services.ingest.metrics import IDENTIFIERS_LEFT_OUT
from services.ingest.refusal import invalid
from shared.id_form import DEVICE_SYSTEMS, id_form, is_placeholder, system_form

# Why an identifier was left out: the code in the answer and the metric, and the words beside it.
PLACEHOLDER = "placeholder"
UNREADABLE = "unreadable"
DEVICE = "device"
TOO_MANY = "too_many"
_WORDS = {
    PLACEHOLDER: "This value stands for nobody; it was not used as an identifier.",
    UNREADABLE: "This can't be used as an identifier.",
    DEVICE: "This names a device, not a person; it was not used as an identifier.",
    TOO_MANY: f"An event may have {EXTERNAL_IDS} external ids; this one was not used.",
}


class LeftOut(msgspec.Struct, frozen=True):
    """An identifier that an event was kept without. index: of the call in its batch · path: where
    in the call.
    """

    index: int
    code: str
    path: str


def notes_of(left_out: Iterable[LeftOut], *, in_batch: bool = False) -> list[dict[str, Any]]:
    """[{"code", "message", "path"}] for an answer, the first 100; of a batch with the "index" of
    the call.
    """
    return [
        {
            **({"index": one.index} if in_batch else {}),
            "code": one.code,
            "message": _WORDS[one.code],
            "path": f"batch[{one.index}].{one.path}" if in_batch else one.path,
        }
        for one in islice(left_out, NOTES)
    ]


class Notes:
    """Where normalising one call notes the identifiers that it leaves out."""

    __slots__ = ("_index", "_left_out")

    def __init__(self, index: int, left_out: list[LeftOut]) -> None:
        self._index = index
        self._left_out = left_out

    def leave_out(self, kind: str, code: str, path: str) -> None:
        IDENTIFIERS_LEFT_OUT.labels(kind, code).inc()
        self._left_out.append(LeftOut(self._index, code, path))


def external_ids(own: object, segments: object, notes: Notes) -> dict[str, str]:
    """{system: id} of `external` ({system: id}), then of Segment's externalIds ([{id, type}],
    those of users alone); the first of a system counts.
    """
    kept: dict[str, str] = {}
    for system, value, path in (*_own_external(own), *_segments_external(segments)):
        name = system_form(system) if isinstance(system, str) else None
        is_number = isinstance(value, int) and not isinstance(value, bool)
        found = id_form(str(value)) if is_number or isinstance(value, str) else ""
        if name is None or not 0 < len(found) <= IDENTIFIER_CHARACTERS or "\x00" in found:
            notes.leave_out("external", UNREADABLE, path)
        elif name in DEVICE_SYSTEMS:
            notes.leave_out("external", DEVICE, path)
        elif is_placeholder(found):
            notes.leave_out("external", PLACEHOLDER, path)
        elif name not in kept and len(kept) >= EXTERNAL_IDS:
            notes.leave_out("external", TOO_MANY, path)
        else:
            kept.setdefault(name, found)
    return kept


def given_id(value: str | int | None, path: str) -> str | None:
    """An id as text in its form; None when empty. Raises Refusal (400) when it can't be kept."""
    if value is None:
        return None
    if type(value) is str:
        text = value.strip()
        if not text.isascii():
            text = id_form(text)
        if len(text) > IDENTIFIER_CHARACTERS or "\x00" in text:
            check_text(text, path, IDENTIFIER_CHARACTERS)
        return text or None
    if isinstance(value, bool):
        raise invalid("wrong_type", "An id is a text.", path)
    return str(value)


_Found = tuple[object, object, str]


def _own_external(given: object) -> Iterator[_Found]:
    if isinstance(given, dict):
        for system, value in islice(given.items(), EXTERNAL_IDS_READ):
            yield system, value, "external"


def _segments_external(given: object) -> Iterator[_Found]:
    items: Iterable[Any] = given[:EXTERNAL_IDS_READ] if isinstance(given, list) else ()
    for index, item in enumerate(items):
        path = f"context.externalIds[{index}]"
        if not isinstance(item, dict):
            yield None, None, path
        elif item.get("collection", "users") == "users":
            yield item.get("type"), item.get("id"), path
