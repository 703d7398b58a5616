"""What is new since a lead was handed over the last time."""

from __future__ import annotations

from services.router.packet import build_packet
from services.router.ruleset_words import RulesetWords
from services.router.since_last import Moved, since_last
from tests.unit.router.people import DAY_MS, NOW_MS, event, lead, page, sales_fact

WORDS = RulesetWords(handoffs={"main": {"educate": "content"}})


def moved(seq: int, days_ago: float, to: str, **over: object) -> Moved:
    fields: dict[str, object] = {
        "seq": seq, "at_ms": NOW_MS - int(days_ago * DAY_MS), "journey": "main",
        "from_stage": "inform", "to_stage": to, "cause": "event", "episode": 1, **over,
    }  # fmt: skip
    return Moved(**fields)  # type: ignore[arg-type]


def test_scores_deeds_and_moves_since_then_are_told() -> None:
    """What was before isn't; the move that hands over now is."""
    someone = lead(
        page("/blog/x", "New", 1),
        event("content_downloaded", 9, properties={"title": "Old"}),
        moves=(
            moved(4, 0, "validate", from_stage="involve", handed="sales"),
            moved(3, 1, "involve", from_stage="educate", handed=""),
            moved(2, 8, "educate", handed="content", scores={"engagement": 21.0, "gone": 1.0}),
            moved(1, 20, "inform", handed="sales"),
        ),
    )
    found = build_packet(sales_fact(), someone, WORDS, "").since_last
    assert found is not None
    assert (found.handoff, found.sequence, found.stage, found.days) == ("content", 2, "educate", 8)
    assert found.at == "2026-04-25T09:20:00.000Z"
    assert found.scores == {"engagement": 40.0}
    assert found.deeds == ["read “New” on 2 May"]
    assert [(move.from_stage, move.to_stage) for move in found.moves] == [
        ("involve", "validate"),
        ("educate", "involve"),
    ]


def test_a_first_hand_off_has_none() -> None:
    """Nor has one whose earlier ones were withheld, or wait."""
    assert since_last([], [], {}, WORDS, 4, NOW_MS) is None
    assert since_last([moved(2, 1, "educate", handed="")], [], {}, WORDS, 4, NOW_MS) is None


def test_where_facts_are_gone_the_ladder_tells_who_got_the_lead() -> None:
    """But a recalculation hands nobody over, and a lock moves nobody."""
    found = since_last([moved(2, 1, "educate")], [], {"engagement": 5.0}, WORDS, 4, NOW_MS)
    assert found is not None
    assert (found.handoff, found.scores) == ("content", {})
    for over in ({"cause": "recalculation"}, {"from_stage": "educate"}):
        assert since_last([moved(2, 1, "educate", **over)], [], {}, WORDS, 4, NOW_MS) is None
    assert since_last([moved(2, 1, "involve")], [], {}, WORDS, 4, NOW_MS) is None
