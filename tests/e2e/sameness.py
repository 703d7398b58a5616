"""Who is who by all that can be seen from outside: scores, leads, messages."""

from __future__ import annotations

from datetime import timedelta

from tests.e2e.conftest import Local
from tests.e2e.people import Person, eventually
from tests.e2e.told import Told, told


def minute(count: int, *, seconds: int = 0) -> timedelta:
    return timedelta(minutes=count, seconds=seconds)


def visitor(person: Person) -> Person:
    """Who sits at the person's browser, for all that the browser says."""
    return Person(person.local, browser=person.browser)


def scores_like(person: Person, alone: Person) -> None:
    """The person's points, one by one, are those of somebody who did the same and no more."""
    expected = alone.account()
    assert expected["engagement"]
    eventually(lambda: person.account() == expected, f"{person.email} scores like one person")


def merged_into(local: Local, lead_id: str, survivor: str) -> None:
    """The read API says so, and so does the lead's last message."""
    assert local.api(f"/v1/leads/{lead_id}")["merged_into"] == survivor
    (gone,) = told(local, lead_id)
    last = gone.of_kind("stage-changed")[-1]
    assert (last["merged_into"], last["cause"]) == (survivor, "merge")


def nobody_merged(*leads: Told) -> None:
    assert not any(one.of_kind("merged") or one.of_kind("unmerged") for one in leads)
    changes = [data for one in leads for data in one.of_kind("stage-changed")]
    assert all(data["merged_into"] is None for data in changes)
