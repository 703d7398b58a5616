"""Rows of identifiers stand for the deleted events that made them."""

from __future__ import annotations

from uuid import UUID

from services.scorer.assignment import ScopeRow
from services.scorer.belonging import Parting, Shares, Sharing
from services.scorer.frozen import frozen_deeds
from services.scorer.mentions import Apart
from shared.identity import ANONYMOUS, EMAIL, USER_ID, Identifier, Marks

ANN: Identifier = (USER_ID, "ann")
MAIL: Identifier = (EMAIL, "ann@x.example")
BOB: Identifier = (USER_ID, "bob")
HERS, HIS = UUID(int=1), UUID(int=2)


def row(name: Identifier, at: int, lead: UUID, origin: UUID, since: int = 0) -> ScopeRow:
    return ScopeRow(*name, since, None if since else at, lead, origin, int(Marks.NONE))


ROWS = [
    row(ANN, 5, HERS, HERS),
    row(MAIL, 7, HERS, HERS),
    row(BOB, 3, HERS, HIS),
    row((ANONYMOUS, "desk"), 4, HERS, HIS),
]


def shared(*partings: Parting, horizon: int = 10) -> Shares:
    sharing = Sharing({}, ["desk"], 20, repr)
    return sharing.share_out(frozen_deeds(ROWS, {}, {HERS: horizon}), partings, {})


def test_what_is_one_lead_by_its_rows_is_one_person() -> None:
    """Two originals that were merged, and the browser of one of them."""
    found = shared()
    assert len({found.person_of[name] for name in (ANN, MAIL, BOB)}) == 1
    assert [one.person for one in found.stretches["desk"]] == [found.person_of[BOB]]


def test_an_operator_can_part_what_deleted_events_had_joined() -> None:
    """Each original has what it brought."""
    sides = (frozenset(map(repr, [BOB, (ANONYMOUS, "desk")])), frozenset(map(repr, [ANN, MAIL])))
    found = shared(Parting((20, "operator", "1"), Apart(*sides)))
    assert found.person_of[ANN] == found.person_of[MAIL] != found.person_of[BOB]
    assert [one.person for one in found.stretches["desk"]] == [found.person_of[BOB]]


def test_what_came_after_the_horizon_is_left_to_its_events() -> None:
    """Nothing is told of a name that was first seen later; nothing at all without a horizon."""
    assert MAIL not in shared(horizon=6).person_of
    assert frozen_deeds(ROWS, {}, {HERS: -1}) == []
