"""How likely two leads are one person, and why: a table of signals. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from services.console.duplicates.profile import ROLES, Profile

# Pairs below it are not worth a look.
LEAST = 0.55
# Two user ids: whoever made the accounts took them for two.
TWO_ACCOUNTS = 0.85
OTHER_BIRTHDAY = 0.3
ALIKE, SAME = 88.0, 97.0
LEAST_LOCAL = 5

# Signal → how much it says alone, and its words. Several say more: what all of them leave open is
# multiplied.
SIGNALS: dict[str, tuple[float, str]] = {
    "phone": (0.75, "the same phone number"),
    "address": (0.85, "addresses that differ in dots, tags or a typing error of the domain alone"),
    "local_part": (0.35, "the same name before the @ at two domains"),
    "name_same": (0.5, "the same name"),
    "name_alike": (0.4, "names that are alike"),
    "company_same": (0.4, "the same company"),
    "company_alike": (0.25, "companies that are alike"),
    "employer": (0.4, "addresses at one company's domain"),
    "birthday": (0.5, "the same birthday"),
    "postal": (0.4, "the same postal address"),
}
# These say something of two people of one name only: colleagues, families, twins.
_WITH_A_NAME = frozenset({"company_same", "company_alike", "employer", "birthday", "postal"})


@dataclass(frozen=True, slots=True)
class Likeness:
    """score: 0 to 1 · signals: names in SIGNALS."""

    score: float
    signals: tuple[str, ...]


def likeness(one: Profile, other: Profile) -> Likeness:
    """Symmetric: who is one and who other is nothing."""
    found = list(_signals(one, other))
    named = any(signal.startswith("name_") for signal in found)
    signals = [signal for signal in found if named or signal not in _WITH_A_NAME]
    left_open = 1.0
    for signal in signals:
        left_open *= 1 - SIGNALS[signal][0]
    score = 1 - left_open
    if one.user_ids and other.user_ids:
        score *= TWO_ACCOUNTS
    if one.birthday and other.birthday and one.birthday != other.birthday:
        score *= OTHER_BIRTHDAY
    return Likeness(round(score, 3), tuple(signals))


def _signals(one: Profile, other: Profile) -> Iterator[str]:
    if one.phones & other.phones:
        yield "phone"
    if one.emails & other.emails:
        yield "address"
    elif any(_says_a_person(local) for local in one.as_written & other.as_written):
        yield "local_part"
    yield from _alike("name", one.name, other.name)
    companies = list(_alike("company", one.company, other.company))
    if one.employers & other.employers and "company_same" not in companies:
        companies = ["employer"]  # instead, or one thing would be said twice
    yield from companies
    if one.birthday and one.birthday == other.birthday:
        yield "birthday"
    if one.postal and one.postal == other.postal:
        yield "postal"


def _says_a_person(local: str) -> bool:
    return len(local) >= LEAST_LOCAL and local not in ROLES


def _alike(what: str, one: str, other: str) -> Iterator[str]:
    if not one or not other:
        return
    likeness = fuzz.token_sort_ratio(one, other)
    if likeness >= SAME:
        yield f"{what}_same"
    elif likeness >= ALIKE:
        yield f"{what}_alike"


def blocks_of(profile: Profile) -> set[str]:
    """Leads that share none of these are never compared."""
    found = {f"phone {phone}" for phone in profile.phones}
    found |= {f"address {local}@{domain}" for local, domain in profile.emails}
    found |= {f"local {local}" for local in profile.as_written if _says_a_person(local)}
    if profile.name:
        words = sorted(profile.name.split())
        initials = "".join(word[0] for word in words)
        for beside in (
            profile.company[:4], profile.birthday, profile.postal, *profile.employers
        ):  # fmt: skip
            if beside:
                found |= {f"name {word[:4]} {initials} {beside}" for word in words}
    return found
