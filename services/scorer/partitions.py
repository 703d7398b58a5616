"""The partitions this process owns: how far each is taken in, and up to when time may act."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.scorer import queries

# An event received just now may still be on its way from ingest to the broker.
SETTLING_MS = 2_000


class ForeignTopicError(Exception):
    """The topic is not the one whose offsets are stored. The message says what to do."""


@dataclass(slots=True)
class Owned:
    """A partition of ours. `epoch` proves it to Postgres."""

    partition: int
    next_offset: int
    epoch: int


async def own(
    connection: Any,
    topic: str,
    cluster_id: str,
    bounds: Mapping[int, tuple[int, int]],
) -> dict[int, Owned]:
    """Take partitions over: raise their epochs, learn where to begin.

    bounds: partition → (first offset the broker has, next offset it will give). Raises
    ForeignTopicError when the stored offsets can't belong to this topic, or when records that were
    never taken in are gone.
    """
    await connection.execute(
        queries.ADD_PARTITIONS, topic, cluster_id, list(bounds), [low for low, _ in bounds.values()]
    )
    owned: dict[int, Owned] = {}
    for row in await connection.fetch(queries.OWN_PARTITIONS, topic, list(bounds)):
        partition, next_offset = row["partition"], row["next_offset"]
        low, high = bounds[partition]
        if row["cluster_id"] != cluster_id or next_offset > high:
            raise ForeignTopicError(
                f"{topic}/{partition}: the database has taken in up to offset {next_offset} of "
                f"cluster {row['cluster_id']}, but the topic ends at {high} on cluster "
                f"{cluster_id}. It was made anew, or this is another cluster. If that is meant, "
                f"delete the topic's rows from consumer_partition and start again: events that "
                f"are stored already will not count twice."
            )
        if next_offset < low:
            raise ForeignTopicError(
                f"{topic}/{partition}: records {next_offset} to {low - 1} are gone from the topic "
                f"before they were taken in (retention). To go on without them, set next_offset "
                f"to {low} in consumer_partition."
            )
        owned[partition] = Owned(partition, next_offset, row["epoch"])
    return owned


async def raise_watermarks(
    connection: Any, topic: str, owned: Iterable[Owned], at_ms: Mapping[int, int]
) -> None:
    """Note up to when partitions without lag have nothing new. at_ms: by partition."""
    idle = [one for one in owned if one.partition in at_ms]
    if idle:
        await connection.execute(
            queries.RAISE_WATERMARKS,
            topic,
            [one.partition for one in idle],
            [one.epoch for one in idle],
            [at_ms[one.partition] - SETTLING_MS for one in idle],
        )
