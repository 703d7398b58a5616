"""Event bodies: JSON and zstd frames are told apart by their first bytes."""

import pytest
import zstandard

from shared.bodies import open_body

JSON = b'{"id":"m1","source":"web"}'


def test_json_is_given_back_as_it_is() -> None:
    """A body that starts with a brace is the event itself."""
    assert open_body(JSON) == JSON


def test_a_zstd_frame_is_opened() -> None:
    """A body that starts with the zstd magic bytes is decompressed."""
    assert open_body(zstandard.compress(JSON)) == JSON


@pytest.mark.parametrize("body", [b"", b"plain", zstandard.ZstdCompressor().compress(JSON)[:-3]])
def test_anything_else_is_an_error(body: bytes) -> None:
    """Bytes that are neither are never taken for an event."""
    with pytest.raises(ValueError, match="event body"):
        open_body(body)
