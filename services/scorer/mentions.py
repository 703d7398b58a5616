"""Which identifiers events carry and claim, and how they stand in the table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import msgspec

from shared.envelope import Event, Identifiers
from shared.erasure_order import is_erasure, read_erasure_order
from shared.errors import PoisonError
from shared.event_types import ALIAS, LEADS_MERGED, LEADS_UNMERGED, OPERATOR
from shared.identity import ANONYMOUS, USER_ID, Identifier, known_identifiers

MAX_IDENTIFIER_CHARS = 512
_HASH = re.compile("[0-9a-f]{32}")


class IdentifierRow(NamedTuple):
    """A row of the table identifier, without its origin. marks: shared.identity.Marks."""

    kind: int
    value: str
    since_ms: int
    claimed_ms: int | None
    lead_id: UUID
    marks: int = 0


class Apart(NamedTuple):
    """An operator took a merge back: keyed hashes (hex) of the identifiers of either side."""

    these: frozenset[str]
    those: frozenset[str]


@dataclass(slots=True, eq=False)
class Mention:
    """The identifiers that an event carries. Events of a batch that carry the same share one.

    names: the known identifiers, the strongest first · aliases: those that an alias or an operator
    says belong to the same person · apart: whom an operator says are two.
    """

    names: list[Identifier]
    anonymous_id: str | None
    aliases: list[Identifier]
    apart: Apart | None = None


# What an order to erase a person carries: it stands in no batch.
ERASURE = Mention([], None, [])

# The mentions of a batch, by (user id, email, anonymous id, phone).
Mentions = dict[tuple[str | None, ...], Mention]


def mention_of(event: Event) -> Mention:
    """What an event says of its person. Raises PoisonError if that can't be kept, or is nothing."""
    if is_erasure(event):
        read_erasure_order(event)
        return ERASURE
    if event.type == LEADS_MERGED and event.source == OPERATOR:
        mention = _merged(event)
    else:
        who = event.identifiers
        mention = Mention(known_identifiers(who), who.anonymous_id, _aliases(event), _apart(event))
    if not mention.names and not mention.anonymous_id:
        raise PoisonError("no_identity", "the event names nobody")
    for value in (mention.anonymous_id, *(value for _, value in mention.names + mention.aliases)):
        if value and len(value) > MAX_IDENTIFIER_CHARS:
            raise PoisonError("bad_identifier", "an identifier is too long")
        if value and "\0" in value:
            raise PoisonError("bad_text", "an identifier holds the character U+0000")
    return mention


def _aliases(event: Event) -> list[Identifier]:
    """The identifiers that an alias event says belong to the same person as its own."""
    if event.type != ALIAS:
        return []
    previous = event.properties.get("previous_id")
    if not isinstance(previous, str) or not previous:
        return []
    return [(USER_ID, previous), (ANONYMOUS, previous)]


def _merged(event: Event) -> Mention:
    """An operator says that two leads are one person, each by its strongest identifier. One of
    them has a name: it is that person's event.
    """
    try:
        other = msgspec.convert(event.properties.get("same_as"), Identifiers)
    except msgspec.ValidationError as error:
        raise PoisonError("bad_merge", f"same_as: {error}") from None
    sides = [(known_identifiers(who)[:1], who.anonymous_id) for who in (event.identifiers, other)]
    sides.sort(key=lambda side: not side[0])
    (names, _), (other_names, visitor) = sides
    if not names or not (other_names or visitor):
        raise PoisonError("bad_merge", "two visitors without a name can't be one person")
    return Mention(names, None, other_names or [(ANONYMOUS, str(visitor))])


def _apart(event: Event) -> Apart | None:
    if event.type != LEADS_UNMERGED or event.source != OPERATOR:
        return None
    try:
        these, those = msgspec.convert(
            event.properties.get("apart"), tuple[frozenset[str], frozenset[str]]
        )
    except msgspec.ValidationError as error:
        raise PoisonError("bad_unmerge", f"apart: {error}") from None
    if any(not _HASH.fullmatch(one) for one in these | those):
        raise PoisonError("bad_unmerge", "apart: hashes are 32 hexadecimal digits")
    return Apart(these, those)


def claimed_anonymous_ids(mention: Mention) -> list[str]:
    """The anonymous ids on which an event identifies its person."""
    if not mention.names:
        return []
    claimed = [value for kind, value in mention.aliases if kind == ANONYMOUS]
    if mention.anonymous_id:
        claimed.append(mention.anonymous_id)
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
