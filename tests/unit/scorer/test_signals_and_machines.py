"""Which events count: repeated signals and machines' clicks, against the second opinion."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.fold import extend, fold_scores, new_journeys, new_state, position
from services.scorer.core.machines import KEPT, NEAR_MS, judged_again_from, remember
from services.scorer.core.signals import MOST_SIGNALS, compile_signals, is_confirmation
from services.scorer.slow.lead import Oracle
from shared.envelope import Event, Verdict
from shared.lead_state import ScoreState, encode_scores
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import START_MS, compiled, event_of
from tests.unit.scorer.effort import examples

RULESET: Plain = {
    "models": {
        "engagement": {
            "decay": {"half_life": "30d"},
            "cap": 60,
            "rules": [
                {"id": "open", "on": "email_opened", "points": 2},
                {"id": "click", "on": "email_clicked", "points": 8,
                 "limit": {"times": 4, "per": "day"}},
                {"id": "form", "on": "form_submitted", "points": 15},
                {"id": "buy", "on": "purchase_made", "points": 20},
                {"id": "any", "on": "*", "points": 1},
                {"id": "often", "points": 5,
                 "when": {"count": {"on": "email_clicked", "within": "1d", "at_least": 3}}},
            ],
        }
    },
    "signals": {
        "form_submitted": {"same": ["properties.form", "identifiers.email"], "within": "10m"},
        "purchase_made": {"same": ["properties.order_id"]},
    },
    "stages": {"ladder": [{"name": "in"}, {"name": "up", "enter": {"engagement": 30}}]},
}  # fmt: skip
CORE = compiled(RULESET)
LIMITS = CORE.machines


def happened(
    number: int, kind: str, after_ms: int, *, source: str = "esp", bot: bool = False, **said: Any
) -> Plain:
    return {
        "id": str(number), "source": source, "type": kind, "ms": START_MS + after_ms,
        "properties": said, "traits": {}, "context": {}, "bot": bot,
        "identifiers": {"email": "sarah@example.com"},
    }  # fmt: skip


def event(plain: Plain) -> Event:
    """Not judged a person's: nobody can know that."""
    return msgspec.structs.replace(
        event_of(plain), verdict=Verdict("bot" if plain["bot"] else "unknown")
    )


mail_types = st.sampled_from(
    ["email_delivered", "email_opened", "email_clicked", "email_clicked", "email_clicked",
     "email_link_trap"]
)  # fmt: skip
times = st.one_of(
    st.integers(0, 25_000),
    st.integers(0, 40).map(lambda seconds: seconds * 5_000),
    st.sampled_from([1_999, 2_000, 2_001, 9_999, 10_000, 10_001, 59_999, 60_000, 60_001]),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Plain]:
    """Mails to one person, forms, purchases, and what an operator says of them."""
    line: list[Plain] = []
    for number in range(draw(st.integers(1, 18))):
        at_ms = draw(times)
        match draw(st.integers(0, 9)):
            case 0:
                said: Plain = {"form": draw(st.sampled_from(["a", "b"]))}
                kind = "form_submitted"
            case 1:
                said = {"order_id": draw(st.sampled_from(["1", "2", None]))}
                if draw(st.booleans()):
                    said["signal_key"] = draw(st.sampled_from(["k", "", 7]))
                kind = "purchase_made"
            case _:
                kind = draw(mail_types)
                said = {"message_id": draw(st.sampled_from(["m1", "m1", "m2", ""]))}
                if kind == "email_clicked":
                    said["url"] = f"https://x.example/{draw(st.integers(0, 7))}"
        source = draw(st.sampled_from(["esp", "web"]))
        bot = kind == "email_link_trap" or draw(st.integers(0, 9)) == 0
        line.append(happened(number, kind, at_ms, source=source, bot=bot, **said))
    for number in range(draw(st.integers(0, 2))):
        of = draw(st.sampled_from(line))
        said = {"verdict": draw(st.sampled_from(["human", "bot"])), "from_ms": START_MS}
        if draw(st.booleans()):
            said["message_id"] = "m1"
        else:
            said["events"] = [[of["source"], of["id"]]]
        line.append(happened(100 + number, "events_judged", draw(times), source="operator", **said))
    return line


