"""The picture of a ruleset's stages, as Mermaid text."""

from __future__ import annotations

import pytest

from shared.ruleset.diagram import BEGINS, ENDS, NoPlaceError, diagram_of, with_diagram
from shared.ruleset.reading import read_ruleset

RULES = """
models:
  fit-score:
    rules: [{id: a, on: page_viewed, points: 10}]
"""
LADDER = """
stages:
  ladder:
    - {name: cold}
    - {name: warm, labels: ["a: b; #1"], enter: {fit-score: 10}, leave: {fit-score: 5}, dwell: 2d}
    - name: state
      enter: {fit-score: 20}
      when: {field: traits.a, eq: 'x: "y"; %%{z}%%'}
      from: [cold]
      handoff: sales
"""
QUOTED = "“x#58; #quot;y#quot;#59; #37;#37;#123;z#125;#37;#37;”"
SIDES = """  side:
    - name: out
      on: lead_disqualified
      leave: {after: 30d, on: purchase_made}
      back_to: warm
    - {name: dormant, when: {quiet: {for: 60d}}}
    - {name: gone, on: [left, moved], event_when: {field: properties.far, eq: true}}
"""
JOURNEY = """
journeys:
  re-new:
    title: Renewal
    when: {seen: {on: purchase_made}}
    ladder: [{name: safe}]
"""


def drawn(text: str) -> list[str]:
    """The lines of a picture, without their indents."""
    return [line.strip() for line in diagram_of(read_ruleset(RULES + text)).splitlines()]


def test_a_ladder_is_drawn_step_by_step() -> None:
    """Ids are made of places, since names may have dashes or be words of Mermaid's."""
    assert drawn(LADDER) == [
        "stateDiagram-v2",
        'state "cold" as j0_s0',
        'state "warm" as j0_s1',
        "j0_s1 : a#58; b#59; #35;1",
        'state "state" as j0_s2',
        "j0_s2 : hands over to sales",
        "[*] --> j0_s0",
        "j0_s0 --> j0_s1 : fit-score 10 or more",
        "j0_s1 --> j0_s0 : fit-score under 5, after 2 days at least",
        f"j0_s0 --> j0_s2 : fit-score 20 or more and the lead's a is {QUOTED}",
    ]


def test_stages_beside_the_ladder_show_what_leads_in_and_out() -> None:
    """From any stage of the ladder, and from those that come later in the list."""
    assert [line for line in drawn(LADDER + SIDES) if "j0_ladder -->" in line or "s5" in line] == [
        'state "gone" as j0_s5',
        "j0_ladder --> j0_s3 : on lead_disqualified",
        "j0_s5 --> j0_s3 : on lead_disqualified",
        "j0_ladder --> j0_s4 : while there was no event for 60 days",
        "j0_s5 --> j0_s4 : while there was no event for 60 days",
        "j0_ladder --> j0_s5 : on left or moved where the event's far is true",
    ]
    assert [line for line in drawn(LADDER + SIDES) if "--> j0_ladder" in line] == [
        "j0_s3 --> j0_ladder : after 30 days or on purchase_made, to warm",
        "j0_s4 --> j0_ladder : once it no longer holds that there was no event for 60 days",
    ]


def test_several_journeys_are_drawn_side_by_side() -> None:
    """Each in a box with its title; its beginning says when it begins."""
    lines = drawn(LADDER + JOURNEY)
    assert lines[1] == 'state "main" as j0 {'
    assert lines[-4:] == [
        'state "Renewal" as j1 {',
        'state "safe" as j1_s0',
        "[*] --> j1_s0 : once there ever was purchase_made",
        "}",
    ]


def test_long_conditions_are_cut() -> None:
    """The picture points at them, the ruleset has them in full."""
    many = ", ".join(f"{'value' * 8}-{number}" for number in range(9))
    text = LADDER.replace("eq: 'x: \"y\"; %%{z}%%'", f"in: [{many}]")
    cut = drawn(text)[-1].partition("20 or more and ")[2]
    assert len(cut) <= 120
    assert cut.endswith("…")


def test_a_page_takes_the_diagram_between_its_comments() -> None:
    """Whatever stood there before; and is left alone when there is no such place."""
    page = f"# Page\n{BEGINS}\nold\n{ENDS}\nmore\n"
    renewed = with_diagram(page, "stateDiagram-v2\n")
    assert renewed == f"# Page\n{BEGINS}\n```mermaid\nstateDiagram-v2\n```\n{ENDS}\nmore\n"
    assert with_diagram(renewed, "stateDiagram-v2\n") == renewed
    with pytest.raises(NoPlaceError, match="two lines"):
        with_diagram("# Page\n", "stateDiagram-v2\n")
