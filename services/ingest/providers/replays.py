"""Nonces of deliveries that were taken, so that none comes again with another body."""

from __future__ import annotations

from hashlib import blake2b

# About 100 bytes each: 10 MB, and hours of a busy account. One process knows its own only.
KEPT = 100_000


class Replays:
    """The nonces of lately, each with a hash of its body; the oldest are forgotten."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._bodies: dict[tuple[str, str], bytes] = {}

    def is_other(self, account: str, nonce: str, body: bytes) -> bool:
        """Has this nonce come before with another body? The same body is a retry."""
        digest = blake2b(body, digest_size=16).digest()
        before = self._bodies.setdefault((account, nonce), digest)
        if len(self._bodies) > self._kept:
            del self._bodies[next(iter(self._bodies))]
        return before != digest
