"""Leads that merge and part: stages, sequences, hand-offs, and what others are told."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from services.scorer.identity_cache import IdentityCache
from services.scorer.plan import Limits
from services.scorer.scene import Scene
from shared.envelope import Event, Identifiers
from shared.identity import ANONYMOUS, EMAIL, USER_ID
from shared.ids import identifier_hash
from shared.lead_state import decode_scores
from tests.integration.scorer.bench_of_leads import HASH_KEY, START, Workbench, happening

Name = tuple[int, str]
ANN, BOB = (EMAIL, "ann@example.com"), (USER_ID, "bob")


def merge(number: int, who: Identifiers, after: float, **same_as: str) -> Event:
    """An operator says that these are one."""
    event = happening(number, "leads_merged", source="operator", after=after, email="x@x.example",
                      same_as=same_as, actor="eve")  # fmt: skip
    return _of(event, who)


def unmerge(number: int, after: float, these: list[Name], those: list[Name]) -> Event:
    """An operator says that these and those are two. By the first of these it is found."""
    apart = [[identifier_hash(HASH_KEY, *name).hex() for name in side] for side in (these, those)]
    event = happening(number, "leads_unmerged", source="operator", after=after,
                      email="x@x.example", apart=apart, actor="eve")  # fmt: skip
    kinds = {EMAIL: "email", USER_ID: "user_id", ANONYMOUS: "anonymous_id"}
    kind, value = these[0]
    return _of(event, Identifiers(**{kinds[kind]: value}))  # type: ignore[arg-type]


def _of(event: Event, who: Identifiers) -> Event:
    import msgspec

    return msgspec.structs.replace(event, identifiers=who)


def downloads(first: int, count: int, after: float, **who: str) -> list[Event]:
    """Twenty points each."""
    return [
        happening(first + at, "content_downloaded", after=after + at, content_id=f"c{first + at}",
                  **who)  # type: ignore[arg-type]
        for at in range(count)
    ]  # fmt: skip


async def facts_of(bench: Workbench, lead_id: UUID) -> list[dict[str, Any]]:
    return [fact for fact in await bench.facts() if fact["lead_id"] == str(lead_id)]


async def two_known(bench: Workbench) -> tuple[UUID, UUID]:
    """Ann, the older, in `educate`; Bob in `validate`, handed to sales."""
    await bench.take(*downloads(1, 1, 0, email=ANN[1]))
    await bench.take(*downloads(10, 3, 10, user_id=BOB[1]))
    return await bench.lead_of(*ANN), await bench.lead_of(*BOB)


async def test_a_merge_by_an_operator_hands_nobody_off_twice(bench: Workbench) -> None:
    """The union reaches `validate`, of which sales has heard under the other's id."""
    ann, bob = await two_known(bench)
    await bench.take(merge(20, Identifiers(user_id=BOB[1]), 30, email=ANN[1]))
    assert await bench.lead_of(*BOB) == ann
    facts = await facts_of(bench, ann)
    assert [(fact["kind"], fact["to_stage"], fact["handoff"]) for fact in facts] == [
        ("stage_changed", "educate", "content"),
        ("lead_merged", "educate", None),
        ("stage_changed", "validate", None),
    ]
    assert [fact["seq"] for fact in facts] == [1, 2, 3]
    assert (facts[1]["other_lead"], facts[1]["actor"]) == (str(bob), "eve")
    last = (await facts_of(bench, bob))[-1]
    assert (last["merged_into"], last["cause"]) == (str(ann), "merge")
    rows = await bench.connection.fetch("SELECT absorbed, survivor, cause, actor FROM lead_merge")
    assert [tuple(row) for row in rows] == [(bob, ann, "operator", "eve")]


async def test_content_that_a_visitor_has_got_is_not_handed_over_again(bench: Workbench) -> None:
    """The visitor was in `educate`; the known lead comes there by the merge alone."""
    await bench.take(happening(1, email=ANN[1]))
    await bench.take(*downloads(2, 1, 1, anonymous_id="phone"))
    await bench.take(happening(9, "lead_identified", after=9, email=ANN[1], anonymous_id="phone"))
    told = [fact for fact in await bench.facts() if fact["handoff"]]
    assert [(fact["to_stage"], fact["known"]) for fact in told] == [("educate", False)]
    last = (await facts_of(bench, await bench.lead_of(*ANN)))[-1]
    assert (last["to_stage"], last["cause"]) == ("educate", "merge")


