"""Scores depend on the set of events: any order, any batches, any duplicates give the same."""

import random

import pytest

from services.scorer.identity_cache import IdentityCache
from shared.envelope import Event
from tests.integration.scorer.bench_of_leads import Workbench, happening

SARAH = [
    happening(1, anonymous_id="phone", after=0),
    happening(2, anonymous_id="phone", after=2),
    happening(3, "content_downloaded", anonymous_id="phone", email="sarah@example.com", after=5,
              content_id="retirement", traits={"title": "Chief of staff"}),
    happening(4, "email_clicked", email="sarah@example.com", after=2880, source="sendgrid"),
    happening(5, anonymous_id="phone", after=2881),
    happening(6, anonymous_id="laptop", after=5000),
    happening(7, "lead_identified", anonymous_id="laptop", email="sarah@example.com", after=5001,
              traits={"title": "Adviser"}),
    happening(8, "content_downloaded", anonymous_id="laptop", after=5002, content_id="retirement"),
    happening(9, "content_downloaded", anonymous_id="laptop", after=5003, content_id="options"),
    happening(10, "email_unsubscribed", email="sarah@example.com", after=9000, source="sendgrid"),
]  # fmt: skip

# Two people at one computer, in turns; what came before the first identify is the first one's.
SHARED = [
    happening(20, anonymous_id="desk", after=0),
    happening(21, "lead_identified", anonymous_id="desk", user_id="ann", after=10),
    happening(22, anonymous_id="desk", after=11),
    happening(23, "lead_identified", anonymous_id="desk", user_id="bob", after=20),
    happening(24, anonymous_id="desk", after=21),
    happening(25, "content_downloaded", anonymous_id="desk", after=22, content_id="guide"),
    happening(26, "lead_identified", anonymous_id="desk", user_id="ann", after=30),
    happening(27, anonymous_id="desk", after=31),
    happening(28, "email_clicked", user_id="bob", after=33),
]

SECOND = 1 / 60


def _mail(number: int, kind: str, seconds: float, mail: str, **more: str) -> Event:
    return happening(
        number, f"email_{kind}", after=seconds * SECOND, source="sendgrid",
        email="tom@example.com", message_id=mail, **more,
    )  # fmt: skip


# A scanner behind one mail (five links), a click at a delivery that a person made all the same, a
# trap, and a form that beacon and webhook both tell of.
SCANNED = [
    _mail(40, "delivered", 0, "m1"),
    *(_mail(41 + link, "clicked", 20 + link, "m1", url=f"/{link}") for link in range(5)),
    _mail(47, "clicked", 900, "m1", url="/0"),
    _mail(50, "delivered", 4000, "m2"),
    _mail(51, "clicked", 4001, "m2", url="/a"),
    happening(52, "events_judged", after=100, source="operator", email="tom@example.com",
              verdict="human", events=[["sendgrid", "event-51"]], from_ms=0),
    _mail(53, "clicked", 9000, "m3", url="/a"),
    _mail(54, "link_trap", 9030, "m3"),
    _mail(55, "opened", 12_000, "m4"),
    _mail(56, "opened", 15_000, "m4"),
    happening(57, "content_downloaded", after=300, email="tom@example.com", content_id="guide",
              signal_key="guide-1"),
    happening(58, "content_downloaded", after=301, email="tom@example.com", content_id="paper",
              signal_key="guide-1", source="webflow"),
    _mail(59, "clicked", 20_000, "m5", url="/b"),
    happening(60, "events_judged", after=400, source="operator", email="tom@example.com",
              verdict="bot", message_id="m5", from_ms=0),
]  # fmt: skip


async def _picture_in_order(bench: Workbench, events: list[Event]) -> list[object]:
    await bench.take_each(events)
    return await bench.picture()


async def _renew(bench: Workbench) -> None:
    bench.identities = [IdentityCache(), IdentityCache()]
    for table in (
        "lead",
        "identifier",
        "event",
        "checkpoint",
        "time_entry",
        "stage_history",
        "outbox",
    ):
        await bench.connection.execute(f"TRUNCATE {table}")


@pytest.mark.parametrize(
    "story", [SARAH, SHARED, SCANNED], ids=["sarah", "shared computer", "scanned mail"]
)
async def test_any_order_any_batches_any_duplicates_give_the_same(
    bench: Workbench, story: list[Event]
) -> None:
    """Shuffled, doubled and cut into random batches: the same leads, entries and scores."""
    expected = await _picture_in_order(bench, story)
    dice = random.Random(20261122)
    orders = [list(reversed(story)), *(dice.sample(story, len(story)) for _ in range(25))]
    for order in orders:
        await _renew(bench)
        doubled = order + dice.sample(order, 4)
        while doubled:
            size = dice.randint(1, 5)
            await bench.take(*doubled[:size])
            doubled = doubled[size:]
        assert await bench.picture() == expected, [event.id for event in order]


async def test_only_what_people_did_counts(bench: Workbench) -> None:
    """Of clicks by machines, a click by a person and a form told of twice, two and one score."""
    [(_, _, _, earned, _)] = await _picture_in_order(bench, SCANNED)  # type: ignore[misc]
    counted = [event for _, event, _, points in earned if points]
    assert counted == ["event-47", "event-51", "event-57"]


async def test_two_people_at_one_computer_stay_two(bench: Workbench) -> None:
    """Each gets what happened in their own intervals."""
    pictures = await _picture_in_order(bench, SHARED)
    shown = sorted([int(event_id[6:]) for _, event_id in picture[2]] for picture in pictures)
    assert shown == [[20, 21, 22, 26, 27], [23, 24, 25, 28]]


async def test_a_visitor_who_gets_a_name_keeps_the_lead(bench: Workbench) -> None:
    """Nobody is known by the address yet: the anonymous lead becomes known, with its id."""
    await bench.take(happening(1, anonymous_id="a"))
    before = await bench.lead_of(5, "a")
    await bench.take(happening(2, "lead_identified", anonymous_id="a", email="p@example.com"))
    assert await bench.lead_of(2, "p@example.com") == before
    assert await bench.connection.fetchval("SELECT count(*) FROM lead") == 1


async def test_an_absorbed_lead_says_into_whom(bench: Workbench) -> None:
    """A visitor's history joins the known lead; its last change carries merged_into."""
    await bench.take(happening(1, email="p@example.com"))
    await bench.take(happening(2, anonymous_id="a", after=1))
    survivor, absorbed = await bench.lead_of(2, "p@example.com"), await bench.lead_of(5, "a")
    await bench.take(
        happening(3, "lead_identified", anonymous_id="a", email="p@example.com", after=2)
    )
    [last] = [fact for fact in await bench.facts() if fact["lead_id"] == str(absorbed)]
    assert last["merged_into"] == str(survivor)
    assert (last["cause"], last["seq"]) == ("merge", 1)
    assert await bench.lead_of(5, "a") == survivor


async def test_known_people_merge_only_by_an_alias(bench: Workbench) -> None:
    """An event that carries two people's identifiers merges nobody; an alias does."""
    await bench.take(happening(1, user_id="u1"))
    await bench.take(happening(2, email="p@example.com", after=1))
    taken = await bench.take(happening(3, user_id="u1", email="p@example.com", after=2))
    assert (taken.conflicts, taken.merged) == (1, 0)
    older = await bench.lead_of(1, "u1")
    alias = happening(4, "lead_aliased", email="p@example.com", after=3, previous_id="u1")
    assert (await bench.take(alias)).merged == 1
    assert await bench.lead_of(2, "p@example.com") == older
    assert len(await bench.picture()) == 1
