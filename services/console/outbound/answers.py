"""What is asked and answered about destinations and deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.console.answers import Answer, Instant
from shared.outbound.deliveries import Status
from shared.outbound.destinations import GRACE_HOURS, GRACE_MAX_HOURS
from shared.outbound.kinds import Kind

IDS_MAX = 1_000
_Url = Annotated[str, Field(max_length=2_000)]
_Settings = Annotated[
    dict[str, Any],
    Field(
        description="filter {types, journeys, stages, owners, segments, grades}, fields {include "
        "or exclude}, rate; headers of a webhook; to of an email. See docs/destinations.md."
    ),
]
_DryRun = Annotated[bool, Field(description="Check everything, change nothing.")]
_Number = Annotated[int, Field(ge=1, lt=2**63)]


class Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewDestination(Asked):
    """url: of all kinds but email, which has settings.to."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Kind = "webhook"
    url: _Url = ""
    settings: _Settings = {}
    dry_run: _DryRun = False


class Change(Asked):
    """Each entry of settings replaces the one there is; null ends it."""

    url: Annotated[_Url | None, Field()] = None
    settings: _Settings = {}
    dry_run: _DryRun = False


class Rotation(Asked):
    """grace_hours: so long the former secret signs, too."""

    grace_hours: Annotated[float, Field(ge=0, le=GRACE_MAX_HOURS)] = GRACE_HOURS
    dry_run: _DryRun = False


class Disabling(Asked):
    why: Annotated[str, Field(min_length=1, max_length=200)] = "by an operator"


class Again(Asked):
    """Which ended deliveries: by id, or of a destination, or since an instant (all that is given
    must fit). statuses: failed alone, if nothing is said.
    """

    ids: Annotated[list[_Number], Field(min_length=1, max_length=IDS_MAX)] | None = None
    destination: Annotated[str, Field(max_length=100)] | None = None
    since: AwareDatetime | None = None
    statuses: Annotated[
        list[Literal["delivered", "failed", "suppressed"]], Field(min_length=1, max_length=3)
    ] = ["failed"]
    dry_run: _DryRun = False


class Destination(Answer):
    """address: without what may be a secret · secrets: so many sign · state: held: it failed so
    often that it is only probed · settings.headers: names, the values are never told.
    """

    name: str
    kind: str
    address: str
    allow_private: bool
    state: Literal["enabled", "held", "disabled", "unreadable"]
    disabled_why: str | None
    secrets: int
    waiting: int
    created_at: Instant
    settings: dict[str, Any]


class Destinations(Answer):
    items: list[Destination]


class Made(Answer):
    """secret: of a webhook; told this once."""

    destination: str
    secret: str | None
    dry_run: bool


class Tested(Answer):
    """answer: what came back, without a word of what the receiver wrote."""

    ok: bool
    answer: str


class Delivery(Answer):
    """A message for a destination. next_attempt_at: while it waits."""

    id: int
    destination: str
    lead_id: UUID
    message_id: str
    type: str
    status: Status
    attempts: int
    next_attempt_at: Instant | None
    last_answer: str
    created_at: Instant
    ended_at: Instant | None


class Attempt(Answer):
    attempt: int
    at: Instant
    duration_ms: int
    outcome: str
    answer: str


class DeliveryWithAttempts(Delivery):
    made: list[Attempt]


class Deliveries(Answer):
    items: list[Delivery]
    next_cursor: str | None


class Queued(Answer):
    """How many are queued again, or would be."""

    queued: int
    dry_run: bool
