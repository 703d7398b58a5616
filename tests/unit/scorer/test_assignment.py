"""Leads keep their ids wherever they can when names are shared out anew."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from uuid import UUID

from services.scorer.assignment import ScopeRow, Standing, assign
from services.scorer.belonging import Birth, Shares, Stretch
from shared.identity import ANONYMOUS, USER_ID, Identifier, Marks

ANN: Identifier = (USER_ID, "ann")
BOB: Identifier = (USER_ID, "bob")
OLD, YOUNG, VISITOR = UUID(int=1), UUID(int=2), UUID(int=3)
KNOWN = Standing(known=True, merged_into=None)


def row(name: Identifier, lead: UUID, origin: UUID | None = None, marks: int = 0) -> ScopeRow:
    return ScopeRow(*name, 0, 1, lead, origin or lead, marks)


def numbered() -> Callable[[], UUID]:
    numbers = count(100)
    return lambda: UUID(int=next(numbers))


def shares(**people: int) -> Shares:
    """Names of people by number, and the desk, which is the first person's."""
    names: dict[Identifier, int] = {(USER_ID, name): person for name, person in people.items()}
    births = {name: Birth(at, hangs=False) for at, name in enumerate(names)}
    return Shares(names, births=births)


def test_who_parts_gets_the_lead_back_that_the_name_was_put_down_for() -> None:
    """It was absorbed; now it stands, and the other is as it was."""
    leads = {OLD: KNOWN, YOUNG: Standing(known=True, merged_into=OLD)}
    found = assign(shares(ann=1, bob=2), [row(ANN, OLD), row(BOB, OLD, YOUNG)], leads, numbered())
    assert found.lead_of == {1: OLD, 2: YOUNG}
    assert (found.revived, found.created, found.merged) == ({YOUNG: OLD}, {}, {})


def test_the_oldest_lead_of_a_persons_names_survives() -> None:
    """The other is absorbed, and its name's row still says for whom it was put down."""
    leads = {OLD: KNOWN, YOUNG: KNOWN}
    found = assign(shares(ann=1, bob=1), [row(ANN, YOUNG), row(BOB, OLD)], leads, numbered())
    assert (found.lead_of, found.merged) == ({1: OLD}, {YOUNG: OLD})
    assert {one.value: one.origin for one in found.rows} == {"ann": YOUNG, "bob": OLD}


def test_who_never_had_a_lead_alone_gets_a_new_one() -> None:
    """Both names were put down for one lead: who was there first keeps it."""
    found = assign(shares(ann=1, bob=2), [row(ANN, OLD), row(BOB, OLD)], {OLD: KNOWN}, numbered())
    new = UUID(int=100)
    assert found.lead_of == {1: OLD, 2: new}
    assert (found.created, found.parted) == ({new: True}, {new: OLD})
    assert {one.value: one.origin for one in found.rows} == {"ann": OLD, "bob": new}


def test_a_browser_that_is_nobodys_is_its_visitors_again() -> None:
    """The lead it was put down for had no name, and was absorbed."""
    leads = {OLD: KNOWN, VISITOR: Standing(known=False, merged_into=OLD)}
    found = shares(ann=1)
    found.stretches["desk"] = [Stretch(0, None)]
    rows = [row(ANN, OLD), row((ANONYMOUS, "desk"), OLD, VISITOR)]
    made = assign(found, rows, leads, numbered())
    assert (made.visitor_of, made.revived) == ({("desk", 0): VISITOR}, {VISITOR: OLD})


def test_a_visitor_gets_the_name_of_who_is_new() -> None:
    """Nobody had the name: the lead of the browser becomes known, and keeps its id."""
    found = shares(ann=1)
    found.stretches["desk"] = [Stretch(0, 1)]
    leads = {VISITOR: Standing(known=False, merged_into=None)}
    made = assign(found, [row((ANONYMOUS, "desk"), VISITOR)], leads, numbered())
    assert (made.lead_of, made.named, made.created) == ({1: VISITOR}, {VISITOR}, {})


def test_a_kiosks_own_lead_is_kept() -> None:
    """The row with the mark has it."""
    found = shares(ann=1)
    found.stretches["desk"] = [Stretch(0, 1), Stretch(7, None)]
    found.quarantined_ms["desk"] = 7
    desk = (ANONYMOUS, "desk")
    quarantined = ScopeRow(*desk, 7, None, VISITOR, VISITOR, int(Marks.QUARANTINED))
    rows = [row(ANN, OLD), row(desk, OLD), quarantined]
    leads = {OLD: KNOWN, VISITOR: Standing(known=False, merged_into=None)}
    made = assign(found, rows, leads, numbered())
    assert made.visitor_of == {("desk", 7): VISITOR}
    assert made.rows[-1] == quarantined


def test_an_origin_that_was_erased_is_no_lead_any_more() -> None:
    """Whoever has a name that was put down for it gets a new one."""
    leads = {OLD: KNOWN}
    found = assign(shares(ann=1, bob=2), [row(ANN, OLD), row(BOB, OLD, YOUNG)], leads, numbered())
    assert found.lead_of == {1: OLD, 2: UUID(int=100)}
