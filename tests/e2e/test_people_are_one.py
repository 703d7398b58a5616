"""One person, one lead: who is the same, whatever they came by, and in whatever order."""

from __future__ import annotations

import uuid
from typing import Any

from tests.e2e.conftest import Local
from tests.e2e.people import Deed, Person, eventually
from tests.e2e.sameness import merged_into, minute, nobody_merged, scores_like, visitor
from tests.e2e.told import told


def test_two_devices_are_one_person(local: Local) -> None:
    """A visitor on a phone and one on a laptop give the same address: the phone's lead has both
    histories, and the laptop's last message says where it went.
    """

    def deeds(phone: Person, laptop: Person) -> tuple[list[Deed], list[Deed]]:
        before = [
            phone.visit("product", minute(0), "/product", "Product"),
            laptop.visit("prices", minute(5), "/pricing", "Prices"),
            laptop.track("news", minute(6), "newsletter_subscribed"),
        ]
        after = [
            phone.identify("phone-me", minute(10)),
            laptop.identify("laptop-me", minute(20)),
            phone.visit("prices-again", minute(30), "/pricing", "Prices"),
            phone.track("news-again", minute(31), "newsletter_subscribed"),
            phone.track("demo", minute(40), "demo_requested"),
        ]
        return before, after

    phone, alone = Person(local), Person(local)
    laptop = Person(local, email=phone.email)
    before, after = deeds(phone, laptop)
    phone.send(*before)
    stays, goes = visitor(phone).scored(1), visitor(laptop).scored(2)
    phone.send(*after)
    lead = phone.scored(8)
    assert lead["id"] == stays["id"]
    assert sorted(lead["identifiers"]["anonymous_id"]) == sorted([phone.browser, laptop.browser])
    alone.send(*(deed for part in deeds(alone, alone) for deed in part))
    assert lead["stage"] == alone.scored(8)["stage"]
    scores_like(phone, alone)
    merged_into(local, goes["id"], stays["id"])
    (survivor,) = told(local, stays["id"])
    assert [data["merged_from"] for data in survivor.of_kind("merged")] == [goes["id"]]
    assert [packet["merged_from"] for packet in survivor.to_sales()] == [[goes["id"]]]


def test_a_changed_address_leaves_one_lead_with_both(local: Local) -> None:
    """The account's id says that it is the same person; mails to either address are theirs."""

    def deeds(person: Person, user: str, new: Person) -> list[Deed]:
        return [
            person.identify_as("account", minute(0), user),
            person.mail("opened", minute(5), 1, "open"),
            new.identify_as("moved", minute(10), user),
            new.mail("clicked", minute(15), 2, "click", "/pricing"),
            person.mail("old-clicked", minute(20), 3, "click", "/product"),
        ]

    old, alone = Person(local), Person(local)
    new = Person(local, browser=old.browser)
    *first, opened, clicked = deeds(old, uuid.uuid4().hex, new)
    old.send(*first)
    old.scored(3)  # else the mail's click could come first, and would make a lead to be merged
    old.send(opened, clicked)
    alone.send(*deeds(alone, uuid.uuid4().hex, alone))
    lead = old.scored(5)
    assert sorted(lead["identifiers"]["email"]) == sorted([old.email, new.email])
    assert new.scored(5)["id"] == lead["id"]
    alone.scored(5)
    scores_like(old, alone)
    nobody_merged(*told(local, lead["id"]))


def test_an_import_joins_the_visitor_before_the_visit_and_after_it(local: Local) -> None:
    """The CRM's contact and the visitor are one lead, whoever comes first; scores don't tell."""

    def visits(person: Person, **context: Any) -> list[Deed]:
        return [
            person.visit("product", minute(10), "/product", "Product", **context),
            person.visit("prices", minute(11), "/pricing", "Prices", **context),
        ]

    def contact(person: Person) -> Deed:
        return person.imported("import", minute(0), uuid.uuid4().hex, title="Head of Finance")

    first, last, alone = Person(local), Person(local), Person(local)
    first.send(contact(first))
    crm = first.scored(1)
    first.send(*visits(first))
    goes = visitor(first).scored(2)
    last.send(*visits(last))
    stays = visitor(last).scored(2)
    for person in (first, last):
        person.send(person.form("form", minute(20), "ebook"))
    last.scored(3)
    last.send(contact(last))
    alone.send(contact(alone), *visits(alone, traits={"email": alone.email}))
    alone.send(alone.form("form", minute(20), "ebook"))
    alone.scored(4)
    for person, kept in ((first, crm), (last, stays)):
        lead = person.scored(4)
        assert lead["id"] == kept["id"]
        assert len(lead["identifiers"]["external"]) == 1
        scores_like(person, alone)
    merged_into(local, goes["id"], crm["id"])
    nobody_merged(*told(local, stays["id"]))


