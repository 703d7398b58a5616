"""Which events of a batch may have been taken in before, and so must be looked up.

Looking up every key costs a twentieth of all work, and nearly every resend comes soon after the
first. So of a large batch only those keys are looked up that this process has seen lately, as long
as that was enough for many batches. The unique index on the key stands guard: when it refuses a
batch, an older event came again, and the batch is done once more with every key looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from uuid import UUID

# Two generations of so many keys: about 100 MB when full.
GENERATION = 400_000
# Looking up fewer keys than this costs next to nothing.
LARGE_BATCH = 1000
# So many large batches without an old event, before the lookup is narrowed. Doubles with each
# time that it was too narrow.
FIRST_PROBATION = 3
LONGEST_PROBATION = 10_000


class Resends:
    """Knows the keys of lately, and whether they have been enough. Not shared between processes."""

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._newer: set[UUID] = set()
        self._older: set[UUID] = set()
        self._probation = FIRST_PROBATION
        self._clean = 0

    def to_look_up(self, keys: Set[UUID]) -> list[UUID]:
        """The keys that must be looked up: all of them, or those of lately."""
        if len(keys) < LARGE_BATCH or self._clean < self._probation:
            return list(keys)
        return [*(keys & self._newer), *(keys & self._older)]

    def learn(self, keys: Set[UUID], found: Set[UUID]) -> None:
        """A batch came with these keys, and these of them were there already."""
        if len(keys) >= LARGE_BATCH and self._clean < self._probation:
            clean = all(key in self._newer or key in self._older for key in found)
            self._clean = self._clean + 1 if clean else 0
        if len(self._newer) >= self._generation:
            self._older, self._newer = self._newer, set()
        self._newer |= keys

    def was_too_narrow(self, keys: Iterable[UUID]) -> None:
        """The index refused a batch. (So it does, too, when another process was faster.)"""
        if self._clean >= self._probation:
            self._probation = min(self._probation * 2, LONGEST_PROBATION)
        self._clean = 0
        # They weren't known when it mattered: found now, they are to count as old.
        self._newer.difference_update(keys)
