"""How a lead's main score compares with other leads'."""

from __future__ import annotations

import pytest

from services.router.packet import build_packet
from services.router.percentiles import Drawn, main_model
from services.router.ruleset_words import RulesetWords, words_of
from tests.unit.router.people import NOW_MS, lead, sales_fact

MODELS = """
models:
  fit: {rules: [{id: big, on: lead_identified, points: 60}]}
  engagement: {rules: [{id: visit, on: page_viewed, points: 5}]}
"""
LADDER = """
stages:
  ladder: [{name: inform}, {name: educate, enter: {engagement: 20}, leave: {engagement: 10}}]
"""
GRADE = """
grade:
  {fit: engagement, engagement: fit, fit_bounds: {A: 60, B: 30}, engagement_bounds: {1: 80, 2: 30}}
"""


@pytest.mark.parametrize(
    ("rules", "model"),
    [
        (MODELS + LADDER, "engagement"),
        (MODELS + LADDER + GRADE, "fit"),
        (MODELS + "stages: {ladder: [{name: inform}]}\n", "fit"),
    ],
)
def test_the_main_score_is_what_the_ruleset_shows(rules: str, model: str) -> None:
    """The grade's engagement, else what the ladder asks for, else the first."""
    core = words_of(rules).core
    assert core is not None
    assert main_model(core) == model


def test_the_share_of_leads_below_is_told() -> None:
    """Those with the same score aren't below; with few leads nothing is told."""
    drawn = Drawn("engagement", (0.0,) * 30 + (61.0,) * 10, NOW_MS)
    packet = build_packet(sales_fact(), lead(), RulesetWords(), "", drawn=drawn)
    assert packet.percentile == 75.0
    assert packet.percentile_of is not None
    assert packet.percentile_of.model_dump() == {
        "model": "engagement",
        "leads": 40,
        "at": "2026-05-03T09:20:00.000Z",
    }
    for nothing in (Drawn("engagement", (1.0,) * 19, 0), Drawn("other", (1.0,) * 99, 0), None):
        packet = build_packet(sales_fact(), lead(), RulesetWords(), "", drawn=nothing)
        assert (packet.percentile, packet.percentile_of) == (None, None)
