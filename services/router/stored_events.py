"""Reading what is stored: data that isn't as it should be harms only what needs it."""

from __future__ import annotations

import msgspec

from services.router.metrics import EVENTS_UNREADABLE
from shared.bodies import open_body
from shared.envelope import Event, decode_event
from shared.errors import PoisonError

# What work on stored data may raise where that isn't as it should be.
DATA_ERRORS = (PoisonError, ValueError, TypeError, LookupError, ArithmeticError)


def readable_event(body: bytes) -> Event | None:
    """None, and counted, when it can't be read: one action less is better than nothing at all."""
    try:
        return decode_event(open_body(body))
    except (msgspec.MsgspecError, ValueError):
        EVENTS_UNREADABLE.inc()
        return None
