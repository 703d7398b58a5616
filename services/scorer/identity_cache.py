"""What this process has read of the identifier table: most events are of people it knows already.

It may be out of date at any time. That is found out when the leads are locked: a row's lead then
has another version than the row was read with, the batch is rolled back, and the rows are read
again. Only what is there is kept, never that something is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from shared.identity import Identifier

# kind, value, since_ms, claimed_ms, lead id, marks, is the lead known, the lead's identity version.
FoundRow = tuple[int, str, int, int | None, UUID, int, bool, int]
# About 100 MB when full; then it begins anew.
MOST_IDENTIFIERS = 200_000


class IdentityCache:
    """Rows of the identifier table, by identifier."""

    def __init__(self, most: int = MOST_IDENTIFIERS) -> None:
        self._most = most
        self._rows: dict[Identifier, Sequence[FoundRow]] = {}

    def look_up(self, mentioned: Iterable[Identifier]) -> tuple[list[FoundRow], list[Identifier]]:
        """The rows that are here, and the identifiers of which none is."""
        rows: list[FoundRow] = []
        missing: list[Identifier] = []
        of = self._rows.get
        for identifier in mentioned:
            found = of(identifier)
            if found is None:
                missing.append(identifier)
            else:
                rows += found
        return rows, missing

    def keep(self, rows: Iterable[FoundRow]) -> None:
        """Keep rows just read: for each identifier in them, all that it has."""
        if len(self._rows) > self._most:
            self._rows.clear()
        found: dict[Identifier, list[FoundRow]] = {}
        for row in rows:
            found.setdefault((row[0], row[1]), []).append(row)
        self._rows.update(found)

    def forget(self, identifiers: Iterable[Identifier]) -> None:
        """These may have changed hands."""
        for identifier in identifiers:
            self._rows.pop(identifier, None)
