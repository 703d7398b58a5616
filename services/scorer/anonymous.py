"""Anonymous ids: whom one belongs to, and when. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


class Run(NamedTuple):
    """From this instant on the anonymous id belongs to this lead (until the next run)."""

    since_ms: int
    lead_id: UUID


@dataclass(slots=True)
class AnonymousId:
    """Whom an anonymous id belongs to. `claimed_ms` is None until somebody identified on it."""

    runs: list[Run]
    claimed_ms: int | None

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
    """Whom an anonymous id belongs to, from all claims on it ever made. At least one."""
    ordered = sorted(claims)
    runs = [Run(0, ordered[0].lead_id)]
    for claim in ordered[1:]:
        if runs[-1].lead_id != claim.lead_id:
            if runs[-1].since_ms == claim.at_ms:
                runs[-1] = Run(claim.at_ms, claim.lead_id)
            else:
                runs.append(Run(claim.at_ms, claim.lead_id))
    return AnonymousId(runs, ordered[0].at_ms)
