"""Random people with random names on random browsers, and what operators say of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.envelope import Event, Identifiers
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, USER_ID
from shared.ids import identifier_hash
from tests.oracle.people import Name, Tale

HASH_KEY = b"a key for tests only, 32 bytes.."
START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
KINDS = ("page_viewed", "page_viewed", "email_clicked", "content_downloaded", "lead_identified")
PEOPLE = ("ann", "bob", "cy")
BROWSERS = ("desk", "phone")
NUMBERS = {"user_id": USER_ID, "email": EMAIL, "external": EXTERNAL, "anonymous_id": ANONYMOUS}


def hash_of(name: tuple[str, str]) -> str:
    """What operators' orders call a name."""
    return identifier_hash(HASH_KEY, NUMBERS[name[0]], name[1]).hex()


def story(dice: random.Random, *, prefix: str = "") -> list[Event]:
    """Some events within an hour, about people who share browsers and names; and merges that an
    operator takes back, who saw what had happened until then. prefix: of all names, so that several
    stories can be told in one database.
    """
    events = [_event(dice, number, prefix) for number in range(dice.randint(4, 16))]
    for number in range(dice.choice((0, 1, 1, 2))):
        minute = dice.randint(20, 45)
        taken_back = _taken_back(dice, events, minute, f"{prefix}back{number}")
        events += [taken_back] if taken_back else []
    return events


def _taken_back(
    dice: random.Random, events: list[Event], minute: int, event_id: str
) -> Event | None:
    """An operator looks at all that happened up to a minute, and takes a person, or a browser, out
    of whom they were joined with.
    """
    at = START + timedelta(minutes=minute, seconds=30)
    seen = Tale([event for event in events if event.occurred_at <= at], hash_of)
    choices: list[tuple[list[Name], list[Name]]] = []
    for home in seen.households:
        whole = home | seen.browsers_of(home)
        parts = [one for one in seen.before_joins if one < home]
        parts += [{browser} for browser in seen.browsers_of(home)]
        for part in parts:
            these = part | (seen.browsers_of(part) if len(part) > 1 else set())
            if these < whole:
                choices.append((sorted(these), sorted(whole - these)))
    if not choices:
        return None
    these, those = dice.choice(sorted(choices))
    kind, value = min(these, key=lambda name: (NUMBERS[name[0]], name[1]))
    who = {"external": dict([value.split(":")])} if kind == "external" else {kind: value}
    apart = [sorted(map(hash_of, these)), sorted(map(hash_of, those))]
    return Event(
        id=event_id, source="operator", type="leads_unmerged", occurred_at=at, received_at=at,
        identifiers=Identifiers(**who), properties={"apart": apart, "actor": "eve"},
    )  # fmt: skip


def _event(dice: random.Random, number: int, prefix: str) -> Event:
    share = dice.random()
    if share < 0.12:
        kind, who, properties = _alias(dice, prefix)
    elif share < 0.2:
        kind, who, properties = _merge(dice, prefix)
    else:
        kind, who = dice.choice(KINDS), _who(dice, prefix)
        properties = {"content_id": dice.choice("xy")}
    # No two in one millisecond: of two people who identify on a browser in the same, only the last
    # by position leaves a row, so an order that takes its claim back can't find the other.
    at = START + timedelta(minutes=dice.randint(0, 40), milliseconds=number)
    return Event(
        id=f"{prefix}{number}", source="operator" if kind.startswith("leads_") else "web",
        type=kind, occurred_at=at, received_at=at, identifiers=Identifiers(**who),
        properties=properties,
        traits={"title": dice.choice(["chief", "clerk"])} if kind == "lead_identified" else {},
    )  # fmt: skip


def _who(dice: random.Random, prefix: str) -> dict[str, Any]:
    """Mostly a person's own names; now and then, somebody else's."""
    person = dice.choice(PEOPLE)
    other = person if dice.random() < 0.8 else dice.choice(PEOPLE)
    who: dict[str, Any] = {}
    if dice.random() < 0.4:
        who["user_id"] = prefix + person
    if dice.random() < 0.4:
        who["email"] = f"{prefix}{other}@x.example"
    if dice.random() < 0.15:
        who["external"] = {"crm": prefix + other}
    if dice.random() < 0.5 or not who:
        who["anonymous_id"] = prefix + dice.choice(BROWSERS)
    return who


def _alias(dice: random.Random, prefix: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    one, other = dice.sample([*PEOPLE, *BROWSERS, "newcomer"], 2)
    return "lead_aliased", {"user_id": prefix + one}, {"previous_id": prefix + other}


def _merge(dice: random.Random, prefix: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """An operator says that two are one; one of them has a name."""
    names = [("user_id", prefix + one) for one in PEOPLE]
    names += [("email", f"{prefix}{one}@x.example") for one in PEOPLE]
    one = dice.choice(names)
    browsers = [("anonymous_id", prefix + browser) for browser in BROWSERS]
    other = dice.choice([name for name in names if name != one] + browsers)
    sides = [one, other]
    dice.shuffle(sides)
    who, same_as = ({kind: value} for kind, value in sides)
    return "leads_merged", who, {"same_as": same_as, "actor": "eve"}
