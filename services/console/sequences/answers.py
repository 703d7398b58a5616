"""What the API says of sequences, and what it takes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.console.answers import Answer, Instant

Words = Annotated[str, Field(max_length=200)]


class SequenceStep(Answer):
    """A step of the live version, with how often it went out, and was left out (why)."""

    id: str
    title: str
    day: int
    sent: int
    left_out: dict[str, int]


class Sequence(Answer):
    """A sequence of the live ruleset, or one that leads are still on. running: by status · ended:
    why, and how often · paused_since: null while it runs.
    """

    id: str
    title: str
    channel: str
    purpose: str
    paused_since: Instant | None
    running: dict[str, int]
    ended: dict[str, int]
    older_versions: int
    steps: list[SequenceStep]


class Sequences(Answer):
    items: list[Sequence]


class Enrolment(Answer):
    """A lead's way through a sequence. next_step: its number, from 1; null when there is none."""

    id: UUID
    sequence: str
    ruleset_version: int
    arm: str
    status: str
    entered_at: Instant
    started_at: Instant | None
    next_step: int | None
    due_at: Instant | None
    ended_at: Instant | None
    why: str


class Enrolments(Answer):
    lead_id: UUID
    items: list[Enrolment]


class Changed(Answer):
    """How many leads an order changed."""

    changed: int


class SequenceOrder(BaseModel):
    """lead_id: only this lead; null: all, for pause, resume and move · actor: who asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_id: UUID | None = None
    actor: Words = ""