def shown(core_entries: list[list[Any]], line: list[Event]) -> list[tuple[Any, ...]]:
    return [
        (one.id, CORE.by_number[entry.rule].name, round(entry.points, 6), entry.raw,
         entry.clipped if abs(entry.points - entry.raw) > 1e-9 else "")
        for one, entries in zip(line, core_entries, strict=True)
        for entry in entries
    ]  # fmt: skip


@examples(300)
@given(histories())
def test_core_and_second_opinion_set_the_same_aside(history: list[Plain]) -> None:
    """With the same words."""
    line = sorted((event(plain) for plain in history), key=position)
    folded = fold_scores(CORE, new_state(), line)
    oracle = Oracle(RULESET, history)
    theirs = [
        (one.by[2], one.rule, round(one.points, 6), one.raw,
         one.clipped if abs(one.points - one.raw) > 1e-9 else "")
        for one in oracle.entries
        if one.by is not None
    ]  # fmt: skip
    assert shown(folded.entries, line) == theirs


@examples(300)
@given(histories(), st.lists(st.integers(0, 30), max_size=5))
def test_adding_batches_and_folding_again_where_asked_gives_what_all_at_once_gives(
    history: list[Plain], cuts: list[int]
) -> None:
    """However the events are cut: the same state to the last bit."""
    line = sorted((event(plain) for plain in history), key=position)
    whole = fold_scores(CORE, new_state(), line)
    edges = sorted({0, len(line), *(cut % (len(line) + 1) for cut in cuts)})
    state, entries = new_state(), []
    for first, last in pairwise(edges):
        if judged_again_from(LIMITS, state, line[first:last]) is not None:
            again = fold_scores(CORE, new_state(), line[:last])
            state, entries = again.state, again.entries
            continue
        journeys = new_journeys(CORE, START_MS)
        added = extend(CORE, state, journeys, line[first:last], True)
        entries = [*entries, *added.entries]
    assert shown(entries, line) == shown(whole.entries, line)
    assert encode_scores(state) == encode_scores(whole.state)


def points(history: list[Plain]) -> dict[str, tuple[float, str]]:
    """By event, what its first rule gave, and what was said."""
    line = sorted((event(plain) for plain in history), key=position)
    folded = fold_scores(CORE, new_state(), line)
    return {
        one.id: (entries[0].points, entries[0].clipped)
        for one, entries in zip(line, folded.entries, strict=True)
        if entries
    }


def clicks(number: int, every_ms: int, message: str = "m1", start: int = 0) -> list[Plain]:
    return [
        happened(start + one, "email_clicked", 60_000 + one * every_ms, message_id=message,
                 url=f"https://x.example/{one}")
        for one in range(number)
    ]  # fmt: skip


def test_many_links_of_one_mail_within_seconds_are_a_machines() -> None:
    """All of them, the first as well; a person's few are not, nor those of many mails."""
    told = points(clicks(6, 500))
    assert set(told.values()) == {(0.0, "retracted: 5 links of one mail within 10 s")}
    assert all(given > 0 for given, _ in points(clicks(4, 500)).values())
    assert all(why == "" for _, why in points(clicks(4, 4_000)).values())
    same = [{**one, "properties": {"message_id": "m1", "url": "u"}} for one in clicks(9, 200)]
    assert points(same)["0"] == (8.0, "")


def test_a_click_at_the_delivery_is_a_machines_unless_it_was_opened() -> None:
    """Nobody reads so fast."""
    mail = {"message_id": "m1"}
    delivered = happened(1, "email_delivered", 0, **mail)
    click = happened(3, "email_clicked", 1_500, url="u", **mail)
    assert points([delivered, click])["3"] == (0.0, "retracted: clicked within 2 s of the delivery")
    opened = happened(2, "email_opened", 900, **mail)
    assert points([delivered, opened, click])["3"] == (8.0, "")
    proxy = happened(2, "email_opened", 900, bot=True, **mail)
    assert points([delivered, proxy, click])["3"][0] == 0.0
    later = happened(3, "email_clicked", 2_001, url="u", **mail)
    assert points([delivered, later])["3"] == (8.0, "")


