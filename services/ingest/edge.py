"""What every route shares: the parts it works with, and what it knows of its caller."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from services.ingest.email_links import Links
from services.ingest.handling import Handling
from services.ingest.imports.uploads import Uploads
from services.ingest.intake import Intake
from services.ingest.keys import Keys, Sender
from services.ingest.normalise import Arrival
from services.ingest.privacy import gpc_signal
from services.ingest.providers.replays import Replays
from services.ingest.providers.visits import Visits
from services.ingest.rates import UNLIMITED, Rates
from services.ingest.sources import Sources
from services.ingest.verdicts import NO_NETWORKS, Networks, machine_of
from shared.settings import Settings


def utc_now() -> datetime:
    """Now, cut to milliseconds."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts that the routes work with; found from a request by `edge_of`."""

    settings: Settings
    intake: Intake
    keys: Keys
    sources: Sources
    origins: frozenset[str] | None
    handling: Handling
    links: Links
    rates: Rates = UNLIMITED
    networks: Networks = NO_NETWORKS
    now: Callable[[], datetime] = utc_now
    replays: Replays = field(default_factory=Replays)
    visits: Visits = field(default_factory=Visits)
    uploads: Uploads = field(default_factory=Uploads)


def edge_of(request: Request) -> Edge:
    edge: Edge = request.scope["app"].state.edge
    return edge


def header(scope: Scope, name: bytes) -> bytes:
    """The first header of that (lower-case) name, or b""."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def address_of(scope: Scope) -> str:
    """The peer's address; behind proxies in FORWARDED_ALLOW_IPS what they say (by uvicorn)."""
    client = scope.get("client")
    return client[0] if client else ""


def arrival_of(
    scope: Scope,
    edge: Edge,
    sender: Sender,
    sent_at: str | int | float | None = None,
    context: dict[str, Any] | None = None,
) -> Arrival:
    """What is known of this request, for `normalise`."""
    address = address_of(scope)
    return Arrival(
        source=sender.name,
        public=sender.public,
        received_at=edge.now(),
        request_id=os.urandom(12).hex(),
        user_agent=header(scope, b"user-agent").decode("latin-1"),
        ip=address,
        machine=machine_of(scope["headers"], address, edge.networks) if sender.public else "",
        sent_at=sent_at,
        context=context or {},
        handling=edge.handling,
    )


def gpc_of(scope: Scope, sender: Sender) -> bool:
    """Does the browser ask not to be tracked? Servers speak for nobody's browser."""
    return sender.public and gpc_signal(scope["headers"])
