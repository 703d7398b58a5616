"""The hand-off packet tells what the receiver needs, and nothing they may not have."""

from __future__ import annotations

import msgspec

from services.router.packet import PACKET_MAX_BYTES, Waited, build_packet
from services.router.reasons import Earned, Given
from services.router.ruleset_words import RulesetWords, words_of
from services.router.since_last import Moved
from shared.envelope import Identifiers
from shared.facts import HandoffReleased, StageChanged
from shared.lead_state import JourneyState
from tests.unit.router.people import DAY_MS, LEAD, NOW_MS, event, lead, page, sales_fact

EBOOK = "Your Guide to a Secure Retirement"
ARTICLE = "Common retirement mistakes"
WORDS = RulesetWords(
    labels={"main": {"validate": ["MQL"]}, "renewal": {"validate": ["signed"]}},
    says={"engagement/ebook": "downloaded “{properties.title}”"},
    fading={"engagement/ebook": ("half_life", 10 * DAY_MS)},
)


def test_it_names_the_e_book_and_the_articles() -> None:
    """Content is told once each, with its address and how often, shop window left out."""
    packet = build_packet(
        sales_fact(),
        lead(
            page("/pricing", "Pricing"),
            page("/blog/mistakes", ARTICLE, 1, "page_left"),
            page("/blog/mistakes", ARTICLE, 1),
            page("/blog/mistakes", ARTICLE, 2),
            event("video_watched", 3, properties={"title": "Anna's story"}),
            event("content_downloaded", 9, properties={"title": EBOOK}),
        ),
        WORDS,
        "",
    )
    told = [(each.kind, each.title, each.times) for each in packet.content]
    assert told == [("article", ARTICLE, 2), ("video", "Anna's story", 1), ("download", EBOOK, 1)]
    assert packet.content[0].url == "https://adviser.example/blog/mistakes"


def test_reasons_are_in_the_rulesets_words_the_strongest_now_first() -> None:
    """What decayed counts for less; points as granted and what is left stand beside each other."""
    packet = build_packet(
        sales_fact(),
        lead(
            Earned(page("/pricing", "Pricing"), (("engagement/pricing", 10.0),)),
            Earned(page("/pricing", "Pricing", 1), (("engagement/pricing", 10.0),)),
            Earned(
                event("content_downloaded", 10, properties={"title": EBOOK}),
                (("engagement/ebook", 30.0),),
            ),
            Earned(event("email_unsubscribed", 11), (("engagement/unsubscribed", -40.0),)),
        ),
        WORDS,
        "",
    )
    pricing, ebook = packet.reasons
    assert pricing.words == "viewed “Pricing” on 3 May 2026, the last of 2 times"
    assert (pricing.points, pricing.value, pricing.times) == (20.0, 20.0, 2)
    assert ebook.words == f"downloaded “{EBOOK}” on 23 April 2026"
    assert (ebook.points, ebook.value) == (30.0, 15.0)


def test_what_time_gave_is_a_reason_and_what_it_took_back_is_none() -> None:
    """A rule that a condition over time turned counts like one that an event did; without words of
    its own its name is told.
    """
    pricing = Earned(page("/pricing", "Pricing", 3), (("engagement/pricing", 10.0),))
    senior = Earned(event("lead_identified", 20), (("fit/senior", 15.0), ("fit/steady", 5.0)))
    day = NOW_MS - 2 * DAY_MS
    packet = build_packet(
        sales_fact(),
        lead(
            pricing,
            senior,
            by_time=(
                Given(day + DAY_MS, (("fit/steady", 5.0), ("engagement/quiet", -15.0))),
                Given(day, (("fit/senior", -15.0), ("fit/steady", -5.0), ("fit/cool-off", 4.0))),
            ),
        ),
        RulesetWords(says={"fit/steady": "came {properties.often|every week}"}),
        "",
    )
    assert [(each.rule, each.value, each.times) for each in packet.reasons] == [
        ("engagement/pricing", 10.0, 1),
        ("fit/steady", 5.0, 2),
        ("fit/cool-off", 4.0, 1),
    ]
    assert [each.words for each in packet.reasons[1:]] == [
        "came every week on 2 May 2026, the last of 2 times",
        "cool off on 1 May 2026",
    ]
    assert packet.reasons[1].last_at == "2026-05-02T09:20:00.000Z"


