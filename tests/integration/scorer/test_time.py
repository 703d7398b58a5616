"""Time that acts by itself, rulesets that change, hand-offs that wait."""

from datetime import timedelta

from shared.envelope import milliseconds
from tests.integration.scorer.bench_of_leads import RULES, START, Workbench, happening, ruleset


async def test_a_score_that_decays_across_a_threshold_changes_the_stage(bench: Workbench) -> None:
    """20 points fall below 8 after 39.66 days: the lead falls at that instant, by no event."""
    await bench.take(happening(1, "content_downloaded", email="p@example.com", content_id="x"))
    assert await bench.pass_time(START + timedelta(days=39)) == 0
    assert await bench.pass_time(START + timedelta(days=60)) == 1
    fact = (await bench.facts())[-1]
    assert (fact["from_stage"], fact["to_stage"], fact["cause"]) == ("educate", "inform", "time")
    crossed = milliseconds(START) + 30 * 86_400_000 * 1.3219280948873624
    # A threshold is reached to within a billionth of a point: here, to within 2 ms.
    assert abs(fact["at_ms"] - crossed) <= 2
    assert await bench.pass_time(START + timedelta(days=90)) == 0


async def test_timers_wait_for_the_watermark(bench: Workbench) -> None:
    """While newer events still wait in a partition, nobody is demoted for lack of them."""
    await bench.take(happening(1, "content_downloaded", email="p@example.com", content_id="x"))
    await bench.take(happening(2, "content_downloaded", email="p@example.com", content_id="y",
                               after=38 * 1440))  # fmt: skip
    assert await bench.pass_time(START + timedelta(days=50)) == 0


async def test_nothing_due_reads_nothing(bench: Workbench) -> None:
    """The bound of the next due instant is kept while events only move it later."""
    await bench.take(happening(1, "content_downloaded", email="p@example.com", content_id="x"))
    first = await bench.connection.fetchval("SELECT due_ms FROM lead")
    await bench.take(happening(2, "email_clicked", email="p@example.com", after=60))
    assert await bench.connection.fetchval("SELECT due_ms FROM lead") == first
    assert await bench.pass_time(START + timedelta(days=40)) == 0
    assert await bench.connection.fetchval("SELECT due_ms FROM lead") > first


async def test_a_new_ruleset_scores_everybody_again_and_quietly(bench: Workbench) -> None:
    """Scores follow the new rules; changes say recalculation, their hand-offs are withheld."""
    await bench.take(
        happening(1, "email_clicked", email="p@example.com"),
        happening(2, "email_clicked", email="p@example.com", after=1),
    )
    text = RULES.replace("on: email_clicked, points: 10", "on: email_clicked, points: 30")
    assert await bench.publish(ruleset(text, version=2)) == 1
    [(_, _, _, earned, _)] = await bench.picture()
    assert [entry[3] for entry in earned] == [30.0, 30.0]
    fact = (await bench.facts())[-1]
    assert (fact["to_stage"], fact["cause"]) == ("validate", "recalculation")
    assert (fact["handoff"], fact["withheld"], fact["ruleset_version"]) == ("sales", True, 2)
    assert await bench.publish(bench.rules) == 0


async def test_a_batch_folds_leads_of_an_older_ruleset_first(bench: Workbench) -> None:
    """An event of a lead not yet recalculated is scored under the new rules, with its past."""
    await bench.take(happening(1, "email_clicked", email="p@example.com"))
    text = RULES.replace("on: email_clicked, points: 10", "on: email_clicked, points: 12")
    bench.rules = ruleset(text, version=2)
    await bench.take(happening(2, "email_clicked", email="p@example.com", after=1))
    [(_, _, _, earned, _)] = await bench.picture()
    assert [entry[3] for entry in earned] == [12.0, 12.0]


async def test_a_sales_handoff_waits_until_the_lead_is_known(bench: Workbench) -> None:
    """An anonymous lead reaches the sales stage; its hand-off goes when it gets a name."""
    for number in range(3):
        await bench.take(happening(number, "content_downloaded", anonymous_id="a", after=number,
                                   content_id=f"c{number}"))  # fmt: skip
    change = (await bench.facts())[-1]
    assert (change["to_stage"], change["handoff"], change["waiting"]) == ("validate", "sales", True)
    await bench.take(
        happening(9, "lead_identified", anonymous_id="a", email="p@example.com", after=9)
    )
    release = (await bench.facts())[-1]
    assert (release["kind"], release["seq"]) == ("handoff_released", change["seq"])
    assert release["known"]


async def test_late_events_read_the_ladder_once(bench: Workbench) -> None:
    """A late event that lifts a lead over two thresholds makes one change, caused by history."""
    await bench.take(happening(1, email="p@example.com", after=100))
    bench.watermark = START + timedelta(minutes=200)
    await bench.take(
        *[happening(10 + i, "content_downloaded", email="p@example.com", after=i,
                    content_id=f"c{i}") for i in range(3)]
    )  # fmt: skip
    causes = [(fact["cause"], fact["from_stage"], fact["to_stage"]) for fact in await bench.facts()]
    assert causes == [("history", "inform", "validate")]


async def test_a_visitors_waiting_handoff_becomes_the_known_leads(bench: Workbench) -> None:
    """The visitor reached the sales stage nameless; joining a known lead, sales is told once."""
    await bench.take(happening(1, email="p@example.com"))
    for number in range(3):
        await bench.take(happening(10 + number, "content_downloaded", anonymous_id="a",
                                   after=number, content_id=f"c{number}"))  # fmt: skip
    await bench.take(
        happening(20, "lead_identified", anonymous_id="a", email="p@example.com", after=9)
    )
    told = [
        (fact["cause"], fact["known"])
        for fact in await bench.facts()
        if fact["handoff"] == "sales" and not fact["waiting"]
    ]
    assert told == [("merge", True)]


async def test_what_sales_was_told_of_an_absorbed_lead_is_not_told_again(bench: Workbench) -> None:
    """The younger of two known leads was handed over; merged into the older, it isn't again."""
    await bench.take(happening(1, user_id="u1"))
    for number in range(3):
        await bench.take(happening(10 + number, "content_downloaded", email="p@example.com",
                                   after=1 + number, content_id=f"c{number}"))  # fmt: skip
    await bench.take(
        happening(20, "lead_aliased", email="p@example.com", after=9, previous_id="u1")
    )
    moves = [(fact["cause"], fact["to_stage"], fact["handoff"]) for fact in await bench.facts()]
    assert moves == [
        ("event", "educate", "content"),
        ("event", "validate", "sales"),
        ("merge", "validate", None),  # the absorbed lead's last
        ("merge", "inform", None),  # whom the older took in
        ("merge", "validate", None),
    ]


async def test_a_recalculation_hands_over_when_asked(bench: Workbench) -> None:
    """Published with hand-offs: the same change goes to sales."""
    await bench.take(happening(1, "email_clicked", email="p@example.com"))
    text = RULES.replace("on: email_clicked, points: 10", "on: email_clicked, points: 60")
    await bench.publish(ruleset(text, version=2), hand_off=True)
    fact = (await bench.facts())[-1]
    assert (fact["cause"], fact["handoff"], fact["withheld"]) == ("recalculation", "sales", False)
