"""Which keys are looked up: all, until those of lately have proved to be enough."""

from uuid import UUID

from services.scorer.resends import FIRST_PROBATION, LARGE_BATCH, Resends


def keys(first: int, count: int = LARGE_BATCH) -> set[UUID]:
    return {UUID(int=first + number) for number in range(count)}


def trusted() -> Resends:
    """After enough large batches without an old event."""
    resends = Resends()
    for turn in range(FIRST_PROBATION):
        batch = keys(turn * LARGE_BATCH)
        assert set(resends.to_look_up(batch)) == batch
        resends.learn(batch, set())
    return resends


def test_only_what_was_seen_lately_is_looked_up_in_the_end() -> None:
    """New keys are not asked for any more; those of an earlier batch are."""
    resends = trusted()
    again = set(list(keys(0))[:7])
    assert set(resends.to_look_up(keys(1_000_000) | again)) == again


def test_small_batches_are_always_looked_up() -> None:
    """They cost nothing, so nothing is risked."""
    few = keys(1_000_000, LARGE_BATCH - 1)
    assert set(trusted().to_look_up(few)) == few


def test_a_batch_that_was_refused_has_every_key_looked_up() -> None:
    """And for twice as long as before."""
    resends = trusted()
    batch = keys(5_000_000)
    resends.learn(batch, set())
    resends.was_too_narrow(batch)
    assert set(resends.to_look_up(batch)) == batch
    resends.learn(batch, set(list(batch)[:1]))  # the old one is found
    for turn in range(2 * FIRST_PROBATION):
        fresh = keys(6_000_000 + turn * LARGE_BATCH)
        assert set(resends.to_look_up(fresh)) == fresh
        resends.learn(fresh, set())
    assert resends.to_look_up(keys(9_000_000)) == []


def test_an_old_event_begins_the_probation_anew() -> None:
    """One among the found that this process never saw."""
    resends = Resends()
    for turn in range(FIRST_PROBATION - 1):
        resends.learn(keys(turn * LARGE_BATCH), set())
    resends.learn(keys(7_000_000) | keys(0, 1), keys(0, 1))  # that one was seen lately
    assert resends.to_look_up(keys(8_000_000)) == []
    other = Resends()
    other.learn(keys(0), keys(0, 1))
    for turn in range(FIRST_PROBATION - 1):
        other.learn(keys((1 + turn) * LARGE_BATCH), set())
    assert len(other.to_look_up(keys(8_000_000))) == LARGE_BATCH


def test_memory_is_bounded() -> None:
    """The older of two generations goes."""
    resends = Resends(generation=LARGE_BATCH)
    for turn in range(FIRST_PROBATION + 4):
        resends.learn(keys(turn * LARGE_BATCH), set())
    assert resends.to_look_up(keys(0)) == []
