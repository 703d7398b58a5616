"""An order to erase a person: there and back, and what isn't one."""

from uuid import UUID

import msgspec
import pytest

from shared.envelope import decode_event, encode_event
from shared.erasure_order import (
    ErasureOrder,
    erasure_event,
    erasure_key,
    is_erasure,
    read_erasure_order,
)
from shared.errors import PoisonError

ORDER = ErasureOrder(
    UUID(int=1), (UUID(int=2), UUID(int=3)), (b"h" * 16, b"i" * 16), b"p" * 16, 1777885200250,
    "eve", "ticket 7",
)  # fmt: skip


def test_an_order_is_read_as_it_was_written() -> None:
    """Through the bytes of a record; it names nobody."""
    event = decode_event(encode_event(erasure_event(ORDER)))
    assert is_erasure(event)
    assert read_erasure_order(event) == ORDER


def test_only_the_operator_can_order_it() -> None:
    """No sender outside has that source."""
    assert not is_erasure(msgspec.structs.replace(erasure_event(ORDER), source="web"))


@pytest.mark.parametrize(
    "over",
    [
        {"leads": ["x"]},
        {"hashes": ["68"]},
        {"hashes": ["no hexadecimal digits"]},
        {"person": None},
        {"leads": None},
    ],
)
def test_what_is_no_order_is_poison(over: dict[str, object]) -> None:
    """It goes to the dead letter, not round and round."""
    event = erasure_event(ORDER)
    broken = msgspec.structs.replace(event, properties=event.properties | over)
    with pytest.raises(PoisonError):
        read_erasure_order(broken)


def test_the_records_key_depends_on_the_lead_and_the_hash_key() -> None:
    """Without leads, on the person."""
    keys = {
        erasure_key(b"k" * 16, ORDER),
        erasure_key(b"j" * 16, ORDER),
        erasure_key(b"k" * 16, ErasureOrder(UUID(int=1), (), (), b"p" * 16, 0)),
    }
    assert len(keys) == 3
    assert {len(key) for key in keys} == {16}
