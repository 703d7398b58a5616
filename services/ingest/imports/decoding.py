"""Bytes of a file as text: by its byte order mark, by what it is said to be, else UTF-8."""

from __future__ import annotations

import codecs
from typing import Final

from services.ingest.refusal import invalid

# A byte that can't be read becomes this; rows that hold it are refused, the others are taken.
UNREADABLE: Final = "\udcff"
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4
# Encodings that programs write tables in. Not all that Python knows: some of them are programs.
ENCODINGS: Final = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "ascii",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1257", "iso8859-1", "iso8859-2",
    "iso8859-15", "mac-roman", "koi8-r", "shift_jis", "euc_jp", "euc_kr", "big5", "gb18030",
)  # fmt: skip
_ALLOWED = {codecs.lookup(name).name: name for name in ENCODINGS}
# What a file is read as that isn't UTF-8 and where nobody says what it is.
OFTEN: Final = "cp1252"


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, max(error.end, error.start + 1)


codecs.register_error("leadscore.unreadable", _mark_unreadable)


def encoding_named(name: str) -> str:
    """The codec of a name such as UTF-8, windows-1252, latin1. Raises Refusal (400)."""
    try:
        return _ALLOWED[codecs.lookup(name.strip()).name]
    except (LookupError, ValueError):
        raise invalid(
            "encoding_unknown", f"An encoding is one of {', '.join(ENCODINGS)}.", "encoding"
        ) from None


class TextFeed:
    """Text out of bytes that come in pieces. A byte order mark counts more than what was said."""

    def __init__(self, encoding: str = "") -> None:
        self._encoding = encoding_named(encoding) if encoding else "utf-8"
        self._decoder: codecs.IncrementalDecoder | None = None
        self._first = b""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        if self._decoder is None:
            self._first += data
            if len(self._first) < _LONGEST_MARK and not final:
                return ""
            data, self._first = self._begin(self._first), b""
            assert self._decoder is not None
        return self._decoder.decode(data, final)

    def _begin(self, first: bytes) -> bytes:
        """Choose the decoder; the first bytes without their mark."""
        encoding = self._encoding
        for mark, marked in _MARKS:
            if first.startswith(mark):
                encoding, first = marked, first[len(mark) :]
                break
        else:
            if encoding in ("utf-16", "utf-32"):
                encoding += "-le"  # Windows writes it so; Python insists on a mark
        self._decoder = codecs.getincrementaldecoder(encoding)("leadscore.unreadable")
        return first
