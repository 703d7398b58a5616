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
from services.router.standings import RECEIVERS, standings
from shared.handoff_links import links_of


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
        async with self.pool.acquire() as connection:
            stood = await standings(
                connection, self.rulesets, {str(each.lead_id) for each in asked}, self.now_ms()
            )
        found: dict[int, str] = {}
        for each in asked:
            lead = str(each.lead_id)
            if lead not in stood:
                found[each.id] = "erased"
            elif (one := stood[lead]) is None:
                found[each.id] = "unreadable"
            elif why := one.why_not(each.type, _channel(each)):
                found[each.id] = why
        return found


def _channel(delivery: Claimed) -> str:
    """Of a step of a sequence, "" for other messages."""
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
