"""Event bodies as they are stored: zstd frames of the envelope's JSON.

An envelope is small and repeats what all others say, so it is packed with a dictionary. A frame
names its dictionary; plain JSON is read, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import zstandard

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_FOLDER = Path(__file__).with_name("body_dictionaries")
# The newest packs; all of them open. Never take one away that bodies were packed with.
_DICTIONARIES = {
    made.dict_id(): made
    for made in (
        zstandard.ZstdCompressionDict(path.read_bytes())
        for path in sorted(_FOLDER.glob("*.dict"), key=lambda path: int(path.stem))
    )
}
_LEVEL = 1
_NEWEST = list(_DICTIONARIES.values())[-1]


class _Openers(threading.local):
    """Decompressors by dictionary, for each thread its own: they can't be shared."""

    def __init__(self) -> None:
        self.by_dictionary = {
            number: zstandard.ZstdDecompressor(dict_data=made)
            for number, made in _DICTIONARIES.items()
        }
        self.plain = zstandard.ZstdDecompressor()


_openers = _Openers()
_NEWEST.precompute_compress(level=_LEVEL)
_compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_NEWEST, write_checksum=False)
# Far above what ingest lets in (32 KB an event): a guard against a damaged frame.
MAX_BODY_BYTES = 1_048_576


# The body as it is stored. Not for several threads at once.
pack_body: Callable[[bytes], bytes] = _compressor.compress


def open_body(stored: bytes) -> bytes:
    """The envelope's JSON. Raises zstandard.ZstdError when a frame is damaged, or needs a
    dictionary that isn't here.
    """
    if stored[:4] != _ZSTD_MAGIC:
        return stored
    number = zstandard.get_frame_parameters(stored).dict_id
    decompressor = _openers.by_dictionary.get(number, _openers.plain)
    return decompressor.decompress(stored, max_output_size=MAX_BODY_BYTES)
