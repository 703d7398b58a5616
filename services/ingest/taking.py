"""Items of other trackers on their way in: each read, normalised, sifted, and all kept at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from services.ingest.edge import arrival_of, edge_of, gpc_of
from services.ingest.keys import Sender
from services.ingest.metrics import PASSED_OVER, REJECTED
from services.ingest.normalise import normalise
from services.ingest.privacy import count_withheld, sift
from services.ingest.protocols.contract import Read
from services.ingest.refusal import Refusal
from shared.envelope import Event

Item = TypeVar("Item")


async def take_items(
    request: Request,
    tracker: str,
    sender: Sender,
    items: Sequence[Item],
    read: Callable[[Item], Read],
) -> list[dict[str, Any]]:
    """Return once Kafka has all that can be kept, with [{"index", "code", "message", "path"}] of
    what can't be read. Raises Refusal: that of the first item when none can be read, or 429.

    tracker: whose items they are, for the counter of those passed over.
    """
    edge, scope = edge_of(request), request.scope
    arrival = arrival_of(scope, edge, sender)
    events: list[Event] = []
    errors: list[dict[str, Any]] = []
    first: Refusal | None = None
    for index, item in enumerate(items):
        try:
            found = read(item)
            if found is None:
                PASSED_OVER.labels(tracker).inc()
            else:
                events.append(normalise(found[1], found[0], arrival, index))
        except Refusal as refusal:
            first = first or refusal
            errors.append({"index": index, **refusal.as_dict()})
    if first is not None and len(errors) == len(items):
        raise first
    for error in errors:
        REJECTED.labels(error["code"]).inc()
    kept, withheld = sift(events, gpc=gpc_of(scope, sender))
    count_withheld(withheld)
    if kept:
        edge.rates.check_events(sender, kept)
        await edge.intake.accept(kept)
    return errors
