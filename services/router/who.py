"""Who a lead is, as far as a receiver may know: identifiers and traits by what it does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.router.messages import Who
from services.router.wording import text_of
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID, Identifier

IDENTIFIERS_MAX = 10  # per kind
ID_MAX = 200  # characters of an id that a sender chose

# Traits that somebody who calls or writes needs; others stay with us.
TRAITS: Final = (
    "name", "first_name", "last_name", "firstName", "lastName", "title", "job_title", "company",
    "industry", "employees", "country", "city", "language", "time_zone", "phone", "website",
)  # fmt: skip
# Who sends content addresses people, and picks language and hour: it calls nobody.
CONTENT_TRAITS: Final = (
    "name", "first_name", "last_name", "firstName", "lastName", "company", "industry", "country",
    "city", "language", "time_zone",
)  # fmt: skip
# By the receiver: kinds of identifiers, and traits.
MAY_SEE: Final[Mapping[str, tuple[frozenset[int], tuple[str, ...]]]] = {
    "sales": (frozenset((EMAIL, PHONE, USER_ID, ANONYMOUS, EXTERNAL)), TRAITS),
    "content": (frozenset((EMAIL, USER_ID, ANONYMOUS, EXTERNAL)), CONTENT_TRAITS),
}


def who_is(
    known: bool, identifiers: Iterable[Identifier], given: Mapping[str, Any], receiver: str
) -> Who:
    """receiver: content or sales · given: the lead's traits."""
    kinds, names = MAY_SEE[receiver]
    by_kind: dict[int, list[str]] = {}
    for kind, value in identifiers:
        values = by_kind.setdefault(kind, [])
        if kind in kinds and len(values) < IDENTIFIERS_MAX:
            values.append(value[:ID_MAX])
    traits: dict[str, str | float | bool] = {}
    for name in names:
        trait: Any = given.get(name)
        if isinstance(trait, bool | int | float):
            traits[name] = trait
        elif name == "phone" and isinstance(trait, str):
            traits[name] = " ".join(trait.split())[:ID_MAX]
        elif text := text_of(trait):
            traits[name] = text
    return Who(
        known=known,
        emails=by_kind.get(EMAIL, []),
        phones=by_kind.get(PHONE, []),
        user_ids=by_kind.get(USER_ID, []),
        anonymous_ids=by_kind.get(ANONYMOUS, []),
        external_ids=by_kind.get(EXTERNAL, []),
        traits=traits,
    )


def least_of(who: Who) -> Who:
    """The first identifier of each kind, and no traits."""
    return Who(
        known=who.known,
        emails=who.emails[:1],
        phones=who.phones[:1],
        user_ids=who.user_ids[:1],
        anonymous_ids=who.anonymous_ids[:1],
        external_ids=who.external_ids[:1],
        traits={},
    )


def called(who: Who) -> str:
    """How people would speak of them: name, what they are, and where; "" without a name."""
    traits = who.traits
    parts = [
        text
        for names in (("first_name", "firstName"), ("last_name", "lastName"))
        if (text := _first(traits, names))
    ]
    name = _first(traits, ("name",)) or " ".join(parts)
    if not name:
        return ""
    title, company = _first(traits, ("title", "job_title")), _first(traits, ("company",))
    told = f"{name}, {title}" if title else name
    return f"{told} at {company}" if company else told


def _first(traits: Mapping[str, str | float | bool], names: tuple[str, ...]) -> str:
    return next((text for name in names if isinstance(text := traits.get(name), str)), "")
