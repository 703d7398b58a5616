"""Consent as it is stored: late words fold in, and hand-offs that lack it say so."""

from __future__ import annotations

import msgspec

from shared.lead_state import decode_scores
from tests.integration.scorer.bench_of_leads import Workbench, happening

EMAIL = "p@example.com"


async def test_a_late_withdrawal_takes_away_what_was_earned_after_it(bench: Workbench) -> None:
    """Last by occurrence counts: folded again, the later event earns nothing."""
    await bench.take(happening(1, "email_clicked", email=EMAIL))
    await bench.take(happening(3, "email_clicked", email=EMAIL, after=60))
    withdrawn = msgspec.structs.replace(
        happening(2, "preferences_saved", email=EMAIL, after=30, source="site"),
        consent={"scoring": {"granted": False, "text": "v2"}},
    )
    await bench.take(withdrawn)
    [(_, _, _, earned, _)] = await bench.picture()
    assert [entry[3] for entry in earned] == [10.0, 0.0]
    state = decode_scores(await bench.connection.fetchval("SELECT scores FROM lead"))
    said = state.consent["scoring"]
    assert (said.granted, said.source, said.text) == (False, "site", "v2")


async def test_a_complaint_stops_what_would_be_handed_to_content(bench: Workbench) -> None:
    """The stage is told all the same, with what stands against the hand-off."""
    await bench.take(
        happening(1, "email_complained", email=EMAIL, source="sendgrid"),
        happening(2, "content_downloaded", email=EMAIL, after=1, content_id="x"),
    )
    fact = (await bench.facts())[-1]
    assert (fact["to_stage"], fact["handoff"]) == ("educate", "content")
    assert fact["suppressed"] == "marketing_email"
