"""Two people, two leads: who shares a computer or a mail stays apart; who was merged can part."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from tests.e2e.conftest import Local
from tests.e2e.people import Deed, Person, eventually
from tests.e2e.sameness import merged_into, minute, nobody_merged, scores_like
from tests.e2e.told import told

# How many people may say who they are on one browser before it is nobody's: the setting's default.
KIOSK_PEOPLE = 20


def test_two_people_at_one_computer_stay_two(local: Local) -> None:
    """Each has what was done while they were the last to say who they are, though the second one's
    word arrives last.
    """
    ann, ann_alone, bob_alone = Person(local), Person(local), Person(local)
    bob = Person(local, browser=ann.browser)

    def anns(person: Person) -> list[Deed]:
        return [
            person.visit("product", minute(0), "/product", "Product"),
            person.identify("ann", minute(10)),
            person.identify("ann-again", minute(30)),
            person.visit("contact", minute(35), "/contact", "Contact"),
        ]

    def bobs(person: Person) -> list[Deed]:
        return [
            person.visit("prices", minute(25), "/pricing", "Prices"),
            person.identify("bob", minute(20)),
        ]

    ann.send(*anns(ann), bobs(bob)[0])
    ann.scored(5)
    bob.send(bobs(bob)[1])
    ann_alone.send(*anns(ann_alone))
    bob_alone.send(*bobs(bob_alone))
    leads = [bob.scored(2)["id"], ann.scored(4)["id"]]
    ann_alone.scored(4)
    bob_alone.scored(2)
    scores_like(ann, ann_alone)
    scores_like(bob, bob_alone)
    assert len(set(leads)) == 2
    nobody_merged(*told(local, *leads))


def test_a_forwarded_mail_makes_nobody_somebody_else(local: Local) -> None:
    """Bob opens the link in Ann's mail, which says that he is Ann: until he says who he is again
    that counts for her, and neither becomes the other.
    """
    ann, bob, ann_alone, bob_alone = (Person(local) for _ in range(4))
    borrowed = Person(local, email=ann.email, browser=bob.browser)

    def anns(person: Person, at_the_link: Person) -> list[Deed]:
        return [
            person.mail("sent", minute(5), 1, "delivered"),
            person.mail("clicked", minute(10), 1, "click", "/product"),
            at_the_link.identify("by-link", minute(11)),
            at_the_link.visit("product", minute(12), "/product", "Product"),
        ]

    def bobs(person: Person) -> list[Deed]:
        return [
            person.identify("bob", minute(1)),
            person.form("form", minute(20), "newsletter"),
            person.visit("prices", minute(25), "/pricing", "Prices"),
        ]

    bob.send(bobs(bob)[0])
    bob.scored(1)  # else what is done at his browser could come first, by a visitor
    bob.send(*anns(ann, borrowed), *bobs(bob)[1:])
    ann_alone.send(*anns(ann_alone, ann_alone))
    bob_alone.send(*bobs(bob_alone))
    anns_lead, bobs_lead = ann.scored(4), bob.scored(3)
    ann_alone.scored(4)
    bob_alone.scored(3)
    scores_like(ann, ann_alone)
    scores_like(bob, bob_alone)
    assert anns_lead["id"] != bobs_lead["id"]
    assert bobs_lead["identifiers"]["email"] == [bob.email]
    nobody_merged(*told(local, anns_lead["id"], bobs_lead["id"]))


def test_a_kiosk_belongs_to_nobody(local: Local) -> None:
    """Once too many people have said who they are there, what is done without a name is nobody's;
    all of them stay apart, and keep what they did.
    """
    kiosk = f"b{uuid.uuid4().hex[:12]}"
    people = [Person(local, browser=kiosk) for _ in range(KIOSK_PEOPLE + 1)]
    for at, person in enumerate(people):
        person.send(person.identify(f"me-{at}", minute(at)))
        person.send(person.track(f"news-{at}", minute(at, seconds=30), "newsletter_subscribed"))
    leads = [person.scored(1)["id"] for person in people]
    people[-1].send(people[-1].visit("prices", minute(60), "/pricing", "Prices"))

    def passer_by() -> dict[str, Any] | None:
        items = local.api(f"/v1/leads?anonymous_id={kiosk}")["items"]
        return next((item for item in items if not item["known"]), None)

    nobody = eventually(passer_by, "what was done last has a lead of its own")
    assert len({nobody["id"], *leads}) == KIOSK_PEOPLE + 2

    def done_by_nobody() -> bool:
        done = [each["type"] for each in people[0].timeline(nobody["id"])]
        return sorted(done) == ["newsletter_subscribed", "page_viewed"]

    eventually(done_by_nobody, "what the last one did after too many is nobody's, too")
    for person, lead_id in zip(people[:-1], leads, strict=False):
        assert len(person.timeline(lead_id)) == 2
    assert len(people[-1].timeline(leads[-1])) == 1
    nobody_merged(*told(local, nobody["id"], *leads))


def test_an_operator_takes_a_merge_back_after_the_hand_off(local: Local) -> None:
    """Both stand as if it had not been, later deeds stay with who did them, sales hears of the one
    who was handed over once, and of the other once it is their turn.
    """
    ann, bob, ann_alone, bob_alone = (Person(local) for _ in range(4))

    def anns(person: Person) -> list[Deed]:
        return [
            person.identify("me", minute(0)),
            person.track("demo", minute(10), "demo_requested"),
            person.visit("prices", minute(11), "/pricing", "Prices"),
        ]

    def bobs(person: Person) -> list[Deed]:
        return [
            person.identify("me", minute(1)),
            person.track("news", minute(20), "newsletter_subscribed"),
        ]

    together = bob.visit("product", minute(30), "/product", "Product")
    own = [
        bob.track("demo", timedelta(days=2), "demo_requested"),
        bob.visit("prices", timedelta(days=2, minutes=1), "/pricing", "Prices"),
    ]
    ann.send(*anns(ann))
    stays = ann.scored(3)["id"]
    bob.send(*bobs(bob))
    goes = bob.scored(2)["id"]
    command(local, "merge", stays, goes)
    eventually(lambda: local.api(f"/v1/leads/{goes}")["merged_into"], "they are one")
    bob.send(together)
    ann.scored(7)  # with the operator's word
    merged_into(local, goes, stays)
    command(local, "unmerge", goes)
    eventually(lambda: not local.api(f"/v1/leads/{goes}")["merged_into"], "they are two again")
    ann_alone.send(*anns(ann_alone))
    bob_alone.send(*bobs(bob_alone))
    bob_alone.send(bob_alone.visit("product", minute(30), "/product", "Product"))
    ann_alone.scored(3)
    bob_alone.scored(3)
    scores_like(ann, ann_alone)
    scores_like(bob, bob_alone)
    assert {person.lead()["id"] for person in (ann, bob)} == {stays, goes}  # type: ignore[index]

    bob.send(*own)
    eventually(lambda: bob.lead()["stage"] == "validate", "Bob is due himself")  # type: ignore[index]
    first, second = told(local, stays, goes)
    assert [len(one.to_sales()) for one in (first, second)] == [1, 1]
    joined = [(data["merged_from"], data["actor"]) for data in first.of_kind("merged")]
    left = [(data["parted"], data["actor"]) for data in first.of_kind("unmerged")]
    assert (joined, left) == ([(goes, "dora")], [(goes, "dora")])
    (back,) = [data for data in second.of_kind("stage-changed") if data["unmerged_from"]]
    assert (back["unmerged_from"], back["cause"]) == (stays, "unmerge")


def test_who_was_erased_and_returns_is_somebody_new(local: Local) -> None:
    """The lead is gone; the next thing that the person does begins another, with its own points,
    sequence and hand-off.
    """
    person, alone = Person(local), Person(local)
    person.send(*person.journey())
    old = person.scored(len(person.journey()))["id"]
    done = local.run("leadscore", "person", "erase", person.email, "--reason", "asked", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    eventually(lambda: person.lead() is None, "nothing is known of the person")
    for each in (person, alone):
        each.send(
            each.form("again", timedelta(days=9, hours=1), "callback"),
            each.track("demo-again", timedelta(days=9, hours=2), "demo_requested"),
        )
    lead = person.scored(2)
    assert lead["id"] != old
    assert alone.scored(2)["stage"] == lead["stage"] == "validate"
    scores_like(person, alone)
    (new,) = told(local, lead["id"])
    assert len(new.to_sales()) == 1
    assert new.to_sales()[0]["who"]["emails"] == [person.email]


def command(local: Local, *words: str) -> None:
    """An operator's word on leads."""
    done = local.run("leadscore", "lead", *words, "--actor", "dora")
    assert done.returncode == 0, done.stdout + done.stderr
