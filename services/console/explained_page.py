"""A page of an explanation: what is read of a lead's history for it, and what the rest is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import queries
from services.console.answers import ExplainedModel
from services.console.carried import carried_forward
from services.console.explanation import CarriedForward, Untold, explain
from services.console.lead_view import shown_at
from services.console.queries import EarningPage, Place
from services.console.ruleset_view import RulesetView
from services.console.sums import worth_of_entries, worth_of_state
from shared.lead_state import ScoreState


@dataclass(frozen=True, slots=True)
class ReadPage:
    """What an explanation is made from.

    later: entries that came after the page, as (instant, entries) · every: all entries up to the
    instant; None where they aren't needed: nothing came before the page, or the state knows ·
    carried: what is left of deleted events.
    """

    at_ms: int
    scores: ScoreState
    page: EarningPage
    later: list[tuple[int, bytes]]
    every: list[tuple[int, bytes]] | None
    carried: list[CarriedForward] = field(default_factory=list)


async def read_page(
    connection: AsyncConnection,
    lead_id: UUID,
    scores: ScoreState,
    at_ms: int,
    before: Place | None,
    newest: int,
) -> ReadPage:
    """Read so many of the newest things that gave points, or took, before a place."""
    page = await queries.earning_page(connection, lead_id, at_ms, before, newest)
    later: list[tuple[int, bytes]] = []
    if before is not None:
        later = await queries.earned_from(connection, lead_id, at_ms, before)
    every = None
    if page.oldest is not None and not state_knows(scores, at_ms):
        every = await queries.earned_from(connection, lead_id, at_ms, None)
    carried = []
    if scores.carried_ms >= 0:
        carried = await carried_forward(connection, lead_id)
    return ReadPage(at_ms, scores, page, later, every, carried)


def explain_page(ruleset: RulesetView, read: ReadPage) -> dict[str, ExplainedModel]:
    """Pure. See `explain`."""
    later = worth_of_entries(ruleset, read.later, read.at_ms)
    whole = None
    if read.every is not None:
        whole = worth_of_entries(ruleset, read.every, read.at_ms)
        for one in read.carried:
            whole = {model: it + one.worth(model, read.at_ms) for model, it in whole.items()}
    elif read.page.oldest is not None:
        whole = worth_of_state(ruleset, read.scores, read.at_ms)
    told = Untold(later, whole)
    carried = read.carried if read.page.oldest is None else ()
    return explain(ruleset, read.page.events, read.at_ms, read.page.by_time, told, carried)


def state_knows(scores: ScoreState, at_ms: int) -> bool:
    """Whether a lead's state tells what all points are worth: it does from its newest one on."""
    return at_ms >= shown_at(scores, 0)
