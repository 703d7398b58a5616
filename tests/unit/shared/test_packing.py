"""How record batches are packed."""

import random

from aiokafka import codec

import shared.bus  # noqa: F401 - sets the level


def test_batches_are_packed_at_the_fast_level() -> None:
    """The library's own default is lz4's slow one; the same bytes come out again either way."""
    words = random.Random(7)
    payload = " ".join(str(words.randrange(10_000)) for _ in range(5000)).encode()
    assert codec.lz4_encode(payload) == codec.lz4_encode(payload, 1)
    assert codec.lz4_encode(payload) != codec.lz4_encode(payload, 9)
    assert codec.lz4_decode(codec.lz4_encode(payload)) == payload
