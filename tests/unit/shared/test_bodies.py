"""Stored bodies: packed small, opened as they were."""

from concurrent.futures import ThreadPoolExecutor

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


def test_bodies_are_opened_by_several_threads_at_once() -> None:
    """The read API opens bodies in threads; a decompressor that two of them share would crash."""
    bodies = [encode_event(event) for event in sample_events(100, seed=78)]
    packed = [pack_body(body) for body in bodies] * 20
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: [open_body(each) for each in packed], range(4)))
    assert opened == [bodies * 20] * 4
