"""What the API says of hand-offs, and what it takes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.console.answers import Answer, Instant
from shared.envelope import milliseconds
from shared.handoff_states import Act, State

MOST_NOTE = 2000
MOST_WORDS = 200
MOST_AMOUNT = 1e12
Words = Annotated[str, Field(max_length=MOST_WORDS)]


class HandoffAct(Answer):
    """Something that was done with a hand-off. via: api, cli, link, webhook or clock."""

    at: Instant
    act: str
    via: str
    actor: str
    reason: str
    note: str
    amount: float | None
    currency: str
    until: Instant | None


class Handoff(Answer):
    """A lead passed on, or why it wasn't. id: of the hand-off's message · lead_id: the lead that it
    was about; it may be part of another by now · due_at: by when it is to be answered · until: of
    a snooze, or of the time that the lead is left alone · possible: what may be done now.
    """

    id: UUID
    lead_id: UUID
    kind: str
    journey: str
    stage: str
    episode: int
    sequence: int
    handed_at: Instant
    status: State
    status_since: Instant
    owner: str | None
    bands: dict[str, str]
    grade: str | None
    source: str
    rules: list[str]
    ruleset_version: int
    due_at: Instant | None
    until: Instant | None
    reason: str
    amount: float | None
    currency: str
    accepted_at: Instant | None
    ended_at: Instant | None
    possible: list[Act]


class HandoffDetail(Handoff):
    acts: list[HandoffAct]


class HandoffPage(Answer):
    items: list[Handoff]
    next_cursor: str | None


class ActRequest(BaseModel):
    """What sales does. reason: of the ruleset's list, for reject and lost · note: free text, kept
    with the hand-off alone · amount, currency: of what was won · until: for recycle and snooze.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Words = ""
    note: Annotated[str, Field(max_length=MOST_NOTE)] = ""
    amount: Annotated[float, Field(ge=0, le=MOST_AMOUNT, allow_inf_nan=False)] | None = None
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    until: AwareDatetime | None = None
    actor: Words = ""

    @property
    def until_ms(self) -> int | None:
        return None if self.until is None else milliseconds(self.until)


class HookBody(ActRequest):
    """An answer that comes by webhook: the hand-off's id (that of its message), and the act."""

    handoff_id: UUID
    act: Act
