"""Searching every byte of files for words, in whatever form they may stand there."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import zstandard

from shared.bodies import open_body

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Bodies of events in tests are far shorter when packed.
LONGEST_FRAME = 16_384


def files_with(words: Iterable[str], folders: Iterable[Path]) -> dict[str, list[str]]:
    """Which files hold each word, whatever the case: as text, in UTF-16, in base64, or in packed
    bodies. Words that are nowhere are missing. A file that goes away meanwhile is gone.
    """
    texts = {word: _texts(word) for word in words}
    codes = {word: _base64(word) for word in texts}
    found: dict[str, list[str]] = {}
    for file in sorted(path for folder in folders for path in _files(folder)):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        lowered = b"\n".join([content, *_frames(content)]).lower()
        for word in texts:
            if any(one in lowered for one in texts[word]) or any(
                one in content for one in codes[word]
            ):
                found.setdefault(word, []).append(str(file))
    return found


def _texts(word: str) -> list[bytes]:
    return [word.encode(code).lower() for code in ("utf-8", "utf-16-le", "utf-16-be")]


def _base64(word: str) -> set[bytes]:
    """What is sure of it wherever it begins: the first and the last characters depend on what
    stands beside it.
    """
    return {
        encode(b"\0" * shift + word.encode())[4:-4]
        for shift in range(3)
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
    }


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _frames(content: bytes) -> list[bytes]:
    """Every zstd frame that can be opened, with the dictionaries of stored bodies."""
    opened = []
    at = content.find(ZSTD_MAGIC)
    while at >= 0:
        # What can't be opened is chance, or the rest of one that was overwritten.
        with suppress(zstandard.ZstdError):
            opened.append(open_body(content[at : at + LONGEST_FRAME]))
        at = content.find(ZSTD_MAGIC, at + 1)
    return opened
