"""Who is who, from all that was ever said: names and anonymous ids shared out to people. Pure.

The resolver keeps the table of identifiers up to date event by event. Where an event comes too
late for that (it names somebody before what was known of them), or an operator takes a merge back,
the leads concerned are shared out again from their events, by this:

- In order of occurrence, an event's names that nobody has go to the owner of its strongest name
  that has one; if none has, they make a person.
- An alias, or an operator, joins the people of two names, until it is taken back: of each pair of
  names the last word counts.
- An anonymous id is, from each claim to the next, the claimant's; before the first, the first's.
  Once more people than a limit have claimed it, it is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.scorer.mentions import Apart, Mention, claimed_anonymous_ids
from shared.identity import ANONYMOUS, Identifier
from shared.lead_state import Position

# A person, while being shared out.
Person = int


class Deed(NamedTuple):
    """What one event says of identities."""

    position: Position
    mention: Mention


class Parting(NamedTuple):
    """An operator's word that two are not one."""

    position: Position
    apart: Apart


class Birth(NamedTuple):
    """When a name was first seen. hangs: it came with another name, which was there before, or is
    stronger.
    """

    at_ms: int
    hangs: bool


class Stretch(NamedTuple):
    """From this instant on an anonymous id is this person's; None: nobody's."""

    since_ms: int
    person: Person | None


@dataclass(slots=True)
class Shares:
    """Who has what. given: people whose lead is fixed · births: of the names that were shared out ·
    stretches: by anonymous id, at least one each · first_claims: by anonymous id.
    """

    person_of: dict[Identifier, Person] = field(default_factory=dict)
    given: dict[Person, UUID] = field(default_factory=dict)
    births: dict[Identifier, Birth] = field(default_factory=dict)
    stretches: dict[str, list[Stretch]] = field(default_factory=dict)
    first_claims: dict[str, int] = field(default_factory=dict)
    quarantined_ms: dict[str, int] = field(default_factory=dict)


class _Claim(NamedTuple):
    position: Position
    name: Identifier


Pair = tuple[Identifier, Identifier]


class Sharing:
    """Shares names and anonymous ids out. `hash_of`: an identifier's keyed hash, as hex."""

    def __init__(
        self,
        given: Mapping[Identifier, UUID],
        anonymous_ids: Iterable[str],
        most_people: int,
        hash_of: Callable[[Identifier], str],
    ) -> None:
        self._shares = Shares()
        self._most_people = most_people
        self._hash_of = hash_of
        self._joined: dict[Pair, bool] = {}
        self._claims: dict[str, list[_Claim]] = {one: [] for one in anonymous_ids}
        self._people = 0
        persons: dict[UUID, Person] = {}
        for name, lead_id in given.items():
            if lead_id not in persons:
                persons[lead_id] = self._new_person()
                self._shares.given[persons[lead_id]] = lead_id
            self._shares.person_of[name] = persons[lead_id]

    def share_out(
        self,
        deeds: Iterable[Deed],
        partings: Iterable[Parting],
        quarantined_ms: Mapping[str, int],
    ) -> Shares:
        """quarantined_ms: anonymous ids that were nobody's from an instant on already."""
        words: list[Deed | Parting] = [*deeds, *partings]
        for word in sorted(words, key=lambda word: word.position):
            if isinstance(word, Parting):
                self._part(word.apart)
            else:
                self._hear(word)
        self._unite()
        for anonymous_id in self._claims:
            self._stretch(anonymous_id, quarantined_ms.get(anonymous_id))
        return self._shares

    def _new_person(self) -> Person:
        self._people += 1
        return self._people

    def _hear(self, deed: Deed) -> None:
        mention = deed.mention
        if not mention.names:
            return
        self._bear(mention.names, deed.position[0])
        strongest = mention.names[0]
        for alias in mention.aliases:
            if alias[0] != ANONYMOUS:
                self._bear([alias], deed.position[0])
                self._joined[_pair(strongest, alias)] = True
        for anonymous_id in claimed_anonymous_ids(mention):
            if anonymous_id in self._claims:
                self._claims[anonymous_id].append(_Claim(deed.position, strongest))

    def _bear(self, names: list[Identifier], at_ms: int) -> None:
        person_of, births = self._shares.person_of, self._shares.births
        person = next((person_of[name] for name in names if name in person_of), None)
        alone = person is None
        if person is None:
            person = self._new_person()
        for name in names:
            if name not in person_of:
                person_of[name] = person
                births[name] = Birth(at_ms, hangs=not (alone and name == names[0]))

    def _part(self, apart: Apart) -> None:
        """What was said of these and those until now is void."""

        def across(one: Identifier, other: Identifier) -> bool:
            a, b = self._hash_of(one), self._hash_of(other)
            return (a in apart.these and b in apart.those) or (
                b in apart.these and a in apart.those
            )

        for pair in self._joined:
            if across(*pair):
                self._joined[pair] = False
        for anonymous_id, claims in self._claims.items():
            browser = (ANONYMOUS, anonymous_id)
            self._claims[anonymous_id] = [one for one in claims if not across(browser, one.name)]

    def _unite(self) -> None:
        """The people of joined names are one."""
        into: dict[Person, Person] = {}

        def root(person: Person) -> Person:
            while person in into:
                person = into[person]
            return person

        person_of, given = self._shares.person_of, self._shares.given
        for (one, other), joined in self._joined.items():
            a, b = root(person_of[one]), root(person_of[other])
            # Two who are given are two: what made them so need not be among these deeds.
            if joined and a != b and not (a in given and b in given):
                into[max(a, b)] = min(a, b)  # people who are given have the smallest numbers
        for name, person in person_of.items():
            person_of[name] = root(person)

    def _stretch(self, anonymous_id: str, quarantined_ms: int | None) -> None:
        shares = self._shares
        claims = self._claims[anonymous_id]
        if claims:
            shares.first_claims[anonymous_id] = claims[0].position[0]
        people: set[Person] = set()
        last_of: dict[int, Person] = {}
        for claim in claims:
            at_ms = claim.position[0]
            person = shares.person_of[claim.name]
            people.add(person)
            if len(people) > self._most_people and (
                quarantined_ms is None or at_ms < quarantined_ms
            ):
                quarantined_ms = at_ms
            if quarantined_ms is not None and at_ms >= quarantined_ms:
                break
            last_of[at_ms] = person
        first = shares.person_of[claims[0].name] if claims else None
        found = [Stretch(0, first), *(Stretch(*one) for one in last_of.items())]
        if quarantined_ms is not None:
            found = [one for one in found if one.since_ms < quarantined_ms]
            found.append(Stretch(quarantined_ms, None))
            shares.quarantined_ms[anonymous_id] = quarantined_ms
        shares.stretches[anonymous_id] = [
            one for at, one in enumerate(found) if not at or found[at - 1].person != one.person
        ]


def _pair(one: Identifier, other: Identifier) -> Pair:
    return (one, other) if one <= other else (other, one)