def test_it_says_who_where_and_what_changed() -> None:
    """Identifiers, chosen traits, stage with label, scores, the tipping entries, the link."""
    packet = build_packet(sales_fact(), lead(), WORDS, "https://leads.example/")
    assert packet.who.emails == ["sarah@adviser.example"]
    assert packet.who.traits == {"name": "Sarah", "title": "Teacher"}
    assert (packet.stage.name, packet.stage.from_stage) == ("validate", "involve")
    assert (packet.stage.labels, packet.stage.since) == (["MQL"], "2026-05-03T09:20:00.000Z")
    assert packet.scores == {"engagement": 61.0, "fit": 20.0}
    assert [each.rule for each in packet.what_changed] == ["engagement/pricing"]
    assert packet.link == f"https://leads.example/v1/leads/{LEAD}"


def test_what_later_versions_fill_is_there_as_null() -> None:
    """Receivers see from the start which fields will come."""
    told = build_packet(sales_fact(), lead(), WORDS, "").model_dump()
    for name in (
        "persona",
        "grade",
        "percentile",
        "next",
        "account",
        "interests",
        "inflow",
        "link",
    ):
        assert told[name] is None


def test_the_last_ten_actions_are_in_words_the_newest_first() -> None:
    """No more than ten, and no query strings: they hold tokens."""
    events = [page("/blog/x", f"Post {number}", number) for number in range(15)]
    packet = build_packet(sales_fact(), lead(*events), WORDS, "")
    assert [each.words for each in packet.last_actions] == [
        f"viewed “Post {number}”" for number in range(10)
    ]
    assert "secret" not in packet.model_dump_json()


def test_what_a_person_did_with_the_lead_is_not_among_its_actions() -> None:
    """A stage set by hand is ours, not theirs."""
    by_hand = event("stage_overridden", 0, source="operator", properties={"stage": "validate"})
    packet = build_packet(sales_fact(), lead(by_hand, page("/blog/x", "Post", 1)), WORDS, "")
    assert [each.words for each in packet.last_actions] == ["viewed “Post”"]


def test_stages_have_the_labels_of_their_journey() -> None:
    """Two journeys may use one name."""
    fact = msgspec.structs.replace(sales_fact(), journey="renewal")
    assert build_packet(fact, lead(), WORDS, "").stage.labels == ["signed"]


def test_suppression_and_consent_are_told() -> None:
    """Who unsubscribed and came back may be written to; who complained may not."""
    back = build_packet(
        sales_fact(),
        lead(
            event("page_viewed", consent={"marketing": True, "deep": {"a": 1}}),
            marks={"email_unsubscribed": 5, "newsletter_subscribed": 6},
        ),
        WORDS,
        "",
    )
    assert not back.suppression.suppressed
    assert back.consent.given == {"marketing": True}
    gone = build_packet(
        sales_fact(),
        lead(
            marks={"email_complained": NOW_MS, "email_unsubscribed": 7, "newsletter_subscribed": 6}
        ),
        WORDS,
        "",
    )
    assert gone.suppression.suppressed
    assert gone.suppression.complained_at == "2026-05-03T09:20:00.000Z"
    assert gone.suppression.unsubscribed_at is not None
    assert gone.consent.given is None


