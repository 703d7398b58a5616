"""Who must not be written to or handed over."""

from __future__ import annotations

import pytest

from services.router.ruleset_words import words_of
from services.router.suppression import Standing, why_not
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import Consent, ScoreState
from tests.unit.router.people import NOW_MS

RULES = """
segments: [{id: rivals, when: {field: traits.company, eq: Rival}}]
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}], side: [{name: out, on: lead_disqualified}]}
suppress:
  competitor: {domains: rival.example, segments: rivals}
  staff: {domains: ["@Us.example"]}
  stages: out
"""
WORDS = words_of(RULES)


def standing(email: str = "sarah@home.example", **over: object) -> Standing:
    fields: dict[str, object] = {
        "state": ScoreState(),
        "stage": "low",
        "identifiers": ((ANONYMOUS, "a1"), (EMAIL, email)),
        "at_ms": NOW_MS,
        **over,
    }
    return Standing(**fields)  # type: ignore[arg-type]


def why(receiver: str, lead: Standing) -> str:
    return why_not(receiver, WORDS.core, WORDS.suppress, lead)  # type: ignore[arg-type]


@pytest.mark.parametrize("receiver", ["content", "sales"])
def test_competitors_staff_and_who_is_out_get_nothing(receiver: str) -> None:
    """By the domain of an address and those below it, by segment, and by stage."""
    assert why(receiver, standing()) == ""
    assert why(receiver, standing("a@rival.example")) == "competitor"
    assert why(receiver, standing("a@mail.rival.example")) == "competitor"
    assert why(receiver, standing("a@unrival.example")) == ""
    assert why(receiver, standing("b@us.example")) == "staff"
    assert why(receiver, standing(stage="out")) == "disqualified"
    rival = ScoreState(traits={"company": "Rival"})
    assert why(receiver, standing(state=rival)) == "competitor"


def test_what_a_person_said_comes_first() -> None:
    """Who unsubscribed gets no content; sales may still call, unless that was forbidden, too."""
    said = ScoreState(consent={"marketing_email": Consent(False, 1)})
    assert why("content", standing(state=said)) == "marketing_email"
    assert why("sales", standing(state=said)) == ""
    bounced = ScoreState(consent={"email_delivery": Consent(False, 1)})
    assert why("content", standing(state=bounced)) == "email_bounced"
    silent = ScoreState(consent={"sales_contact": Consent(False, 1)})
    assert why("sales", standing(state=silent)) == "sales_contact"


def test_a_bounce_hides_no_reason_that_holds_for_all_channels() -> None:
    """An address that bounced stops mails alone: a competitor gets no text message either."""
    bounced = ScoreState(consent={"email_delivery": Consent(False, 1)})
    assert why("content", standing("a@rival.example", state=bounced)) == "competitor"
    assert why("content", standing(stage="out", state=bounced)) == "disqualified"


def test_a_ruleset_that_says_nothing_suppresses_nobody() -> None:
    """Consent counts even where the version can't be read."""
    assert why_not("sales", None, None, standing("a@rival.example")) == ""
    said = ScoreState(consent={"marketing_email": Consent(False, 1)})
    assert why_not("content", None, None, standing(state=said)) == "marketing_email"
