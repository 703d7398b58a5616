"""What speaks for two leads being one person, and how much."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.console.duplicates.likeness import LEAST, SIGNALS, blocks_of, likeness
from services.console.duplicates.profile import Profile, profile_of
from shared.identity import EMAIL, PHONE, USER_ID


def person(number: int, *emails: str, phone: str = "", user_id: str = "", **traits: Any) -> Profile:
    names = [(EMAIL, email) for email in emails]
    names += [(PHONE, phone)] if phone else []
    names += [(USER_ID, user_id)] if user_id else []
    return profile_of(UUID(int=number), names, traits)


ACME = {"name": "Ada Lovelace", "company": "Acme GmbH"}
PAIRS = {
    "a phone number written otherwise": (
        person(1, "a@x.example", phone="+4915112345678"),
        person(2, "b@y.example", phone_number="0151 1234 5678"),
        ("phone",),
    ),
    "dots, tags and another name of a domain": (
        person(1, "ada.lovelace+news@gmail.com"),
        person(2, "adalovelace@googlemail.com"),
        ("address",),
    ),
    "a typing error in a large domain": (
        person(1, "ada@gmial.com"), person(2, "ada@gmail.com"), ("address",)
    ),
    "name and company": (
        person(1, "ada@acme.example", **ACME),
        person(2, "al@private.example", name="LOVELACE, Ada", company="ACME"),
        ("name_same", "company_same"),
    ),
    "a name, and addresses at one company": (
        person(1, "ada@acme.example", name="Ada Lovelace"),
        person(2, "a.lovelace@acme.example", name="Ada Lovelace"),
        ("name_same", "employer"),
    ),
    "an accent, a company as an object": (
        person(1, "r@x.example", name="Renée Müller-Lang", company={"name": "Soleil SA"}),
        person(2, "s@y.example", first_name="Renee", last_name="Muller Lang", company="Soleil"),
        ("name_same", "company_same"),
    ),
    "name and birthday": (
        person(1, "a@x.example", name="Ada Lovelace", birthday="1815-12-10"),
        person(2, "b@y.example", name="Ada Lovelace", birthday="1815-12-10"),
        ("name_same", "birthday"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_these_are_worth_a_look(pair: tuple[Profile, Profile, tuple[str, ...]]) -> None:
    """Whichever of them comes first; and they have a block in common, so they are compared."""
    one, other, signals = pair
    found = likeness(one, other)
    assert (found.signals, found.score >= LEAST) == (signals, True)
    assert likeness(other, one) == found
    assert blocks_of(one) & blocks_of(other)


STRANGERS = {
    "a name alone": (person(1, "a@x.example", name="Ada Lovelace"),
                     person(2, "b@y.example", name="Ada Lovelace")),
    "colleagues": (person(1, "ada@acme.example", **ACME),
                   person(2, "bob@acme.example", name="Bob Byron", company="Acme GmbH")),
    "a name at a free mail provider": (person(1, "ada@gmail.com", name="Ada Lovelace"),
                                       person(2, "lovelace@gmail.com", name="Ada Lovelace")),
    "a phone number that nobody has": (person(1, "a@x.example", phone_number="000 000 0000"),
                                       person(2, "b@y.example", phone_number="000 000 0000")),
    "mailboxes of a role": (person(1, "info@acme.example"), person(2, "info@bcme.example")),
    "a real domain that looks like another": (
        person(1, "ada@gmx.de"), person(2, "ada@gmx.at")
    ),
    "colleagues of one birthday": (
        person(1, "a@x.example", birthday="2001-02-03", company="Acme"),
        person(2, "b@y.example", birthday="2001-02-03", company="Acme"),
    ),
    "father and son": (
        person(1, "a@x.example", name="Jon Snow", company="Wall", birthday="1950-01-01"),
        person(2, "b@y.example", name="Jon Snow", company="Wall", birthday="1990-01-01"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", STRANGERS.values(), ids=STRANGERS.keys())
def test_these_are_not(pair: tuple[Profile, Profile]) -> None:
    """What many have in common says little, and what differs says something, too."""
    assert likeness(*pair).score < LEAST


def test_two_accounts_speak_against_it() -> None:
    """Whoever made them took them for two."""
    one, other = person(1, phone="+4915112345678"), person(2, phone="+4915112345678")
    accounts = (person(1, phone="+4915112345678", user_id="u1"),
                person(2, phone="+4915112345678", user_id="u2"))  # fmt: skip
    assert likeness(*accounts).score < likeness(one, other).score == SIGNALS["phone"][0]
