"""JSON lines out of pieces of text: one object a line, its members are the columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from services.ingest.imports.rows import COLUMNS, SHOWN_CHARACTERS, BadRow, Item, LineFeed, Row
from services.ingest.json_checks import decode
from services.ingest.limits import EVENT_BYTES
from services.ingest.refusal import Refusal

# Objects whose members are columns of their own: properties.amount, identifiers.email.
OPENED: Final = frozenset({"identifiers", "traits", "properties", "external"})
_decoder = msgspec.json.Decoder(dict[str, Any])
_Names = dict[tuple[str, ...], tuple[str, ...]]
_NAMES_KEPT = 256


class JsonLinesFeed:
    """A RowFeed for one JSON object a line."""

    def __init__(self) -> None:
        self._split = LineFeed()
        self._number = 0
        self._known: _Names = {}

    def feed(self, text: str, *, final: bool = False) -> Iterator[Item]:
        for line in self._split.feed(text, final=final):
            self._number += 1
            if line is None or line.strip():
                yield self._row(line)

    def _row(self, line: str | None) -> Item:
        try:
            if line is None:
                raise _too_large()
            data = line.encode()
            if len(data) > EVENT_BYTES:
                raise _too_large()
            found = opened(decode(_decoder, data))
            if len(found) > COLUMNS:
                raise Refusal(400, "too_many_keys", f"A row may have {COLUMNS} members.")
        except UnicodeEncodeError:
            refusal = Refusal(400, "encoding_wrong", "The line is not in the file's encoding.")
        except Refusal as error:
            refusal = error
        else:
            return Row(self._number, self._names(tuple(found)), list(found.values()))
        shown = (line or "").rstrip("\r\n")[:SHOWN_CHARACTERS]
        return BadRow(self._number, refusal.code, refusal.message, refusal.path, shown)

    def _names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The same object for the same names, so that a mapping is made once."""
        if len(self._known) >= _NAMES_KEPT:
            self._known.clear()
        return self._known.setdefault(names, names)


def opened(found: dict[str, Any]) -> dict[str, Any]:
    """The columns of an object: its members, and the members of some of them."""
    columns: dict[str, Any] = {}
    for name, value in found.items():
        if name in OPENED and isinstance(value, dict):
            columns.update({f"{name}.{inner}": one for inner, one in value.items()})
        else:
            columns[name] = value
    consent = columns.get("consent")
    if isinstance(consent, dict):  # as the envelope has it; a call has it in its context
        context = columns.get("context")
        del columns["consent"]
        columns["context"] = {
            **(context if isinstance(context, dict) else {}),
            "consent": consent,
        }
    return columns


def _too_large() -> Refusal:
    return Refusal(413, "too_large", f"A row may have {EVENT_BYTES} bytes.")
