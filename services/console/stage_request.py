"""The body of a request that sets a stage by hand, as the API reads it."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.console.stage_orders import MOST_CHARACTERS, StageOrder
from shared.envelope import milliseconds
from shared.ruleset.stages import MAIN

Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class StageRequest(BaseModel):
    """A stage to set by hand, null to release. until: when a lock ends, with its zone; it locks
    also without `lock` · actor: who asks, for the stage history · id: the same one sent again
    counts once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Words | None
    journey: Words = MAIN
    until: AwareDatetime | None = None
    lock: bool | None = None
    actor: Words = ""
    id: Annotated[Words, Field(min_length=1)] | None = None

    def order(self) -> StageOrder:
        """With an id of its own, where none was given."""
        return StageOrder(
            stage=self.stage,
            id=self.id or uuid4().hex,
            journey=self.journey,
            until_ms=None if self.until is None else milliseconds(self.until),
            lock=self.until is not None if self.lock is None else self.lock,
            actor=self.actor,
        )
