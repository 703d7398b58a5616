"""Stored bodies: packed small, opened as they were."""

import pytest
import zstandard

from shared.bodies import MAX_BODY_BYTES, open_body, pack_body
from shared.body_samples import sample_events
from shared.envelope import encode_event


def test_a_body_opens_as_it_was_packed() -> None:
    """Whatever went in comes out, and events of other seeds than the training's get small."""
    bodies = [encode_event(event) for event in sample_events(200, seed=77)]
    packed = [pack_body(body) for body in bodies]
    assert [open_body(each) for each in packed] == bodies
    assert sum(map(len, packed)) < 0.6 * sum(map(len, bodies))


def test_plain_json_is_read_too() -> None:
    """A body that was stored without packing is given back."""
    assert open_body(b'{"v":1}') == b'{"v":1}'


def test_a_frame_that_grows_without_bound_is_refused() -> None:
    """A damaged or hostile frame can't fill the memory."""
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(b"0" * 4 * MAX_BODY_BYTES)
    with pytest.raises(zstandard.ZstdError):
        open_body(bomb)
