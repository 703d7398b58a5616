"""Which errors mean that a dependency is away, and so: wait and try again."""

from __future__ import annotations

import asyncpg
from aiokafka.errors import KafkaError

from shared.errors import TryAgainError

# What aiokafka raises while a broker is away. It asserts its own states: a client that has lost
# every broker says "Did we not perform bootstrap?", a producer that failed asserts its transitions.
KAFKA_ERRORS = (KafkaError, OSError, TimeoutError, AssertionError)

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
