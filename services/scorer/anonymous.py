"""Anonymous ids: whom one belongs to, and when. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from shared.identity import Marks


class Run(NamedTuple):
    """From this instant on the anonymous id belongs to this lead (until the next run)."""

    since_ms: int
    lead_id: UUID


@dataclass(slots=True)
class AnonymousId:
    """Whom an anonymous id belongs to. `claimed_ms` is None until somebody identified on it;
    `people`: everybody it belongs to or belonged to before this batch, at any time ·
    `quarantined_ms`: from then on it is nobody's.
    """

    runs: list[Run]
    claimed_ms: int | None
    people: set[UUID] = field(default_factory=set)
    quarantined_ms: int | None = None

    def has_border_at(self, at_ms: int) -> bool:
        """Did somebody take it over in this very millisecond?"""
        return at_ms == self.claimed_ms or any(run.since_ms == at_ms for run in self.runs)

    def add_run(self, since_ms: int, claimed_ms: int | None, lead_id: UUID, marks: int) -> None:
        """One more stored row of this id. Only the first run's row says when it was claimed."""
        self.runs.append(Run(since_ms, lead_id))
        self.runs.sort()
        self.people.add(lead_id)
        if marks & Marks.QUARANTINED:
            self.quarantined_ms = since_ms
        if claimed_ms is not None:
            self.claimed_ms = claimed_ms

    def marks_at(self, run: Run) -> int:
        """The marks of a run's row: see shared.identity."""
        quarantined = run.since_ms == self.quarantined_ms
        return int(Marks.QUARANTINED if quarantined else Marks.NONE)

    def claimed_runs(self) -> list[Run]:
        """Each run, from its first claim on."""
        first = [] if self.claimed_ms is None else [Run(self.claimed_ms, self.runs[0].lead_id)]
        return [*first, *self.runs[1:]]

    def owner_at(self, at_ms: int) -> UUID:
        index = bisect_right(self.runs, at_ms, key=lambda run: run.since_ms)
        return self.runs[max(index - 1, 0)].lead_id


class Claim(NamedTuple):
    """Somebody identified on an anonymous id."""

    at_ms: int
    source: str
    event_id: str
    lead_id: UUID


def runs_of(claims: Iterable[Claim]) -> AnonymousId:
    """Whom an anonymous id belongs to, from all claims on it ever made. At least one.

    Of several claims in one millisecond the last by position holds from then on.
    """
    ordered = sorted(claims)
    last_of = {claim.at_ms: claim.lead_id for claim in ordered}
    later = [Run(at_ms, lead_id) for at_ms, lead_id in last_of.items()]
    return AnonymousId(without_repeats([Run(0, ordered[0].lead_id), *later]), ordered[0].at_ms)


def without_repeats(runs: Iterable[Run]) -> list[Run]:
    """The runs, without those that only say again whose it is already."""
    kept: list[Run] = []
    for run in runs:
        if not kept or kept[-1].lead_id != run.lead_id:
            kept.append(run)
    return kept
