"""The last look before a message leaves: is its lead suppressed by now? And its mail's links."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from services.router.delivery_rows import Claimed
from services.router.outbox import Pool
from services.router.ruleset_words import Rulesets
from services.router.suppression import Receiver, Standing, why_not
from shared.handoff_links import links_of
from shared.identity import Identifier
from shared.lead_state import decode_scores

# Messages about a person that somebody acts on, by who does. Others keep systems up to date, and
# go whatever the person said.
RECEIVERS: Mapping[str, Receiver] = {
    "handoff.content": "content",
    "content.step_due": "content",
    "handoff.sales": "sales",
    "lead.alert": "sales",
}
LEADS = """
SELECT id::text AS id, scores, stage, ruleset_version FROM lead WHERE id = ANY ($1::uuid[])
"""
IDENTIFIERS = """
SELECT DISTINCT lead_id::text AS lead_id, kind, value FROM identifier
WHERE lead_id = ANY ($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class SuppressedBySaying:
    """What people said, and what the ruleset says of them, as stored when a message leaves."""

    pool: Pool
    rulesets: Rulesets
    now_ms: Callable[[], int]

    async def refused(self, deliveries: Sequence[Claimed]) -> dict[int, str]:
        """Why, by the delivery's id."""
        asked = [each for each in deliveries if each.type in RECEIVERS]
        if not asked:
            return {}
        ids = list({str(each.lead_id) for each in asked})
        async with self.pool.acquire() as connection:
            rows = {row["id"]: row for row in await connection.fetch(LEADS, ids)}
            who: dict[str, list[Identifier]] = {}
            for row in await connection.fetch(IDENTIFIERS, ids):
                who.setdefault(row["lead_id"], []).append((row["kind"], row["value"]))
        found: dict[int, str] = {}
        for each in asked:
            lead = str(each.lead_id)
            stored = rows.get(lead)
            if stored is None:
                found[each.id] = "erased"
                continue
            words = await self.rulesets.words(stored["ruleset_version"])
            standing = Standing(
                decode_scores(stored["scores"]), stored["stage"], who.get(lead, ()), self.now_ms()
            )
            why = why_not(RECEIVERS[each.type], words.core, words.suppress, standing)
            if why and not (why == "email_bounced" and _channel(each) not in {"email", ""}):
                found[each.id] = why
        return found


def _channel(delivery: Claimed) -> str:
    """Of a step of a sequence, "" for other messages: an address that bounced stops mails alone."""
    if delivery.type != "content.step_due":
        return ""
    return str(msgspec.json.decode(delivery.body).get("data", {}).get("channel", ""))


@dataclass(frozen=True, slots=True)
class AnswerLinks:
    """Links by which whoever gets the mail of a hand-off to sales, or is reminded of it, answers
    it. key: signs them.
    """

    key: bytes
    public_url: str

    async def __call__(self, message_id: str, body: dict[str, Any]) -> Mapping[str, str]:
        if body.get("type") == "handoff.overdue":
            message_id = str(body.get("data", {}).get("handoff_id"))
        elif body.get("type") != "handoff.sales":
            return {}
        try:
            handoff_id = UUID(message_id)
        except ValueError:
            return {}  # a trial
        return links_of(handoff_id, self.key, self.public_url, int(time.time()))
