"""Names and anonymous ids are shared out by what was said of them, in order of occurrence."""

from __future__ import annotations

from uuid import UUID

from services.scorer.belonging import Deed, Parting, Shares, Sharing, Stretch
from services.scorer.mentions import Apart, Mention
from shared.identity import ANONYMOUS, EMAIL, USER_ID, Identifier

ANN, MAIL, BOB = (USER_ID, "ann"), (EMAIL, "ann@x.example"), (USER_ID, "bob")
DESK: Identifier = (ANONYMOUS, "desk")
SOMEBODY = UUID(int=9)


def deed(
    at: int, *names: Identifier, on: str | None = None, also: tuple[Identifier, ...] = ()
) -> Deed:
    return Deed((at, "web", str(at)), Mention(list(names), on, list(also)))


def parting(at: int, these: list[Identifier], those: list[Identifier]) -> Parting:
    sides = (frozenset(map(repr, side)) for side in (these, those))
    return Parting((at, "operator", str(at)), Apart(*sides))


def shared(
    deeds: list[Deed],
    *partings: Parting,
    given: dict[Identifier, UUID] | None = None,
    most: int = 20,
    quarantined: int | None = None,
) -> Shares:
    sharing = Sharing(given or {}, ["desk"], most, repr)
    return sharing.share_out(deeds, partings, {"desk": quarantined} if quarantined else {})


def test_a_name_that_nobody_has_goes_to_the_strongest_that_somebody_has() -> None:
    """The address was first seen alone: the user id that comes with it later is its person's."""
    found = shared([deed(1, MAIL), deed(5, ANN, MAIL)])
    assert found.person_of[ANN] == found.person_of[MAIL]
    assert (found.births[MAIL].hangs, found.births[ANN].hangs) == (False, True)


def test_two_names_seen_alone_stay_two_people() -> None:
    """An event that names both comes too late to make them one."""
    found = shared([deed(1, MAIL), deed(2, ANN), deed(5, ANN, MAIL)])
    assert found.person_of[ANN] != found.person_of[MAIL]


def test_the_order_in_which_deeds_are_told_is_nothing() -> None:
    """They are heard in order of position."""
    found = shared([deed(5, ANN, MAIL), deed(2, ANN), deed(1, MAIL)])
    assert found.person_of[ANN] != found.person_of[MAIL]


def test_of_a_pair_of_names_the_last_word_counts() -> None:
    """Joined, parted, and joined again."""
    deeds = [deed(1, ANN), deed(2, BOB), deed(3, ANN, also=(BOB,))]
    apart = parting(4, [ANN], [BOB])
    assert len(set(shared(deeds).person_of.values())) == 1
    assert len(set(shared(deeds, apart).person_of.values())) == 2
    again = [*deeds, deed(5, BOB, also=(ANN,))]
    assert len(set(shared(again, apart).person_of.values())) == 1


def test_a_claim_that_was_taken_back_leaves_the_browser_to_the_next() -> None:
    """Ann never was there: what came before Bob is his."""
    deeds = [deed(1, ANN, on="desk"), deed(5, BOB, on="desk")]
    found = shared(deeds, parting(9, [DESK], [ANN]))
    assert found.stretches["desk"] == [Stretch(0, found.person_of[BOB])]
    assert found.first_claims["desk"] == 5


def test_one_person_too_many_makes_it_nobodys() -> None:
    """From their claim on; those before keep what was theirs."""
    deeds = [deed(at, (USER_ID, f"p{at}"), on="desk") for at in (1, 2, 3, 4)]
    found = shared(deeds, most=2)
    people = [found.person_of[USER_ID, f"p{at}"] for at in (1, 2)]
    expected = [Stretch(0, people[0]), Stretch(2, people[1]), Stretch(3, None)]
    assert found.stretches["desk"] == expected
    assert found.quarantined_ms == {"desk": 3}


def test_a_quarantine_is_not_lifted() -> None:
    """Even if those who were counted are fewer by now."""
    found = shared([deed(1, ANN, on="desk"), deed(5, BOB, on="desk")], quarantined=3)
    assert found.stretches["desk"] == [Stretch(0, found.person_of[ANN]), Stretch(3, None)]


def test_people_who_are_given_are_not_joined_here() -> None:
    """What was said of two whose lead is settled may have been taken back elsewhere."""
    given = {ANN: SOMEBODY, BOB: UUID(int=8)}
    found = shared([deed(3, ANN, also=(BOB,))], given=given)
    assert found.given[found.person_of[ANN]] == SOMEBODY
    assert found.person_of[ANN] != found.person_of[BOB]