async def test_an_unmerge_leaves_both_as_if_nothing_had_happened(bench: Workbench) -> None:
    """Scores and stages are those of before; both sequences go on; later events stay with the
    identifier that brought them.
    """
    ann, bob = await two_known(bench)
    before = [lead[2:] for lead in await bench.picture()]
    await bench.take(merge(20, Identifiers(user_id=BOB[1]), 30, email=ANN[1]))
    await bench.take(*downloads(30, 1, 40, email=ANN[1]))
    await bench.take(unmerge(40, 50, [BOB], [ANN]))
    assert (await bench.lead_of(*ANN), await bench.lead_of(*BOB)) == (ann, bob)
    stages = await bench.connection.fetch("SELECT id, stage, merged_into FROM lead ORDER BY id")
    assert [tuple(row) for row in stages] == [(ann, "educate", None), (bob, "validate", None)]
    facts = await facts_of(bench, ann)
    assert [fact["seq"] for fact in facts] == list(range(1, len(facts) + 1))
    assert [fact["kind"] for fact in facts].count("lead_unmerged") == 1
    theirs = await facts_of(bench, bob)
    assert [fact["seq"] for fact in theirs] == list(range(1, len(theirs) + 1))
    assert (theirs[-1]["cause"], theirs[-1]["other_lead"]) == ("unmerge", str(ann))
    shown = [{event_id for _, event_id in lead[2]} for lead in await bench.picture()]
    assert {"event-30", "event-1", "event-20"} & shown[0] != {"event-30", "event-1", "event-20"}
    taken_back = await bench.connection.fetchval("SELECT undone_by FROM lead_merge")
    assert taken_back == "eve"
    again = {lead[0][0][1]: lead[3] for lead in await bench.picture()}
    assert again["bob"] == next(lead[1] for lead in before if len(lead[0]) == 3)


async def test_after_an_unmerge_sales_hears_of_each_by_themselves(bench: Workbench) -> None:
    """What sales was told of Bob while he was thought to be Ann doesn't keep her from it."""
    ann, _ = await two_known(bench)
    await bench.take(merge(20, Identifiers(user_id=BOB[1]), 30, email=ANN[1]))
    await bench.take(unmerge(40, 50, [BOB], [ANN]))
    await bench.take(*downloads(50, 2, 60, email=ANN[1]))
    last = (await facts_of(bench, ann))[-1]
    assert (last["to_stage"], last["handoff"]) == ("validate", "sales")


async def test_a_claim_taken_back_makes_the_visitor_a_lead_again(bench: Workbench) -> None:
    """Somebody else had clicked Ann's link: the phone's history is nobody's again."""
    await bench.take(happening(1, email=ANN[1]))
    await bench.take(*downloads(2, 1, 1, anonymous_id="phone"))
    visitor = await bench.lead_of(ANONYMOUS, "phone")
    await bench.take(happening(9, "email_clicked", after=9, email=ANN[1], anonymous_id="phone"))
    await bench.take(unmerge(10, 20, [(ANONYMOUS, "phone")], [ANN]))
    assert await bench.lead_of(ANONYMOUS, "phone") == visitor
    shown = sorted(sorted(event_id for _, event_id in lead[2]) for lead in await bench.picture())
    assert shown == [["event-1", "event-9"], ["event-10", "event-2"]]


async def test_an_order_that_comes_before_the_alias_it_is_about_counts(bench: Workbench) -> None:
    """Told at 50, about what was said at 30, which comes last; said again later, it holds."""
    ann, bob = await two_known(bench)
    await bench.take(unmerge(40, 50, [BOB], [ANN]))
    await bench.take(merge(20, Identifiers(user_id=BOB[1]), 30, email=ANN[1]))
    assert [await bench.lead_of(*ANN), await bench.lead_of(*BOB)] == [ann, bob]
    await bench.take(merge(60, Identifiers(user_id=BOB[1]), 70, email=ANN[1]))
    assert await bench.lead_of(*BOB) == ann


async def test_a_kiosk_links_nobody_once_too_many_have_used_it(bench: Workbench) -> None:
    """From the fourth person on (the limit is three), what happens there is a lead of its own."""
    limited(bench, Limits(people=3))
    for number in range(6):
        who = f"p{number}@example.com"
        await bench.take(
            happening(10 * number, after=10 * number, email=who, anonymous_id="kiosk"),
            happening(10 * number + 1, after=10 * number + 1, anonymous_id="kiosk"),
        )
    runs = await bench.connection.fetch(
        "SELECT marks, lead_id FROM identifier WHERE value = 'kiosk' ORDER BY since_ms"
    )
    assert [row["marks"] for row in runs] == [0, 0, 0, 2]
    sizes = sorted(len(lead[2]) for lead in await bench.picture())
    assert sizes == [1, 1, 1, 2, 2, 2, 3]  # the last three alone; the kiosk's own three


async def test_a_person_who_was_at_the_kiosk_before_moves_its_end(bench: Workbench) -> None:
    """Somebody whose event comes late was the third: the fourth is then the one before."""
    limited(bench, Limits(people=3))
    events = [
        happening(10 * number, after=10 * number, email=f"p{number}@example.com",
                  anonymous_id="kiosk")
        for number in range(5)
    ]  # fmt: skip
    for event in (events[0], events[1], events[3], events[4], events[2]):
        await bench.take(event)
    since = await bench.connection.fetchval(
        "SELECT max(since_ms) FROM identifier WHERE value = 'kiosk'"
    )
    assert since == int(START.timestamp() * 1000) + 30 * 60_000


