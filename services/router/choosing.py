"""Which messages go to which destinations. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from services.router.cloudevents import TYPES, Message
from shared.outbound.filters import fits, fits_type, looks_inside
from shared.outbound.kinds import Filter


def chosen(filters: Mapping[UUID, Filter], messages: Sequence[Message]) -> list[tuple[UUID, int]]:
    """Pairs of a destination and a message's position, in the order of the messages. Data is read
    only where a filter asks for what is in it.
    """
    inside = any(looks_inside(each) for each in filters.values())
    pairs = []
    for position, message in enumerate(messages):
        name = TYPES[message.kind][1]
        data = msgspec.json.decode(message.data) if inside else {}
        for destination, asked in filters.items():
            if fits(asked, name, data) if looks_inside(asked) else fits_type(asked, name):
                pairs.append((destination, position))
    return pairs
