"""Events to Kafka: bounded in flight, acknowledged by all replicas, or an honest 429."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import lru_cache

from services.ingest.limits import (
    ACK_SECONDS,
    IN_FLIGHT_BYTES,
    IN_FLIGHT_EVENTS,
    RETRY_AFTER_SECONDS,
)
from services.ingest.metrics import EVENTS_ACCEPTED
from services.ingest.metrics import IN_FLIGHT_BYTES as BYTES_GAUGE
from services.ingest.metrics import IN_FLIGHT_EVENTS as EVENTS_GAUGE
from services.ingest.refusal import Refusal
from shared.bus import Record, SupervisedProducer
from shared.envelope import Event, Identifiers, encode_event
from shared.errors import PoisonError, TryAgainError
from shared.ids import partition_key, strongest_identifier
from shared.settings import Settings

# After a send that wasn't acknowledged, so long everybody is turned away at once; then one request
# at a time may try, until one succeeds.
_REST_SECONDS = 1.0

# So many groups are under way at once, so that Kafka works on one while the other's requests are
# answered. The larger a group, the less each event costs, so others wait; but not for long: one
# slow partition must not hold up everybody.
_UNDER_WAY = 2
_PATIENCE_SECONDS = 0.02
_KEYS_KEPT = 65_536
# One child of the metric for each source, found without going through the labels.
_accepted = lru_cache(maxsize=1024)(EVENTS_ACCEPTED.labels)

# Requests that are sent together: their records, and the future that each waits for.
_Group = list[tuple[Sequence[Record], asyncio.Future[None]]]


class Intake:
    """The one way onto lead-events.

    A send that isn't acknowledged in time may still arrive: its outcome is unknown, which the
    stable event ids make harmless when the sender comes again.
    """

    def __init__(self, settings: Settings, producer: SupervisedProducer) -> None:
        self._producer = producer
        self._topic = settings.topics.lead_events
        self._hash_key = settings.hash_key.get_secret_value().encode()
        self._events = 0
        self._bytes = 0
        self._away = False
        self._try_again_at = 0.0
        self._trying = False
        self._keys: dict[tuple[str, str] | None, bytes] = {}
        self._group: _Group = []
        self._next: asyncio.Handle | None = None
        self._sending: set[asyncio.Future[None]] = set()
        EVENTS_GAUGE.set_function(lambda: self._events)
        BYTES_GAUGE.set_function(lambda: self._bytes)

    @property
    def away(self) -> bool:
        """True from a send that failed until one that succeeded."""
        return self._away

    def reached(self) -> None:
        """A broker has answered: everybody may try again."""
        if self._away and not self._trying and time.monotonic() >= self._try_again_at:
            self._away = False

    async def accept(self, events: Sequence[Event]) -> None:
        """Return once Kafka has acknowledged all (acks=all). Raises Refusal (429, Retry-After)
        when it doesn't within 2 s, or too much waits already.
        """
        topic, key_of = self._topic, self._key_of
        await self.send([
            Record(topic, encode_event(event), key_of(event.identifiers)) for event in events
        ])  # fmt: skip
        for event in events:
            _accepted(event.source).inc()

    def _key_of(self, who: Identifiers) -> bytes:
        """`shared.ids.partition_key`, remembered for those who come again."""
        strongest = strongest_identifier(who)
        key = self._keys.get(strongest)
        if key is None:
            if len(self._keys) >= _KEYS_KEPT:
                self._keys.clear()
            key = self._keys[strongest] = partition_key(self._hash_key, who)
        return key

    async def send(self, records: Sequence[Record]) -> None:
        """Send records of any topic, under the same bounds as `accept`."""
        if not records:
            return
        size = sum(len(record.value or b"") for record in records)
        trying = self._admit(len(records), size)
        self._events += len(records)
        self._bytes += size
        try:
            await self._acknowledged(records)
            self._away = False
        except TryAgainError:
            self._away = True
            self._try_again_at = time.monotonic() + _REST_SECONDS
            raise _busy("kafka_away", "Events can't be kept safe just now.") from None
        except PoisonError:
            raise Refusal(413, "too_large", "The event is too large to be kept.") from None
        finally:
            self._events -= len(records)
            self._bytes -= size
            if trying:
                self._trying = False

    def _acknowledged(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Join the next group. It goes out at the end of this turn of the event loop; while two
        are under way, when one of them is done, or after 20 ms if that takes longer.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._group.append((records, done))
        if self._next is None:
            self._next = (
                loop.call_later(_PATIENCE_SECONDS, self._send_group)
                if len(self._sending) >= _UNDER_WAY
                else loop.call_soon(self._send_group)
            )
        return done

    def _send_group(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        group, self._group = self._group, []
        if group:
            task = asyncio.ensure_future(self._deliver(group))
            self._sending.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Future[None]) -> None:
        self._sending.discard(task)
        if len(self._sending) < _UNDER_WAY:
            self._send_group()

    async def _deliver(self, group: _Group) -> None:
        """One delivery for all requests of a turn: far cheaper than one for each."""
        try:
            together = [record for records, _ in group for record in records]
            await self._producer.deliver(together, ACK_SECONDS)
        except PoisonError as error:
            if len(group) == 1:
                _settle(group, error)
                return
            for each in group:  # one of them is at fault: the others must not pay for it
                await self._deliver([each])
        except TryAgainError as error:
            _settle(group, error)
        except BaseException:
            _settle(group, TryAgainError("the sending ended"))
            raise
        else:
            _settle(group, None)

    def _admit(self, events: int, size: int) -> bool:
        """Refuse when there is no room; True when this request is the one that tries Kafka."""
        if self._events + events > IN_FLIGHT_EVENTS or self._bytes + size > IN_FLIGHT_BYTES:
            raise _busy("too_busy", "Too much is waiting to be kept.")
        if not self._away:
            return False
        if self._trying or time.monotonic() < self._try_again_at:
            raise _busy("kafka_away", "Events can't be kept safe just now.")
        self._trying = True
        return True


def _settle(group: _Group, error: Exception | None) -> None:
    """Tell every request of a group how it went."""
    for _, done in group:
        if done.done():
            continue  # its request has ended
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)


def _busy(code: str, message: str) -> Refusal:
    return Refusal(429, code, f"{message} Send it again later.", retry_after=RETRY_AFTER_SECONDS)