def test_who_follows_what_cannot_be_seen_followed_everything() -> None:
    """Of that mail, within a minute."""
    click = happened(1, "email_clicked", 0, message_id="m1", url="u")
    other = happened(2, "email_clicked", 0, message_id="m2", url="u")
    trap = happened(3, "email_link_trap", 60_000, bot=True, message_id="m1")
    told = points([click, other, trap])
    why = "retracted: a link that people don't see was followed, too"
    assert (told["1"], told["2"]) == ((0.0, why), (8.0, ""))
    assert points([click, {**trap, "ms": trap["ms"] + 1}])["1"] == (8.0, "")


def test_a_better_reason_that_comes_later_is_the_one_told() -> None:
    """Whether the events come together or one by one: the lead is folded again for the reason."""
    mail = {"message_id": "m1"}
    first = [
        happened(1, "email_delivered", 0, **mail),
        happened(2, "email_clicked", 1_500, url="u", **mail),
    ]
    trap = event(happened(3, "email_link_trap", 5_000, bot=True, **mail))
    state = fold_scores(CORE, new_state(), [event(one) for one in first]).state
    assert judged_again_from(LIMITS, state, [trap]) is not None


def test_an_operators_word_stands_above_it() -> None:
    """The last one, for one event or all of a mail."""
    line = clicks(6, 500)
    human = happened(
        50, "events_judged", 90_000, source="operator", verdict="human", message_id="m1"
    )
    assert points([*line, human])["0"] == (8.0, "")
    bot = happened(51, "events_judged", 91_000, source="operator", verdict="bot",
                   events=[["esp", "0"]])  # fmt: skip
    told = points([*line, human, bot])
    assert told["0"] == (0.0, "retracted: by hand")
    assert told["1"] == (8.0, "")
    outside = {**human, "source": "web"}
    assert points([*line, outside])["0"][0] == 0.0


def test_what_is_said_twice_counts_once() -> None:
    """The first by position, whichever source told of it; the next of its type confirms it."""
    form = {"form": "demo"}
    line = [
        happened(1, "form_submitted", 0, source="web", **form),
        happened(2, "form_submitted", 3_000, source="typeform", **form),
        happened(3, "form_submitted", 700_000, source="web", **form),
        happened(4, "purchase_made", 0, source="shop", order_id="A-1"),
        happened(5, "purchase_made", 86_400_000, source="crm", order_id="A-1"),
        happened(6, "email_opened", 0, message_id="m1"),
        happened(7, "email_opened", 500_000, message_id="m1"),
        happened(8, "webinar_attended", 0, signal_key="w1"),
        happened(9, "webinar_attended", 60_000, signal_key="w1"),
        happened(10, "webinar_registered", 90_000, source="zoom", signal_key="w1"),
    ]
    told = points(line)
    assert {name for name, (_, why) in told.items() if why == "confirmation"} == {
        "2",
        "5",
        "7",
        "9",
    }
    assert told["1"][0] == told["3"][0] == 15.0
    every = compiled({**RULESET, "signals": {"email_opened": "every"}})
    opened = sorted((event(one) for one in line if one["type"] == "email_opened"), key=position)
    again = fold_scores(every, new_state(), opened)
    assert [entries[0].points for entries in again.entries] == [2.0, 2.0]


def test_a_state_stays_small_whatever_comes() -> None:
    """So many signals, and a minute of mails."""
    state = ScoreState()
    signals = compile_signals({})
    for number in range(MOST_SIGNALS + 50):
        one = event(happened(number, "email_opened", number, message_id=str(number)))
        assert not is_confirmation(signals, state, one, number)
    assert len(state.signals) == MOST_SIGNALS
    for number in range(500):
        remember(state, (number, 2, 1, number))
    assert len(state.mails) == KEPT
    remember(state, (500 + NEAR_MS, 2, 1, 1))
    assert len(state.mails) == 1


@pytest.mark.parametrize(
    ("machines", "points_of_first"),
    [("off", 8.0), ({"links": 7}, 8.0), ({"links": 3}, 0.0), ({"within": "1s"}, 8.0)],
)
def test_a_ruleset_says_what_a_machine_is(machines: object, points_of_first: float) -> None:
    """Or that there are none."""
    core = compiled({**RULESET, "machines": machines})
    line = [event(one) for one in clicks(6, 500)]
    assert fold_scores(core, new_state(), line).entries[0][0].points == points_of_first
