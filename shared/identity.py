"""The kinds of identifiers, as they are numbered in the table identifier."""

from __future__ import annotations

from enum import IntFlag

from shared.envelope import Identifiers

USER_ID, EMAIL, PHONE, EXTERNAL, ANONYMOUS = 1, 2, 3, 4, 5

KIND_NAMES: dict[int, str] = {
    USER_ID: "user_id",
    EMAIL: "email",
    PHONE: "phone",
    EXTERNAL: "external",
    ANONYMOUS: "anonymous_id",
}


class Marks(IntFlag):
    """What resolving must know of an identifier beside whose it is.

    HANGS: it is this lead's only because an event named it together with another that was there
    before, or is stronger · QUARANTINED: too many people share it; it links nobody any more.
    """

    NONE = 0
    HANGS = 1
    QUARANTINED = 2


# (kind, value); an external id's value is "system:id".
Identifier = tuple[int, str]


def known_identifiers(who: Identifiers) -> list[Identifier]:
    """The identifiers that name a person, the strongest first. Empty for an anonymous visitor."""
    found: list[Identifier] = []
    if who.user_id:
        found.append((USER_ID, who.user_id))
    if who.email:
        found.append((EMAIL, who.email))
    if who.phone:
        found.append((PHONE, who.phone))
    if who.external:
        found.extend((EXTERNAL, f"{name}:{who.external[name]}") for name in sorted(who.external))
    return found
