"""Trying again: at once when another transaction was in the way, with pauses while Postgres is
away.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import msgspec
import structlog

from services.scorer import metrics
from services.scorer.batch import OldResolutionError
from services.scorer.live_ruleset import LiveRuleset
from services.scorer.scene import NewerRulesetError
from shared.errors import PoisonError, TryAgainError

log = structlog.get_logger()
Result = TypeVar("Result")

# Another transaction was in the way: the same work succeeds in a moment.
COLLISIONS: tuple[type[BaseException], ...] = (
    OldResolutionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
    asyncpg.LockNotAvailableError,
)
# The data is at fault, wherever it hurts.
DATA_ERRORS: tuple[type[BaseException], ...] = (
    PoisonError,
    asyncpg.DataError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.ProgramLimitExceededError,
    msgspec.MsgspecError,
    ArithmeticError,
    ValueError,
    TypeError,
    LookupError,
    RecursionError,
)
# Postgres is away or busy: wait.
AWAY: tuple[type[BaseException], ...] = (
    TryAgainError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
MOST_COLLISIONS = 100
LONGEST_PAUSE_SECONDS = 5.0


class Patience:
    """Runs a transaction until it has succeeded, or failed for good."""

    def __init__(self, ruleset: LiveRuleset, postgres_is: Callable[[bool, str], None]) -> None:
        self._ruleset = ruleset
        self._postgres_is = postgres_is

    async def through(
        self, work: Callable[[], Awaitable[Result]], most_collisions: int = MOST_COLLISIONS
    ) -> Result:
        """Do the work, again and again if it helps. Data errors, errors that nobody foresaw, and
        one collision more than most_collisions are raised.
        """
        collisions = 0
        pause = 0.1
        while True:
            try:
                result = await work()
            except COLLISIONS as error:
                collisions += 1
                if collisions > most_collisions:
                    raise
                metrics.RETRIES.labels(type(error).__name__).inc()
                await asyncio.sleep(random.uniform(0, 0.005 * min(collisions, 20)))  # noqa: S311
            except NewerRulesetError:
                metrics.RETRIES.labels("NewerRulesetError").inc()
                await self._refresh()
            except DATA_ERRORS:
                raise
            except AWAY as error:
                metrics.RETRIES.labels(type(error).__name__).inc()
                self._postgres_is(False, f"{type(error).__name__}")
                log.warning("waiting to try again", error_class=type(error).__name__)
                await asyncio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                self._postgres_is(True, "")
                return result

    async def _refresh(self) -> None:
        try:
            await self._ruleset.refresh()
        except AWAY:
            await asyncio.sleep(0.5)
