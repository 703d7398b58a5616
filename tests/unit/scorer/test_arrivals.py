"""Reading records: events, or the reason why not."""

import pytest

from services.scorer.arrivals import read_records
from shared.errors import PoisonError
from shared.ids import dedupe_key
from tests.arrivals import HASH_KEY, ReadRecord, arrival_of

GOOD = (
    b'{"id":"1","source":"web","type":"page_viewed","occurred_at":"2026-05-04T09:00:00.25Z",'
    b'"received_at":"2026-05-04T09:00:01Z","identifiers":{"anonymous_id":"a"}}'
)


def test_a_record_becomes_an_arrival() -> None:
    """Its instant in ms, its position, its key by source and id."""
    arrival = arrival_of(GOOD)
    assert arrival.position == (1777885200250, "web", "1")
    assert arrival.key == dedupe_key(HASH_KEY, "web", "1")
    assert arrival.record.value == GOOD


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "empty"),
        (b"", "not_an_event"),
        (b"[]", "not_an_event"),
        (b"{" * 5000, "not_an_event"),
        (GOOD.replace(b'"a"', b'"\xff"'), "not_an_event"),
        (GOOD.replace(b'"1"', b"1"), "not_an_event"),
        (GOOD.replace(b'"1"', b'""'), "bad_id"),
        (GOOD.replace(b'{"id"', b'{"v":2,"id"'), "unknown_version"),
        (GOOD.replace(b".25Z", b""), "bad_time"),
        (GOOD.replace(b"2026-05-04", b"1969-05-04"), "bad_time"),
        (GOOD.replace(b"2026-05-04T09", b"9999-05-04T09"), "bad_time"),
        (GOOD.replace(b"2026-05-04T09:00:00.25Z", b"0001-01-01T00:00:00+14:00"), "bad_time"),
        (GOOD.replace(b'{"anonymous_id":"a"}', b"{}"), "no_identity"),
        (GOOD.replace(b'"a"', b'"' + b"a" * 513 + b'"'), "bad_identifier"),
        (GOOD.replace(b'"a"', b'"a\\u0000"'), "bad_text"),
        (GOOD.replace(b'"a"', b'"\\ud800"'), "not_an_event"),
    ],
)
def test_what_is_no_event_says_why(value: bytes | None, code: str) -> None:
    """Each kind of dirt has its own reason, and none gets past."""
    with pytest.raises(PoisonError) as caught:
        arrival_of(value)
    assert caught.value.code == code


def test_one_bad_record_leaves_the_others_of_its_batch() -> None:
    """Events keep their order and share a mention; what can't be read stands aside."""
    other = GOOD.replace(b'"1"', b'"2"')
    records = [ReadRecord(value, at) for at, value in enumerate((GOOD, b"[]", other, None))]
    arrivals, unreadable = read_records(records, HASH_KEY)
    assert [one.record.offset for one in arrivals] == [0, 2]
    assert arrivals[0].mention is arrivals[1].mention
    assert [(one.record.offset, one.error.code) for one in unreadable] == [
        (1, "not_an_event"),
        (3, "empty"),
    ]
