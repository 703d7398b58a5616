"""Taking a shard over: what the former owner published but didn't mark is marked, not sent again.

A chunk is one Kafka transaction, so a fact with any message on the topics has all of them there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from services.router.build import HANDOFFS, expected_ids
from services.router.claims import stored_offsets
from services.router.cloudevents import Message
from services.router.decide import ORDER, MessageKind, message_id, number_of, place_of
from services.router.facts import Announcement, AnyFact, open_fact
from services.router.handing import kept_of
from services.router.kept_handoffs import Kept
from services.router.metrics import FOUND_ON_TOPIC
from services.router.outbox import (
    LostShardError,
    Offsets,
    Pool,
    any_waiting,
    mark,
    save_offsets,
    waiting_of,
)
from services.router.ruleset_words import Rulesets
from services.router.table import Effect, Table, effect_of
from services.router.tail import Found, read_back
from shared.envelope import milliseconds
from shared.errors import PoisonError
from shared.settings import Settings

log = structlog.get_logger()

_offsets_decoder = msgspec.json.Decoder(Offsets)


@dataclass(slots=True)
class _Matched:
    """Facts whose messages were met, those messages, and what else follows, by fact."""

    row_ids: set[int] = field(default_factory=set)
    messages: dict[str, Message] = field(default_factory=dict)
    effects: dict[int, Effect] = field(default_factory=dict)
    kept: dict[int, Kept] = field(default_factory=dict)


async def take_over(
    settings: Settings, pool: Pool, rulesets: Rulesets, shard: int, epoch: int, until: Offsets
) -> None:
    """Mark what is on the topics already, up to `until`; call it after the producer has fenced.

    until: the topics' ends as they were after fencing. Raises LostShardError if the epoch is no
    longer ours: the check stands after fencing, so that of two claimers only the last goes on.
    """
    stored = await stored_offsets(pool, shard, epoch)
    if stored is None:
        raise LostShardError(f"shard {shard}")
    if not await any_waiting(pool, shard):
        await save_offsets(pool, shard, epoch, until)
        return
    matched = _Matched()
    read = 0
    async for batch in read_back(settings, shard, _offsets_decoder.decode(stored), until):
        read += len(batch)
        await _match(pool, rulesets, shard, batch, matched)
    ordered = sorted(
        matched.messages.values(), key=lambda each: (each.lead_id, each.seq or 0, ORDER[each.kind])
    )
    effects = [effect for _, effect in sorted(matched.effects.items(), key=lambda one: one[0])]
    kept = [each for _, each in sorted(matched.kept.items(), key=lambda one: one[0])]
    await mark(pool, shard, epoch, sorted(matched.row_ids), ordered, until, effects, kept)
    FOUND_ON_TOPIC.inc(len(matched.row_ids))
    log.info("shard taken over", shard=shard, read_back=read, already_out=len(matched.row_ids))


async def _match(
    pool: Pool, rulesets: Rulesets, shard: int, batch: list[Found], matched: _Matched
) -> None:
    """Find the unmarked facts whose messages these are."""
    wanted: dict[str, tuple[int, AnyFact, Table, MessageKind]] = {}
    for row in await waiting_of(pool, shard, list({found.lead_id for found in batch})):
        try:
            fact = open_fact(row.fact)
        except PoisonError:
            continue  # it was never told; the relay sets it aside and says so
        table = await rulesets.table(fact)
        for name, kind in expected_ids(fact, table).items():
            wanted[name] = (row.id, fact, table, kind)
    for found in batch:
        if (met := wanted.get(found.id)) is None:
            continue
        row_id, fact, table, kind = met
        matched.row_ids.add(row_id)
        if (effect := effect_of(fact, table)) is not None:
            matched.effects[row_id] = effect
        if kind in HANDOFFS or row_id not in matched.kept:
            data = found.data if kind in HANDOFFS else None
            if (kept := await _kept(rulesets, fact, data)) is not None:
                matched.kept[row_id] = kept
        matched.messages[found.id] = Message(
            id=message_id(fact.lead_id, place_of(fact), kind),
            kind=kind,
            lead_id=fact.lead_id,
            seq=number_of(fact),
            at_ms=fact.at_ms,
            data=found.data,
        )


async def _kept(rulesets: Rulesets, fact: AnyFact, data: bytes | None) -> Kept | None:
    if isinstance(fact, Announcement):
        return None
    words = await rulesets.words(fact.ruleset_version)
    return kept_of(fact, data, words, milliseconds(datetime.now(UTC)))
