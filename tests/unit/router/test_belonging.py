"""Persona, segments and grade in a hand-off packet."""

from __future__ import annotations

from services.router.belonging import belonging_of
from services.router.packet import build_packet
from services.router.ruleset_words import RulesetWords, words_of
from shared.lead_state import Consent, ModelState, ScoreState, Sum
from tests.unit.router.people import NOW_MS, lead, sales_fact

RULES = """
personas:
  - {id: decider, when: {field: traits.title, contains: chief, ignore_case: true}}
  - {id: user, when: {field: traits.title, exists: true}}
segments:
  - {id: large, when: {field: traits.company_size, gte: 200}}
  - {id: titled, when: {field: traits.title, exists: true}}
models:
  fit:
    rules: [{id: big, when: {segment: large}, points: 60}]
  engagement:
    rules: [{id: visit, on: page_viewed, points: 5}]
grade:
  {fit: fit, engagement: engagement, fit_bounds: {A: 60, B: 30}, engagement_bounds: {1: 80, 2: 30}}
stages:
  ladder: [{name: inform}]
"""
CHIEF = ScoreState(
    traits={"title": "Chief of staff", "company_size": 300},
    models={"fit": ModelState(sums={0: Sum(NOW_MS, 60.0)})},
)


def test_a_packet_tells_persona_segments_and_grade() -> None:
    """The first persona that fits, all segments that do, in the order of the ruleset."""
    words = words_of(RULES)
    belonging = belonging_of(words.core, CHIEF, NOW_MS)
    packet = build_packet(sales_fact(), lead(), words, "", belonging=belonging)
    assert (packet.persona, packet.segments, packet.grade) == ("decider", ["large", "titled"], "A3")


def test_a_ruleset_that_cannot_be_read_tells_none() -> None:
    """The hand-off still goes."""
    found = belonging_of(None, CHIEF, NOW_MS)
    assert (found.persona, found.segments, found.grade) == (None, (), None)


def test_what_a_lead_allows_is_known_even_without_its_ruleset() -> None:
    """Its own word, and else what holds by default."""
    state = ScoreState(consent={"marketing_email": Consent(False, NOW_MS, "esp")})
    core = words_of(RULES + "consent: {default: {sales_contact: denied}}\n").core
    for ruleset, calls in ((None, True), (core, False)):
        packet = build_packet(
            sales_fact(), lead(), RulesetWords(), "", belonging=belonging_of(ruleset, state, NOW_MS)
        )
        said = packet.consent.purposes
        mail = said["marketing_email"]
        assert (mail.granted, mail.by_default, mail.source) == (False, False, "esp")
        assert mail.since == "2026-05-03T09:20:00.000Z"
        assert (said["sales_contact"].granted, said["sales_contact"].by_default) == (calls, True)
        assert (packet.suppression.suppressed, packet.suppression.why) == (
            True,
            ["marketing_email"],
        )