def test_aliases_in_a_ring_make_one_lead(local: Local) -> None:
    """a is b, b is c, and c is a: the oldest lives on, each of the others went into it once."""

    def deeds(people: list[Person], users: list[str]) -> list[list[Deed]]:
        return [
            [
                person.identify_as(f"me-{at}", minute(at), user),
                person.visit(f"page-{at}", minute(at + 5), f"/product/{at}", "Product"),
            ]
            for at, (person, user) in enumerate(zip(people, users, strict=True))
        ]

    people, users = [Person(local) for _ in range(3)], [uuid.uuid4().hex for _ in range(3)]
    leads = []
    for person, its in zip(people, deeds(people, users), strict=True):
        person.send(*its)
        leads.append(person.scored(2)["id"])
    for at, (one, other) in enumerate(zip(users, users[1:] + users[:1], strict=True)):
        people[0].send(people[0].alias(f"alias-{at}", minute(20 + at), one, other))
        people[0].scored((5, 8, 9)[at])  # else the third may join the second first, a chain
    alone = Person(local)
    alone.send(*(deed for its in deeds([alone] * 3, [uuid.uuid4().hex] * 3) for deed in its))
    alone.scored(6)
    lead = people[2].scored(9)
    assert lead["id"] == leads[0]
    assert sorted(lead["identifiers"]["user_id"]) == sorted(users)
    scores_like(people[1], alone)
    for gone in leads[1:]:
        merged_into(local, gone, leads[0])
    (survivor,) = told(local, leads[0])
    assert sorted(data["merged_from"] for data in survivor.of_kind("merged")) == sorted(leads[1:])


def test_two_who_were_both_handed_to_sales_are_not_handed_over_again(local: Local) -> None:
    """Sales has a packet of each; the merge makes no third, nor does what the person does next."""

    def deeds(person: Person, name: str, at: int) -> list[Deed]:
        return [
            person.track(f"demo-{name}", minute(at), "demo_requested"),
            person.visit(f"prices-{name}", minute(at + 1), "/pricing", "Prices"),
        ]

    users = [uuid.uuid4().hex, uuid.uuid4().hex]
    ann, other, alone = Person(local), Person(local), Person(local)
    leads = []
    for at, (person, user) in enumerate(zip((ann, other), users, strict=True)):
        person.send(person.identify_as("me", minute(at), user))
        person.send(*deeds(person, str(at), 10 * (at + 1)))
        leads.append(person.scored(3)["id"])
    assert [len(one.to_sales()) for one in told(local, *leads)] == [1, 1]
    ann.send(ann.alias("alias", minute(40), users[1], users[0]))
    eventually(lambda: local.api(f"/v1/leads/{leads[1]}")["merged_into"], "they merge")
    other.send(*deeds(other, "later", 50))
    lead = ann.scored(9)
    assert (lead["id"], lead["stage"]) == (leads[0], "validate")
    alone.send(alone.identify_as("me", minute(0), uuid.uuid4().hex))
    alone.send(alone.identify_as("me-too", minute(1), uuid.uuid4().hex))
    for at, name in ((10, "0"), (20, "1"), (50, "later")):
        alone.send(*deeds(alone, name, at))
    alone.scored(8)
    scores_like(ann, alone)
    merged_into(local, leads[1], leads[0])
    survivor, gone = told(local, *leads)
    assert (len(survivor.to_sales()), len(gone.to_sales())) == (1, 1)