def test_a_released_hand_off_tells_of_the_change_it_waited_from() -> None:
    """The stage was entered while the lead was unknown: since when, from where, why."""
    change = sales_fact()
    fields = {name: getattr(change, name) for name in StageChanged.__struct_fields__}
    at_release = {"at_ms": NOW_MS + DAY_MS, "from_stage": "validate", "reasons": []}
    fact = HandoffReleased(**{**fields, **at_release})
    waited = Waited("involve", NOW_MS, "history", tuple(change.reasons))
    packet = build_packet(fact, lead(), WORDS, "", waited)
    assert (packet.stage.from_stage, packet.stage.cause) == ("involve", "history")
    assert packet.stage.since == "2026-05-03T09:20:00.000Z"
    assert packet.at == "2026-05-04T09:20:00.000Z"
    assert [each.rule for each in packet.what_changed] == ["engagement/pricing"]


def test_it_stays_under_20_kb_whatever_was_sent() -> None:
    """Long titles, many rules, many identifiers: cut, the least telling first."""
    long = "ü" * 5_000
    events = [
        Earned(
            event(
                "content_downloaded",
                number,
                properties={"title": f"{number} {long}", "url": f"https://a.example/{long}"},
                consent={f"{key}{long}": long for key in range(30)},
                identifiers=Identifiers(email="a@b.example"),
            ),
            tuple((f"engagement/{long}{rule}", 1.0) for rule in range(30)),
        )
        for number in range(200)
    ]
    big = lead(
        *events,
        identifiers=tuple(
            (kind, f"{number}{long}") for kind in range(1, 6) for number in range(99)
        ),
        traits={"name": long, "company": long},
    )
    packet = build_packet(sales_fact(), big, WORDS, "")
    assert len(packet.model_dump_json().encode()) <= PACKET_MAX_BYTES


def test_a_row_s_hand_off_tells_the_stage_of_the_lead_and_what_the_row_is_called() -> None:
    """Not the ladder that only we know, whose stages are `in` and `out`."""
    words = words_of(
        "models: {engagement: {rules: [{id: v, on: page_viewed, points: 1}]}}\n"
        "bands: {engagement: [{name: cold}, {name: hot, from: 50}]}\n"
        "stages: {ladder: [{name: low}, {name: high, labels: [MQL], enter: {engagement: 5}}]}\n"
        "handoffs: [{id: hot, title: A hot lead, band: {model: engagement, name: hot},"
        " do: {handoff: sales}}]\n"
    )
    moves = (
        Moved(7, NOW_MS, "band:hot", "out", "in", "event", 2),
        Moved(6, NOW_MS - DAY_MS, "main", "low", "high", "time", 3),
        Moved(5, NOW_MS - 9 * DAY_MS, "band:hot", "out", "in", "event", 1),
        Moved(2, NOW_MS - 30 * DAY_MS, "main", "", "low", "event", 1),
    )
    someone = lead(
        moves=moves, journeys=(JourneyState("main", "high", NOW_MS - DAY_MS, 0, episode=3),)
    )
    fact = sales_fact(journey="band:hot", from_stage="out", to_stage="in", seq=7, rows=["hot"])
    packet = build_packet(fact, someone, words, "")
    assert (packet.stage.journey, packet.stage.name, packet.stage.from_stage) == (
        "main", "high", "low",
    )  # fmt: skip
    assert (packet.stage.labels, packet.stage.episode, packet.stage.cause) == (["MQL"], 3, "time")
    assert packet.stage.since == "2026-05-02T09:20:00.000Z"
    assert packet.summary == "Sarah, Teacher (A hot lead, on 3 May)."
    last = packet.since_last
    assert last is not None
    assert (last.handoff, last.sequence, last.stage, last.days) == ("sales", 5, "low", 9)
    assert [(move.from_stage, move.to_stage) for move in last.moves] == [("low", "high")]
    company = sales_fact(journey="account:group:g", from_stage="cold", to_stage="warm", seq=0)
    of_company = build_packet(company, someone, words, "")
    assert of_company.summary == "Sarah, Teacher (the company reached warm, on 3 May)."
    assert of_company.since_last is not None
    assert of_company.since_last.sequence == 7
