"""Which errors mean that a dependency is away, and so: wait and try again."""

from __future__ import annotations

import asyncpg

from shared.errors import TryAgainError

# What a server that is away, starting or stopping makes the driver raise.
AWAY_ERRORS = (
    TryAgainError,
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)
