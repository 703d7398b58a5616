"""Next steps as they are shown."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import pytest

from services.console.lead_commands import told
from services.console.lead_view import LeadRow
from services.console.next_view import BECAUSE, show_next, whose
from services.console.ruleset_view import RulesetView, view_of
from services.scorer.core.fold import extend, new_journeys, new_state
from services.scorer.core.next_steps import Why, next_steps
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL
from shared.ruleset.reading import read_ruleset

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS
LEAD = UUID("01998a52-7f0e-7b5c-a3a1-0e6f6f0f9d11")
RULES = """
models:
  m:
    decay: {half_life: 10d}
    rules:
      - {id: letter, on: newsletter_subscribed, points: 10, limit: once}
      - {id: sale, on: visited, points: 9, valid: {to: 2020-01-01}}
      - {id: read, on: page_viewed, points: 30, effort: 2, say: "read {context.page.path}",
         when: {field: context.page.path, glob: /docs*}}
stages:
  ladder:
    - {name: low}
    - {name: middle, enter: {m: 10}, leave: {m: 5}}
    - {name: high, enter: {m: 30}}
"""


@pytest.fixture
def view() -> RulesetView:
    document = read_ruleset(RULES)
    return view_of(3, document, {name: n for n, name in enumerate(document.rule_names(), 1)})


def test_an_event_of_the_lead_carries_one_identifier_of_each_kind() -> None:
    """An external one by its system."""
    found = whose([(EMAIL, "a@b.ch"), (EMAIL, "c@d.ch"), (ANONYMOUS, "x"), (EXTERNAL, "crm:1:2")])
    assert found == Identifiers(email="a@b.ch", anonymous_id="x", external={"crm": "1:2"})


def test_every_reason_has_words() -> None:
    """A new one can't be forgotten."""
    assert set(BECAUSE) == set(get_args(Why))


def test_steps_and_reasons_are_told_in_words(view: RulesetView) -> None:
    """The limit that was reached, the dates that are over, and the fall that comes."""
    state, journeys = new_state(), new_journeys(view.core, NOW_MS)
    at, who = instant(NOW_MS), Identifiers(email="a@b.ch")
    subscribed = Event(
        id="1", source="web", type="newsletter_subscribed", occurred_at=at, received_at=at,
        identifiers=who, verdict=Verdict("human"),
    )  # fmt: skip
    extend(view.core, state, journeys, [subscribed], True)
    row = LeadRow(LEAD, NOW_MS, True, None, 3, "middle", NOW_MS, state, [])
    found = next_steps(view.core, state, journeys, NOW_MS + 1, True, who)
    shown = show_next(row, view, found)
    assert told(shown, every=True) == [
        "main: stage middle, as of 2024-10-04T00:00:00.001Z",
        "effort 2  m/read (+30) → high at once",
        '          read /docs: page_viewed {"context": {"page": {"path": "/docs"}}}',
        "no help   m/letter: limit: only once ever",
        "no help   m/sale: it counts only until 2020-01-01T00:00 UTC",
        "if nothing happens: middle → low on 2024-10-14T00:00:00.001Z",
    ]
    assert told(shown, every=False)[3] == "2 other rules don't help: see --all"
