"""Two leads joined or parted by hand: the events that say so. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from services.console.stage_orders import MOST_CHARACTERS, OrderError, who_of
from shared.envelope import Event, Identifiers, instant
from shared.event_types import LEADS_MERGED, LEADS_UNMERGED, OPERATOR
from shared.identity import ANONYMOUS, Identifier
from shared.ids import identifier_hash


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and when. id: the same order sent twice counts once."""

    id: str
    actor: str
    now_ms: int

    def __post_init__(self) -> None:
        for field, text in (("id", self.id), ("actor", self.actor)):
            if len(text) > MOST_CHARACTERS or not text.isprintable():
                raise OrderError(
                    f"{field}_invalid",
                    f"{field} has at most {MOST_CHARACTERS} characters, all of them printable",
                    field,
                )


def merge_event(
    one: UUID, ones: list[Identifier], other: UUID, others: list[Identifier], asking: Asking
) -> Event:
    """Two leads are one person; each has these identifiers in force. Raises OrderError."""
    who, same_as = who_of(ones), who_of(others)
    if who is None or same_as is None:
        raise OrderError(
            "lead_unreachable",
            "another lead has this one's identifiers now: no event can name it",
            "with",
        )
    if all(kind == ANONYMOUS for kind, _ in (*ones, *others)):
        raise OrderError(
            "nobody_is_known",
            "two visitors without a name can't be merged: wait until one of them has a name",
            "with",
        )
    pair = sorted(map(str, (one, other)))
    return _order(
        LEADS_MERGED,
        f"{pair[0]}/{pair[1]}/{asking.id}",
        who,
        {"same_as": msgspec.to_builtins(same_as)},
        asking,
    )


def unmerge_event(
    absorbed: UUID,
    these: Iterable[Identifier],
    those: Iterable[Identifier],
    hash_key: bytes,
    asking: Asking,
) -> Event:
    """A merge is taken back. these: what the absorbed lead brought · those: what else its survivor
    has. Raises OrderError.
    """
    these, those = sorted(these), sorted(those)
    who = who_of(these)
    if who is None or not those:
        raise OrderError(
            "cannot_be_told_apart",
            "all identifiers of the two are one side's now: nothing tells whose an event would be",
            "path.lead_id",
        )
    apart = [[identifier_hash(hash_key, *one).hex() for one in side] for side in (these, those)]
    return _order(
        LEADS_UNMERGED,
        f"{absorbed}/{asking.id}",
        who,
        {"absorbed": str(absorbed), "apart": apart},
        asking,
    )


def _order(
    kind: str, event_id: str, who: Identifiers, said: dict[str, object], asking: Asking
) -> Event:
    at = instant(asking.now_ms)
    properties = said | ({"actor": asking.actor} if asking.actor else {})
    return Event(
        id=event_id, source=OPERATOR, type=kind, occurred_at=at, received_at=at, identifiers=who,
        properties=properties,
    )  # fmt: skip
