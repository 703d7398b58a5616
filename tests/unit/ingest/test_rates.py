"""How much may be sent: by key, address and person."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.keys import Sender
from services.ingest.rates import BURST_SECONDS, UNLIMITED, Buckets, Rates
from services.ingest.refusal import Refusal
from shared.envelope import Event, Identifiers

NOW = datetime(2026, 5, 3, tzinfo=UTC)
WEB, SHOP, SERVER = Sender("web", True), Sender("shop", True), Sender("server", False)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def event(who: str) -> Event:
    return Event(
        id="1", source="web", type="t", occurred_at=NOW, received_at=NOW,
        identifiers=Identifiers(anonymous_id=who),
    )  # fmt: skip


def refused(rates: Rates, sender: Sender, *people: str) -> int:
    """The seconds after which to come again, 0 when it was taken."""
    try:
        rates.check_events(sender, [event(who) for who in people])
    except Refusal as refusal:
        assert (refusal.status, refusal.code) == (429, "rate_limited")  # noqa: PT017
        return refusal.retry_after
    return 0


def test_a_bucket_gives_a_burst_and_fills_again() -> None:
    """At its rate, and never over its brim."""
    clock = Clock()
    buckets = Buckets(clock)
    assert buckets.wait("a", 10 * BURST_SECONDS, 10) == 0
    assert buckets.wait("a", 5, 10) == pytest.approx(0.5)
    assert buckets.wait("b", 5, 10) == 0
    clock.now += 0.5
    assert buckets.wait("a", 5, 10) == 0
    clock.now += 3600
    assert buckets.wait("a", 10 * BURST_SECONDS, 10) == 0
    assert buckets.wait("a", 1, 10) > 0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), max_size=60))
def test_no_more_goes_through_than_burst_and_rate_allow(steps: list[tuple[float, int]]) -> None:
    """Over any time, however it is asked."""
    clock, rate = Clock(), 7.0
    buckets, taken = Buckets(clock), 0
    for seconds, cost in steps:
        clock.now += seconds
        taken += cost if buckets.wait("a", cost, rate) == 0 else 0
    assert taken <= rate * (BURST_SECONDS + clock.now - 1000) + 1e-6


def test_few_buckets_are_kept_however_many_names_come() -> None:
    """Those heard of lately."""
    buckets = Buckets(Clock(), kept=10)
    for number in range(1000):
        buckets.wait(number, 1, 1)
    assert len(buckets._newer) + len(buckets._older) <= 20


def test_one_key_that_sends_too_much_slows_no_other() -> None:
    """Nor does a key of a server, which has no limit by default."""
    rates = Rates(10, 0, 0, Buckets(Clock()))
    batch = [str(number) for number in range(200)]
    assert refused(rates, WEB, *batch) == 0
    assert refused(rates, WEB, "x") == 1
    assert refused(rates, SHOP, *batch) == 0
    assert refused(rates, SERVER, *batch * 10) == 0
    own = Sender("bulk", False, id=3, rate=5)
    assert refused(rates, own, *batch[:100]) == 0
    assert refused(rates, own, *batch[:10]) == 2


def test_one_person_who_sends_too_much_slows_no_other() -> None:
    """Counted over a batch, too."""
    rates = Rates(0, 0, 2, Buckets(Clock()))
    assert refused(rates, WEB, *["sarah"] * 40) == 0
    assert refused(rates, WEB, "sarah") == 1
    assert refused(rates, WEB, "tom", "sarah") == 1
    assert refused(rates, SHOP, "sarah") == 1
    assert refused(rates, WEB, "tom") == 0
    assert refused(rates, SERVER, "sarah") == 0


def test_an_address_is_counted_by_request_and_nobody_without_limits() -> None:
    """0 turns a limit off."""
    rates = Rates(0, 1, 0, Buckets(Clock()))
    for _ in range(20):
        rates.check_address("203.0.113.9")
    with pytest.raises(Refusal) as caught:
        rates.check_address("203.0.113.9")
    assert caught.value.retry_after == 1
    rates.check_address("203.0.113.10")
    UNLIMITED.check_address("203.0.113.9")
    assert refused(UNLIMITED, WEB, *["sarah"] * 1000) == 0
