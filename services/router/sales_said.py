"""What sales said of a lead the last time, so that whoever gets it next has it in mind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

from services.router.messages import SalesSaid
from services.router.who import ID_MAX
from services.router.wording import text_of
from shared.envelope import Event, milliseconds, rfc3339

Said = Literal["accepted", "rejected", "recycled", "won", "lost"]
SAID_BY: Final[Mapping[str, Said]] = {
    "sales_accepted": "accepted", "sales_rejected": "rejected", "deal_won": "won",
    "deal_lost": "lost",
}  # fmt: skip


def sales_said(events: Sequence[Event], reasons: Mapping[str, str]) -> SalesSaid | None:
    """None where sales said nothing yet. events: the newest first · reasons: of the ruleset, in
    words by short name. A lead turned down until a day was sent back (recycled).
    """
    for event in events:
        said = SAID_BY.get(event.type)
        if said is None:
            continue
        reason = text_of(event.properties.get("reason"))
        until = _instant(event.properties.get("until"))
        return SalesSaid(
            said="recycled" if said == "rejected" and until else said,
            reason=reason[:ID_MAX] if reason else None,
            reason_words=(text_of(reasons.get(reason)) or reason) if reason else None,
            until=until,
            at=rfc3339(milliseconds(event.occurred_at)),
        )
    return None


def _instant(value: object) -> str | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return rfc3339(milliseconds(at)) if at is not None and at.tzinfo is not None else None
