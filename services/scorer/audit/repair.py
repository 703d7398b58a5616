"""Mends a lead that differs: under its lock it is folded anew from its stored events, by the same
path as when a ruleset is published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec
import zstandard

from services.scorer import queries
from services.scorer.audit.comparison import Difference
from services.scorer.audit.stored import StoredLead, one_lead
from services.scorer.audit.yardstick import Yardstick
from services.scorer.core.fold import new_state
from services.scorer.leads import loaded_lead
from services.scorer.outcome import Outcome
from services.scorer.scene import Scene
from services.scorer.timers import score_anew
from services.scorer.writing import write_outcome
from shared.ids import new_lead_id
from shared.lead_state import encode_scores
from shared.settings import Settings

# What damaged bytes raise. They are left alone.
_UNREADABLE = (msgspec.MsgspecError, zstandard.ZstdError, ValueError)


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair did, or would do. rewritten: events whose entries changed · moves: stage
    changes, which are published, their hand-offs withheld · left: what differs still · failed: why
    it could not be done, "" when it was · undone: it was a trial, and nothing is changed.
    """

    rewritten: int = 0
    moves: tuple[str, ...] = ()
    left: tuple[Difference, ...] = ()
    failed: str = ""
    undone: bool = False

    @property
    def is_done(self) -> bool:
        """Is the lead equal now?"""
        return not (self.left or self.failed or self.undone)


class _UndoneError(Exception):
    """Rolls a trial back."""


class Repairer:
    """Repairs leads, each in a transaction of its own. differences_of: examines a stored lead."""

    def __init__(
        self,
        connection: Any,
        settings: Settings,
        yardstick_of: Callable[[int], Awaitable[Yardstick]],
        differences_of: Callable[[StoredLead], Awaitable[list[Difference]]],
        *,
        dry_run: bool,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._yardstick_of = yardstick_of
        self._differences_of = differences_of
        self._dry_run = dry_run

    async def repair(self, lead_id: UUID) -> Repair:
        """Repair a lead that differed a moment ago."""
        done = Repair()
        try:
            async with self._connection.transaction():
                done = await self._repaired(lead_id)
                if self._dry_run:
                    raise _UndoneError
        except _UndoneError:
            return replace(done, undone=True)
        except _UNREADABLE as error:
            return Repair(failed=type(error).__name__)
        return done

    async def _repaired(self, lead_id: UUID) -> Repair:
        [row] = await self._connection.fetch(queries.LOCK_LEADS, [lead_id])
        if not await self._still_differs(lead_id):
            return Repair()
        scene = await self._scene()
        # Whatever the state says, it isn't asked: it may be what is damaged.
        lead = loaded_lead({**row, "scores": encode_scores(new_state())})
        outcome = Outcome(scene.shards, scene.accounts is not None)
        outcome.drop_from(lead, 0)
        outcome.stale_time_entries[lead_id] = 0
        await score_anew(self._connection, scene, [lead], outcome)
        await write_outcome(self._connection, outcome)
        return Repair(
            rewritten=len(outcome.rewrites),
            moves=tuple(f"{before} → {after}" for _, _, _, _, before, after, *_ in outcome.changes),
            left=tuple(await self._still_differs(lead_id)),
        )

    async def _still_differs(self, lead_id: UUID) -> list[Difference]:
        lead = await one_lead(self._connection, lead_id)
        assert lead is not None  # it is locked
        return await self._differences_of(lead)

    async def _scene(self) -> Scene:
        """The live ruleset, and time as far as the scorers are."""
        version = await self._connection.fetchval(queries.LIVE_VERSION)
        topic = self._settings.topics.lead_events
        watermark_ms = await self._connection.fetchval(queries.WATERMARK, topic)
        now_ms = await self._connection.fetchval(queries.NOW_MS)
        live = await self._yardstick_of(version)
        return Scene(
            live.core,
            min(watermark_ms or 0, now_ms),
            self._settings.router_shards,
            new_lead_id,
            accounts=live.accounts,
        )
