"""Resolving: which lead each event belongs to, from rows alone."""

from collections.abc import Callable
from itertools import count
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.anonymous import Claim, runs_of
from services.scorer.arrivals import Arrival
from services.scorer.identity import Resolver
from services.scorer.mentions import IdentifierRow, mentioned_identifiers
from services.scorer.plan import Plan
from shared.envelope import Event, Identifiers, encode_event, instant
from shared.identity import ANONYMOUS, EMAIL, USER_ID
from tests.arrivals import arrival_of

ANN, BOB, VISITOR = UUID(int=1), UUID(int=2), UUID(int=3)


def arrival(
    at: int, kind: str = "page_viewed", *, previous: str | None = None, **who: str
) -> Arrival:
    event = Event(
        id=f"{at}", source="web", type=kind, occurred_at=instant(at), received_at=instant(at),
        identifiers=Identifiers(**who),  # type: ignore[arg-type]
        properties={"previous_id": previous} if previous else {},
    )  # fmt: skip
    return arrival_of(encode_event(event))


def numbered() -> Callable[[int], UUID]:
    numbers = count(100)
    return lambda _now_ms: UUID(int=next(numbers))


def resolve(arrivals: list[Arrival], *rows: IdentifierRow, known: set[UUID] | None = None) -> Plan:
    found = [(*row, row.lead_id in (known or set()), 0) for row in rows]
    return Resolver(found, known or set(), 0, numbered()).resolve(arrivals)


def test_a_stranger_becomes_an_anonymous_lead() -> None:
    """A new lead, and a row that nobody has claimed."""
    plan = resolve([arrival(5, anonymous_id="a")])
    [(lead_id, known)] = plan.created.items()
    assert not known
    assert plan.inserts == [IdentifierRow(ANONYMOUS, "a", 0, None, lead_id)]


def test_an_identify_names_the_visitor_that_is_there() -> None:
    """Nobody has the address: the anonymous lead gets it and keeps its id."""
    row = IdentifierRow(ANONYMOUS, "a", 0, None, VISITOR)
    plan = resolve([arrival(5, anonymous_id="a", email="p@x.example")], row)
    assert plan.became_known == {VISITOR}
    assert plan.claims == {"a": (5, VISITOR)}
    assert not plan.created
    assert not plan.merges


def test_a_visitors_history_joins_the_known_person() -> None:
    """The address is Ann's: the visitor's lead is absorbed by hers."""
    rows = [
        IdentifierRow(ANONYMOUS, "a", 0, None, VISITOR),
        IdentifierRow(EMAIL, "ann@x.example", 0, None, ANN),
    ]
    arrivals = [arrival(5, anonymous_id="a", email="ann@x.example"), arrival(3, anonymous_id="a")]
    plan = resolve(arrivals, *rows, known={ANN})
    assert plan.merges == {VISITOR: ANN}
    assert [one.lead_id for one in arrivals] == [ANN, ANN]


def test_two_known_people_are_never_merged_by_an_event_that_names_both() -> None:
    """The stronger identifier decides whose event it is; the conflict is counted."""
    rows = [
        IdentifierRow(USER_ID, "ann", 0, None, ANN),
        IdentifierRow(EMAIL, "bob@x.example", 0, None, BOB),
    ]
    event = arrival(5, user_id="ann", email="bob@x.example")
    plan = resolve([event], *rows, known={ANN, BOB})
    assert (event.lead_id, plan.conflicts, plan.merges, plan.inserts) == (ANN, 1, {}, [])


def test_a_browser_in_turns_belongs_to_each_in_their_time() -> None:
    """From each identify on, until another person identifies."""
    rows = [
        IdentifierRow(USER_ID, "ann", 0, None, ANN),
        IdentifierRow(USER_ID, "bob", 0, None, BOB),
        IdentifierRow(ANONYMOUS, "desk", 0, 10, ANN),
    ]
    arrivals = [arrival(12, anonymous_id="desk"), arrival(20, anonymous_id="desk", user_id="bob"),
                arrival(25, anonymous_id="desk"), arrival(8, anonymous_id="desk")]  # fmt: skip
    plan = resolve(arrivals, *rows, known={ANN, BOB})
    assert [one.lead_id for one in arrivals] == [ANN, BOB, BOB, ANN]
    assert [tuple(run) for run in plan.contested["desk"].runs] == [(0, ANN), (20, BOB)]


def test_an_alias_merges_two_known_people_into_the_older() -> None:
    """Ids begin with the time of creation: the smaller is the older."""
    rows = [
        IdentifierRow(USER_ID, "new", 0, None, BOB),
        IdentifierRow(USER_ID, "old", 0, None, ANN),
    ]
    event = arrival(5, "lead_aliased", user_id="new", previous="old")
    plan = resolve([event], *rows, known={ANN, BOB})
    assert plan.merges == {BOB: ANN}
    assert event.lead_id == ANN


def test_who_comes_back_to_a_browser_has_it_again() -> None:
    """Ann's later event, settled by her name alone, yet says that the browser is hers again."""
    rows = [
        IdentifierRow(ANONYMOUS, "a", 0, 0, ANN),
        IdentifierRow(EMAIL, "ann@x.example", 0, None, ANN),
        IdentifierRow(EMAIL, "bob@x.example", 0, None, BOB),
    ]
    again = arrival(10, anonymous_id="a", email="ann@x.example")
    meanwhile = arrival(5, anonymous_id="a", email="bob@x.example")
    nameless = [arrival(7, anonymous_id="a"), arrival(12, anonymous_id="a")]
    plan = resolve([again, meanwhile, *nameless], *rows, known={ANN, BOB})
    assert [run.since_ms for run in plan.contested["a"].runs] == [0, 5, 10]
    assert [one.lead_id for one in (again, meanwhile, *nameless)] == [ANN, BOB, BOB, ANN]


def test_identifiers_are_mentioned_once() -> None:
    """Each is asked for once, an alias's other one too."""
    events = [
        arrival(1, email="b@x.example", anonymous_id="z"),
        arrival(2, email="b@x.example"),
        arrival(3, email="a@x.example"),
        arrival(4, "lead_aliased", user_id="u", previous="v"),
    ]
    found = mentioned_identifiers(event.mention for event in events)
    assert len(found) == len(set(found))
    assert (EMAIL, "b@x.example") in found
    assert (USER_ID, "v") in found


PEOPLE = (ANN, BOB, VISITOR)
CLAIMS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(PEOPLE)), min_size=1, max_size=12,
    unique_by=lambda claim: claim[0],
)  # fmt: skip


@settings(max_examples=200)
@given(CLAIMS, st.integers(0, 40))
def test_at_any_instant_an_anonymous_id_is_the_last_claimants(
    claims: list[tuple[int, UUID]], at_ms: int
) -> None:
    """Against the plain reading: the last to claim before, else the first ever."""
    found = runs_of([Claim(at, "web", str(at), who) for at, who in claims]).owner_at(at_ms)
    before = [claim for claim in claims if claim[0] <= at_ms]
    assert found == (max(before) if before else min(claims))[1]
