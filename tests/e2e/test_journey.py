"""The whole road: what people do comes out as scores, stage changes and hand-offs."""

from __future__ import annotations

import itertools
import os
import signal
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.e2e.conftest import SCORERS, Local
from tests.e2e.people import EBOOK, MISTAKES, TESTIMONIAL, Person, eventually
from tests.e2e.published import HANDOFF_SALES, STAGE_CHANGED, messages


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def reached(stage: str) -> Any:
    """Enough messages: the last change is to `stage`."""
    return lambda found: bool(found) and found[-1]["to_stage"] == stage


def any_at_all(found: list[dict[str, Any]]) -> bool:
    return bool(found)


def live_step_by_step(person: Person) -> dict[str, Any]:
    """Send the journey, each deed once the one before is scored. Returns the lead."""
    lead: dict[str, Any] = {}
    for count, deed in enumerate(person.journey(), start=1):
        person.send(deed)
        lead = person.scored(count)
    return lead


def changes_of(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What a subscriber learns of a person's stages, without ids."""
    return [
        (
            each["sequence"],
            each["from_stage"],
            each["to_stage"],
            each["at"],
            each["cause"],
            sorted((reason["rule"], reason["points"]) for reason in each["reasons"]),
        )
        for each in found
    ]


def test_sarahs_journey_ends_in_a_sales_hand_off_that_says_why(local: Local) -> None:
    """Score, stage, stage changes in order, the packet's content, and a sum that is the score."""
    sarah = Person(local)
    lead = live_step_by_step(sarah)
    assert lead["known"]
    assert lead["stage"] == "validate"
    assert "MQL" in lead["labels"]
    assert lead["identifiers"]["email"] == [sarah.email]
    assert lead["identifiers"]["anonymous_id"] == [sarah.browser]
    assert lead["traits"]["name"] == "Sarah Miller"

    changes = messages(local, STAGE_CHANGED, lead["id"], reached("validate"))
    assert [each["sequence"] for each in changes] == list(range(1, len(changes) + 1))
    assert changes[0]["from_stage"] == "inform"
    assert all(
        one["to_stage"] == next_one["from_stage"] for one, next_one in itertools.pairwise(changes)
    )

    (packet,) = messages(local, HANDOFF_SALES, lead["id"], any_at_all)
    content = {each["title"] for each in packet["content"]}
    assert {EBOOK, MISTAKES, TESTIMONIAL} <= content
    assert packet["who"]["emails"] == [sarah.email]
    assert packet["stage"]["name"] == "validate"
    assert packet["reasons"]

    told = local.api(f"/v1/leads/{lead['id']}/explain")["models"]
    for model in told.values():
        values = [Decimal(str(entry["value_now"])) for entry in model["entries"]]
        assert sum(values, Decimal(0)) == Decimal(str(model["score"]))
    assert told["engagement"]["score"] > 60

    history = local.api(f"/v1/leads/{lead['id']}/stages")["items"]
    assert [each["seq"] for each in history] == [each["sequence"] for each in changes][::-1]


def test_repeating_the_demo_adds_no_points(local: Local) -> None:
    """The demo succeeds, and a second run finds everything there already."""
    first = local.run("python", "-m", "deploy.demo", "--fast")
    assert first.returncode == 0, first.stdout + first.stderr
    again = local.run("python", "-m", "deploy.demo", "--fast")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Sarah is already there" in again.stdout
    assert "sending everything again added no points" in again.stdout


def test_order_and_repetition_do_not_change_the_explanation(local: Local) -> None:
    """The journey backwards, each deed twice, over several scorers: the same account."""
    assert len([name for name in local["pids"] if name.startswith("scorer")]) == SCORERS
    forwards, backwards = Person(local), Person(local)
    forwards.send(*forwards.journey())
    for deed in reversed(backwards.journey()):
        backwards.send(deed, deed)
    count = len(forwards.journey())
    forwards.scored(count)
    backwards.scored(count)
    account = forwards.account()
    assert account["engagement"]
    assert eventually(
        lambda: account if backwards.account() == account else None, "both accounts are the same"
    )


def test_a_killed_scorer_and_router_change_nothing(local: Local) -> None:
    """kill -9 of every scorer and the router on the way: points and changes are as without."""
    undisturbed, disturbed = Person(local), Person(local)
    lead = live_step_by_step(undisturbed)
    for count, deed in enumerate(disturbed.journey(), start=1):
        disturbed.send(deed)
        if count in {4, 17}:  # the second time: while the hand-off is on its way
            kill(local, "scorer")
            kill(local, "router")
        killed_lead = disturbed.scored(count)
    assert disturbed.account() == undisturbed.account()

    expected = changes_of(messages(local, STAGE_CHANGED, lead["id"], reached("validate")))
    got = changes_of(messages(local, STAGE_CHANGED, killed_lead["id"], reached("validate")))
    assert got == expected
    assert len(messages(local, HANDOFF_SALES, killed_lead["id"], any_at_all)) == 1


def kill(local: Local, kind: str) -> None:
    """kill -9 every process of a kind."""
    for name, pid in local["pids"].items():
        if name.partition("-")[0] == kind:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def test_a_visitor_who_turns_out_to_be_known_joins_the_known_lead(local: Local) -> None:
    """Two leads become one: the union is scored, once-only rules count once, the old id points."""
    known = Person(local)
    known.send(
        known.identify("identify", minutes(0), title="Head of Finance"),
        known.track("newsletter", minutes(1), "newsletter_subscribed"),
    )
    survivor = known.scored(2)
    visitor = Person(local, email=known.email)
    visitor.send(
        visitor.visit("pricing", minutes(10), "/pricing", "Fees and services"),
        visitor.track("newsletter", minutes(11), "newsletter_subscribed"),
    )

    def seen_as_a_visitor() -> dict[str, Any] | None:
        items = local.api(f"/v1/leads?anonymous_id={visitor.browser}")["items"]
        return items[0] if items and len(visitor.timeline(items[0]["id"])) == 2 else None

    absorbed = eventually(seen_as_a_visitor, "the visitor is scored")
    assert not absorbed["known"]
    assert absorbed["id"] != survivor["id"]

    visitor.send(visitor.identify("identify", minutes(12)))
    lead = visitor.scored(5)
    assert lead["id"] == survivor["id"]
    assert sorted(lead["identifiers"]["anonymous_id"]) == sorted([known.browser, visitor.browser])
    assert local.api(f"/v1/leads/{absorbed['id']}")["merged_into"] == survivor["id"]
    rules = [rule for _, rule, points, *_ in visitor.account()["engagement"] if points]
    assert rules.count("newsletter") == 1
    assert rules.count("pricing-visit") == 1

    last = messages(
        local,
        STAGE_CHANGED,
        absorbed["id"],
        lambda found: bool(found) and found[-1]["merged_into"] is not None,
    )[-1]
    assert last["merged_into"] == survivor["id"]
    assert last["cause"] == "merge"


def test_an_anonymous_lead_is_handed_to_sales_when_it_gets_a_name(local: Local) -> None:
    """A sales hand-off needs a person: it waits, and goes once the visitor says who it is."""
    visitor = Person(local)
    visitor.send(
        visitor.track("demo", minutes(0), "demo_requested"),
        visitor.visit("pricing", minutes(1), "/pricing", "Fees and services"),
    )
    lead = visitor.scored(2)
    assert (lead["known"], lead["stage"]) == (False, "validate")
    (waiting,) = (
        each
        for each in messages(local, STAGE_CHANGED, lead["id"], reached("validate"))
        if each["to_stage"] == "validate"
    )
    assert waiting["handoff_waiting"]
    assert messages(local, HANDOFF_SALES, lead["id"], any_at_all, seconds=1) == []
    visitor.send(visitor.identify("identify", minutes(2)))
    (packet,) = messages(local, HANDOFF_SALES, lead["id"], any_at_all)
    assert packet["who"]["emails"] == [visitor.email]


def test_a_changed_rule_changes_the_outcome(local: Local) -> None:
    """Publishing a ruleset scores everybody again, hands nobody over, and holds for new events."""
    before, after = Person(local), Person(local)
    before.send(before.visit("pricing", minutes(0), "/pricing", "Fees and services"))
    lead = before.scored(1)
    shown = local.run("leadscore", "rules", "show")
    assert shown.returncode == 0, shown.stderr
    original = shown.stdout
    changed = changed_points(original, "pricing-visit", "points: 15", "points: 95")
    try:
        publish(local, changed, "--skip-tests")  # its stories tell of 15 points
        eventually(
            lambda: 95.0 in [entry[2] for entry in before.account()["engagement"]],
            "stored events are scored again",
        )
        assert messages(local, HANDOFF_SALES, lead["id"], any_at_all, seconds=1) == []
        after.send(
            after.identify("identify", minutes(0)),
            after.visit("pricing", minutes(1), "/pricing", "Fees and services"),
        )
        assert after.scored(2)["stage"] == "validate"
        move = local.api(f"/v1/leads/{lead['id']}/stages")["items"][0]
        assert (move["to_stage"], move["cause"]) == ("validate", "recalculation")
    finally:
        publish(local, original + "# published again\n")
    eventually(
        lambda: 15.0 in [entry[2] for entry in before.account()["engagement"]],
        "the first ruleset holds again",
    )


def changed_points(ruleset: str, rule: str, old: str, new: str) -> str:
    """The ruleset with the points of one rule changed."""
    head, mark, rest = ruleset.partition(f"- id: {rule}\n")
    assert mark
    assert old in rest
    return head + mark + rest.replace(old, new, 1)


def publish(local: Local, text: str, *options: str) -> None:
    path = local.folder / "ruleset.yaml"
    path.write_text(text)
    done = local.run("leadscore", "rules", "publish", str(path), *options)
    assert done.returncode == 0, done.stdout + done.stderr
