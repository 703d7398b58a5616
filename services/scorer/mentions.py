"""Which identifiers events carry and claim, and how they stand in the table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.envelope import Event
from shared.errors import PoisonError
from shared.event_types import ALIAS
from shared.identity import ANONYMOUS, USER_ID, Identifier, known_identifiers

MAX_IDENTIFIER_CHARS = 512


class IdentifierRow(NamedTuple):
    """A row of the table identifier."""

    kind: int
    value: str
    since_ms: int
    claimed_ms: int | None
    lead_id: UUID


@dataclass(slots=True, eq=False)
class Mention:
    """The identifiers that an event carries. Events of a batch that carry the same share one.

    names: the known identifiers, the strongest first · aliases: those that an alias event says
    belong to the same person.
    """

    names: list[Identifier]
    anonymous_id: str | None
    aliases: list[Identifier]


# The mentions of a batch, by (user id, email, anonymous id, phone).
Mentions = dict[tuple[str | None, ...], Mention]


def mention_of(event: Event) -> Mention:
    """What an event says of its person. Raises PoisonError if that can't be kept, or is nothing."""
    names = known_identifiers(event.identifiers)
    anonymous_id = event.identifiers.anonymous_id
    if not names and not anonymous_id:
        raise PoisonError("no_identity", "the event names nobody")
    for value in (anonymous_id, *(value for _, value in names)):
        if value and len(value) > MAX_IDENTIFIER_CHARS:
            raise PoisonError("bad_identifier", "an identifier is too long")
        if value and "\0" in value:
            raise PoisonError("bad_text", "an identifier holds the character U+0000")
    return Mention(names, anonymous_id, alias_identifiers(event))


def alias_identifiers(event: Event) -> list[Identifier]:
    """The identifiers that an alias event says belong to the same person as its own."""
    if event.type != ALIAS:
        return []
    previous = event.properties.get("previous_id")
    if not isinstance(previous, str) or not previous:
        return []
    return [(USER_ID, previous), (ANONYMOUS, previous)]


def claimed_anonymous_ids(event: Event) -> list[str]:
    """The anonymous ids on which an event identifies its person."""
    who = event.identifiers
    claimed = [value for kind, value in alias_identifiers(event) if kind == ANONYMOUS]
    if who.anonymous_id and known_identifiers(who):
        claimed.append(who.anonymous_id)
    return claimed


def mentioned_identifiers(mentions: Iterable[Mention]) -> list[Identifier]:
    """Every identifier a batch speaks of, each once."""
    found: set[Identifier] = set()
    for mention in mentions:
        if mention.anonymous_id:
            found.add((ANONYMOUS, mention.anonymous_id))
        found.update(mention.names)
        found.update(mention.aliases)
    return list(found)
