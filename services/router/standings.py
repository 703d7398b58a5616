"""How leads stand by now, as far as it decides whether anything may go out about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.router.ruleset_words import Rulesets, RulesetWords
from services.router.suppression import Receiver, Standing, why_not
from shared.identity import Identifier
from shared.lead_state import decode_scores
from shared.merged_leads import survivors_of
from shared.sales_activity import sales_active

LEADS = """
SELECT id::text AS id, scores, stage, ruleset_version FROM lead WHERE id = ANY ($1::uuid[])
"""
IDENTIFIERS = """
SELECT DISTINCT lead_id::text AS lead_id, kind, value FROM identifier
WHERE lead_id = ANY ($1::uuid[])
"""


# Messages about a person that somebody acts on, by who does. Others keep systems up to date, and
# go whatever the person said.
RECEIVERS: Mapping[str, Receiver] = {
    "handoff.content": "content",
    "content.step_due": "content",
    "handoff.sales": "sales",
    "handoff.overdue": "sales",
    "lead.alert": "sales",
}


@dataclass(frozen=True, slots=True)
class Stood:
    """words: of the version that the lead's scores stand under · sales_active: a salesperson is at
    work on it.
    """

    standing: Standing
    words: RulesetWords
    sales_active: bool

    def why_not(self, type_: str, channel: str = "") -> str:
        """Why a message must not go out, by its type, as webhooks name it; "" where it may.
        channel: of a step of a sequence. An address that bounced stops mails alone.
        """
        receiver = RECEIVERS.get(type_)
        if receiver is None:
            return ""
        if type_ == "content.step_due":
            if self.sales_active:
                return "sales"
            receiver = receiver_on(channel)
        why = why_not(receiver, self.words.core, self.words.suppress, self.standing)
        return "" if why == "email_bounced" and channel not in {"", "email"} else why


def receiver_on(channel: str) -> Receiver:
    """Who acts on a step of a sequence."""
    return "sales" if channel == "phone_task" else "content"


async def standings(
    connection: Any, rulesets: Rulesets, lead_ids: Iterable[str], now_ms: int
) -> dict[str, Stood | None]:
    """By lead; of one that was merged, as the lead stands that it is part of. Erased ones are left
    out; None: its state can't be read.
    """
    whose = await survivors_of(connection, lead_ids)
    persons = list(set(whose.values()))
    rows = {row["id"]: row for row in await connection.fetch(LEADS, persons)}
    who: dict[str, list[Identifier]] = {}
    for row in await connection.fetch(IDENTIFIERS, persons):
        who.setdefault(row["lead_id"], []).append((row["kind"], row["value"]))
    working = await sales_active(connection, whose)
    found: dict[str, Stood | None] = {}
    for lead_id, person in whose.items():
        row = rows.get(person)
        if row is None:  # erased between the two looks
            continue
        words = await rulesets.words(row["ruleset_version"])
        try:
            state = decode_scores(row["scores"])
        except msgspec.MsgspecError:
            found[lead_id] = None
            continue
        standing = Standing(state, row["stage"], who.get(person, ()), now_ms)
        found[lead_id] = Stood(standing, words, lead_id in working)
    return found
