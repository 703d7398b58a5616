"""The desk for reports: counts from Postgres, shares and intervals from statistics.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.reports import queries
from services.console.reports.answers import (
    LiftShown,
    MailingReport,
    MailingRow,
    Report,
    Row,
    ShareShown,
)
from services.console.reports.mailing import Said, Sent, tallies
from services.console.reports.statistics import FEW, lift, share
from shared.bodies import open_body
from shared.consent import MARKETING_EMAIL
from shared.envelope import decode_event, rfc3339
from shared.lead_state import decode_scores

By = Literal["rules", "bands", "sources"]
DAY_MS = 86_400_000
STEPS_MAX = 500_000
_LEADS_AT_ONCE = 2000


class ReportDesk:
    def __init__(self, engine: AsyncEngine, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms

    async def handoffs(self, by: By, days: int) -> Report:
        """Hand-offs to sales of the last so many days, by what brought them about."""
        since_ms = self._now_ms() - days * DAY_MS
        async with self._engine.connect() as connection:
            (total,) = (await connection.execute(queries.ALL, {"since": since_ms})).all()
            rows = (await connection.execute(queries.BY[by], {"since": since_ms})).all()
        return Report(
            since=rfc3339(since_ms),
            by=by,
            total=_row("all", total, None),
            rows=[_row(row.name, row, total) for row in rows],
        )

    async def mailing(self, days: int) -> MailingReport:
        """Unsubscribes and complaints by step of each sequence."""
        since_ms = self._now_ms() - days * DAY_MS
        async with self._engine.connect() as connection:
            found = await connection.execute(
                queries.STEPS, {"since": since_ms, "most": STEPS_MAX + 1}
            )
            sent = [Sent(str(row.lead_id), row.sequence, row.step_id, row.at_ms) for row in found]
            leads = list({each.lead: None for each in sent})
            said: dict[str, Said] = {}
            for start in range(0, len(leads), _LEADS_AT_ONCE):
                said |= await _said(connection, leads[start : start + _LEADS_AT_ONCE], since_ms)
        counted = tallies(sent[:STEPS_MAX], said)
        return MailingReport(
            since=rfc3339(since_ms),
            rows=[
                MailingRow(
                    sequence=sequence,
                    step=step,
                    sent=tally.sent,
                    unsubscribed=_share(tally.unsubscribed, tally.sent),
                    complained=_share(tally.complained, tally.sent),
                    few=tally.sent < FEW,
                )
                for (sequence, step), tally in sorted(counted.items())
            ],
            whole=len(sent) <= STEPS_MAX,
        )


async def _said(
    connection: AsyncConnection, leads: Sequence[str], since_ms: int
) -> dict[str, Said]:
    """What those of these leads said who forbade mails since: the event of that very instant."""
    instants: dict[str, int] = {}
    for row in await connection.execute(queries.STATES, {"ids": list(leads)}):
        word = decode_scores(row.scores).consent.get(MARKETING_EMAIL)
        if word is not None and not word.granted and word.at_ms >= since_ms:
            instants[str(row.id)] = word.at_ms
    if not instants:
        return {}
    asked = {"ids": list(instants), "instants": list(instants.values())}
    found: dict[str, Said] = {}
    for row in await connection.execute(queries.SAID, asked):
        try:
            event = decode_event(open_body(row.body))
        except (msgspec.MsgspecError, ValueError):
            continue
        if event.type in {"email_unsubscribed", "email_complained"}:
            lead = str(row.lead_id)
            found[lead] = Said(instants[lead], event.type, _named(event.properties))
    return found


def _named(properties: dict[str, Any]) -> tuple[str, str] | None:
    sequence, step = properties.get("sequence"), properties.get("step")
    return (sequence, step) if isinstance(sequence, str) and isinstance(step, str) else None


def _row(name: str, row: Any, total: Any) -> Row:
    """total: of all hand-offs, None for that row itself."""
    ratio = None
    if total is not None:
        ratio = lift(
            row.accepted, row.answered,
            total.accepted - row.accepted, total.answered - row.answered,
        )  # fmt: skip
    return Row(
        name=name,
        handoffs=row.handoffs,
        accepted=row.accepted,
        won=row.won,
        value=_by_currency(row.amounts),
        precision=_share(row.accepted, row.answered),
        lift=None
        if ratio is None
        else LiftShown(value=_short(ratio.value), low=_short(ratio.low), high=_short(ratio.high)),
        won_share=_share(row.won, row.ended),
        few=row.answered < FEW,
    )


def _by_currency(amounts: str | None) -> dict[str, float]:
    """Sums, of the largest first: what is in different currencies can't be added up."""
    found: dict[str, float] = {}
    for currency, amount in msgspec.json.decode(amounts) if amounts else ():
        found[currency] = found.get(currency, 0.0) + amount
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return {currency: round(amount, 2) for currency, amount in ordered}


def _share(part: int, whole: int) -> ShareShown | None:
    found = share(part, whole)
    if found is None:
        return None
    return ShareShown(
        part=part, whole=whole, value=_short(found.value), low=_short(found.low),
        high=_short(found.high), few=whole < FEW,
    )  # fmt: skip


def _short(value: float) -> float:
    return round(value, 4)
