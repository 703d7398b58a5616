"""Which events could change what was settled before they came. Pure."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from services.scorer.anonymous import AnonymousId
from services.scorer.arrivals import Arrival
from services.scorer.directory import Directory
from services.scorer.mentions import Mention, claimed_anonymous_ids
from services.scorer.plan import Limits
from shared.identity import ANONYMOUS, Identifier


class Doubts:
    """Says which arrivals only a review of their leads can place. spoken_of: has an operator ever
    kept this identifier's person apart from somebody?
    """

    def __init__(
        self, directory: Directory, limits: Limits, spoken_of: Callable[[Identifier], bool]
    ) -> None:
        self._directory = directory
        self._limits = limits
        self._spoken_of = spoken_of

    def about(self, arrival: Arrival) -> bool:
        """To be asked in order of position, before the arrival has changed the directory."""
        mention, at_ms = arrival.mention, arrival.at_ms
        if mention.apart is not None:
            return True
        if not mention.names:
            return False
        known = self._directory.known
        owners = [self._directory.owner(name) for name in mention.names if name in known]
        lead_id = owners[0] if owners else None
        return (
            self._names_too_late(mention.names, at_ms)
            or self._joins_too_late(mention, at_ms)
            or any(
                self._claims_too_late(lead_id, value, at_ms)
                for value in claimed_anonymous_ids(mention)
            )
        )

    def _names_too_late(self, names: list[Identifier], at_ms: int) -> bool:
        """Does it tell of somebody before all that was known? That changes nothing of names to
        which others came, if they are one lead's: it can only tie them closer. But a name that came
        to another may come to somebody else now, and take what was said of it along.
        """
        directory = self._directory
        late = [name for name in names if directory.may_be_born(name, at_ms)]
        if not late:
            return False
        owners = {directory.owner(name) for name in names if name in directory.known}
        return len(owners) > 1 or any(map(directory.hangs, late))

    def _joins_too_late(self, mention: Mention, at_ms: int) -> bool:
        joined = [name for name in mention.aliases if name[0] != ANONYMOUS]
        if joined and all(map(self._spoken_of, (mention.names[0], *joined))):
            return True
        directory = self._directory
        return any(directory.may_be_born(one, at_ms) and directory.hangs(one) for one in joined)

    def _claims_too_late(self, lead_id: UUID | None, anonymous_id: str, at_ms: int) -> bool:
        """Of a person who identifies on an anonymous id; None: who is new."""
        anonymous = self._directory.anonymous.get(anonymous_id)
        if anonymous is None:
            return self._spoken_of((ANONYMOUS, anonymous_id))
        if anonymous.quarantined_ms is not None:
            return at_ms < anonymous.quarantined_ms
        if self._changes_hands(anonymous, lead_id, at_ms) and self._spoken_of(
            (ANONYMOUS, anonymous_id)
        ):
            return True
        owners = {self._directory.standing(run.lead_id) for run in anonymous.runs} | {lead_id}
        return anonymous.claimed_ms is not None and len(owners) > self._limits.people

    def _changes_hands(self, anonymous: AnonymousId, lead_id: UUID | None, at_ms: int) -> bool:
        owner = self._directory.standing(anonymous.owner_at(at_ms))
        return anonymous.claimed_ms is None or owner != lead_id or anonymous.has_border_at(at_ms)
