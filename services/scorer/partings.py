"""Which identifiers operators have ever spoken of when they took a merge back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.scorer import queries
from services.scorer.mentions import Apart
from shared.identity import Identifier
from shared.ids import identifier_hash


class Partings:
    """Keyed hashes of them all, as this process has read them; a batch's claim says whether there
    are newer ones.
    """

    def __init__(self, hash_key: bytes = b"") -> None:
        self._hash_key = hash_key
        self._newest: int | None = None
        self._hashes: frozenset[bytes] = frozenset()

    async def refresh(self, connection: Any, newest: int | None) -> None:
        """Read them again if there are newer ones."""
        if newest != self._newest:
            row = await connection.fetchrow(queries.PARTED)
            self._newest, self._hashes = row[0], frozenset(row[1] or ())

    def including(self, said: Iterable[Apart]) -> Partings:
        """These, and those that a batch brings."""
        more = Partings(self._hash_key)
        new = {bytes.fromhex(one) for apart in said for side in apart for one in side}
        more._hashes = self._hashes | new
        return more

    def speak_of(self, identifier: Identifier) -> bool:
        """Has an operator ever said that whoever has this isn't somebody else?"""
        return bool(self._hashes) and identifier_hash(self._hash_key, *identifier) in self._hashes
