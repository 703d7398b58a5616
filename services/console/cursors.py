"""Cursors of paginated lists: opaque to callers, and checked when they come back."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

import msgspec

from services.console.refusals import RefusedError

# Numbers in cursors are milliseconds and sequence numbers: both lie far below.
MAX_NUMBER = 2**53


def write_cursor(*place: int | str) -> str:
    """The place after which the next page starts, as URL-safe text."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type) -> list[int | str]:
    """The place a cursor stands for. Raises RefusedError if this API didn't write it."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.msgpack.decode(raw, type=list[int | str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        place = []
    numbers = [part for part in place if isinstance(part, int)]
    if [type(part) for part in place] != list(kinds) or any(
        not 0 <= number < MAX_NUMBER for number in numbers
    ):
        raise _refused()
    return place


def uuid_of(part: int | str) -> UUID:
    """A part of a cursor that is a lead's or event's id. Raises RefusedError if it isn't."""
    try:
        return UUID(str(part))
    except ValueError:
        raise _refused() from None


def _refused() -> RefusedError:
    return RefusedError(
        400, "invalid_cursor", "the cursor is not one that this API gave", "query.cursor"
    )