async def test_a_lead_with_too_many_identifiers_gets_no_more(bench: Workbench) -> None:
    """Its events stay its own; the identifiers that come with them are nobody's."""
    limited(bench, Limits(identifiers=3))
    for number in range(5):
        await bench.take(
            happening(number, after=number, user_id="u", email=f"p{number}@example.com")
        )
    count = await bench.connection.fetchval("SELECT count(*) FROM identifier")
    assert count == 3
    assert len(await bench.picture()) == 1


def limited(bench: Workbench, limits: Limits) -> None:
    """The bench's batches go by these limits."""
    scene = bench.scene

    def with_limits() -> Scene:
        return replace(scene(), limits=limits)

    bench.scene = with_limits  # type: ignore[method-assign]


async def test_of_two_leads_traits_the_newer_by_occurrence_stands(bench: Workbench) -> None:
    """Whoever survives; the former value stays in the events."""
    await bench.take(happening(1, "lead_identified", email=ANN[1], after=5, traits={"title": "a"}))
    await bench.take(
        happening(2, "lead_identified", user_id=BOB[1], after=3, traits={"title": "b", "x": 1})
    )
    await bench.take(merge(3, Identifiers(user_id=BOB[1]), 9, email=ANN[1]))
    row = await bench.connection.fetchval("SELECT scores FROM lead WHERE merged_into IS NULL")
    assert decode_scores(row).traits == {"title": "a", "x": 1}


async def test_who_has_kept_what_was_before_a_review_finds_out(bench: Workbench) -> None:
    """Another scorer has read that the phone is Bob's; then it is Ann's alone."""
    bench.identities = [IdentityCache(), IdentityCache()]
    await bench.take(happening(1, user_id=BOB[1], anonymous_id="phone"))
    await bench.take(happening(2, anonymous_id="phone", after=1))
    await bench.take(
        happening(3, email=ANN[1], anonymous_id="phone", after=4),
        unmerge(4, 5, [(ANONYMOUS, "phone")], [BOB]),
    )
    await bench.take(happening(5, anonymous_id="phone", after=7))
    shown = sorted(sorted(event_id for _, event_id in lead[2]) for lead in await bench.picture())
    assert shown == [["event-1"], ["event-2", "event-3", "event-4", "event-5"]]


async def test_a_name_that_came_to_another_takes_its_aliases_along(bench: Workbench) -> None:
    """The address is said to be Bob's other one. It came to Cy first, and so made them one; then
    an earlier event shows that it was Bob's before: Cy is somebody else.
    """
    await bench.take(
        happening(1, user_id="bob", email="b1@example.com", after=4),
        happening(2, user_id="cy", after=6),
        merge(3, Identifiers(email="b2@example.com"), 23, email="b1@example.com"),
    )
    await bench.take(happening(4, user_id="cy", email="b2@example.com", after=12))
    assert len(await bench.picture()) == 1
    await bench.take(happening(5, user_id="bob", email="b2@example.com", after=9))
    shown = sorted(sorted(event_id for _, event_id in lead[2]) for lead in await bench.picture())
    assert shown == [["event-1", "event-3", "event-5"], ["event-2", "event-4"]]


async def test_an_order_about_a_browser_that_nobody_has_seen_yet_counts(bench: Workbench) -> None:
    """It speaks of what was said before it, and that comes last."""
    await bench.take(unmerge(9, 30, [BOB], [(ANONYMOUS, "phone")]))
    await bench.take(
        happening(1, user_id=BOB[1], anonymous_id="phone", after=5),
        happening(2, anonymous_id="phone", after=6),
    )
    shown = sorted(sorted(event_id for _, event_id in lead[2]) for lead in await bench.picture())
    assert shown == [["event-1", "event-9"], ["event-2"]]


async def test_a_merge_of_a_lead_under_review_in_the_same_batch_is_part_of_it(
    bench: Workbench,
) -> None:
    """By way of names that only this batch brings."""
    await bench.take(happening(1, "lead_aliased", user_id="new", after=7, previous_id="old"))
    await bench.take(merge(2, Identifiers(email=ANN[1]), 34, anonymous_id="desk"))
    await bench.take(
        happening(3, "lead_aliased", user_id="old", after=33, previous_id="ann"),
        unmerge(4, 45, [(ANONYMOUS, "desk")], [(USER_ID, "nobody")]),
        happening(5, user_id="ann", email=ANN[1], after=11),
    )
    [lead] = await bench.picture()
    assert [event_id for _, event_id in lead[2]] == [f"event-{at}" for at in (2, 4, 1, 3, 5)]
