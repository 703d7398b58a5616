"""How much one key, one address and one person may send: the others must not feel it.

Each bucket is one number, the moment at which it would be empty again (the "theoretical arrival
time" of the generic cell rate algorithm). Each process counts by itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from services.ingest.keys import Sender
from services.ingest.metrics import RATE_LIMITED
from services.ingest.refusal import Refusal
from shared.envelope import Event
from shared.ids import strongest_identifier
from shared.settings import Settings

# What may come at once: so many seconds' worth.
BURST_SECONDS: Final = 20.0
# Two generations of so many buckets: about 20 MB when full.
KEPT: Final = 65_536


class Buckets:
    """One for each name; those not heard of for long are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept: int = KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._newer: dict[Hashable, float] = {}
        self._older: dict[Hashable, float] = {}

    def wait(self, name: Hashable, cost: float, rate: float) -> float:
        """Take `cost` out of a bucket that fills by `rate` a second: 0 when that was possible, else
        the seconds until it is, and nothing is taken. More than a whole burst is taken at once if
        the bucket is full.
        """
        now = self._clock()
        empty_at = self._newer.get(name)
        if empty_at is None:
            empty_at = self._older.get(name, now)
            if len(self._newer) >= self._kept:
                self._older, self._newer = self._newer, {}
        empty_at = max(empty_at, now)
        room = BURST_SECONDS - (empty_at - now)
        takes = min(cost / rate, BURST_SECONDS)
        if takes > room:
            return takes - room
        self._newer[name] = empty_at + cost / rate
        return 0.0


class Rates:
    """The limits in force. per_key, per_address, per_lead: events a second; 0 for none."""

    def __init__(
        self, per_key: int, per_address: int, per_lead: int, buckets: Buckets | None = None
    ) -> None:
        self._per_key = per_key
        self._per_address = per_address
        self._per_lead = per_lead
        self._buckets = buckets or Buckets()

    @classmethod
    def of(cls, settings: Settings) -> Rates:
        return cls(settings.rate_per_key, settings.rate_per_address, settings.rate_per_lead)

    def check_address(self, address: str) -> None:
        """One request of an address. Raises Refusal (429)."""
        if self._per_address and address:
            self._take("address", address, 1, self._per_address)

    def check_events(self, sender: Sender, events: Sequence[Event]) -> None:
        """Events of a key, and of each person among them. Raises Refusal (429)."""
        rate = sender.rate or (self._per_key if sender.public else 0)
        if rate:
            self._take("key", (sender.name, sender.id), len(events), rate)
        if not self._per_lead or not sender.public:
            return
        if len(events) == 1:
            self._take("lead", strongest_identifier(events[0].identifiers), 1, self._per_lead)
            return
        people: dict[Hashable, int] = {}
        for event in events:
            name = strongest_identifier(event.identifiers)
            people[name] = people.get(name, 0) + 1
        for person, number in people.items():
            self._take("lead", person, number, self._per_lead)

    def _take(self, what: str, name: Hashable, cost: int, rate: int) -> None:
        seconds = self._buckets.wait((what, name), cost, rate)
        if seconds:
            RATE_LIMITED.labels(what).inc()
            raise Refusal(
                429,
                "rate_limited",
                f"Too many events of one {what}. Send them again later.",
                retry_after=math.ceil(seconds),
            )


UNLIMITED: Final = Rates(0, 0, 0)
