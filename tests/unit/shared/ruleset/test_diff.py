"""What changed between two rulesets, and what rules do, in words."""

from __future__ import annotations

import pytest

from shared.ruleset.diff import changes_between
from shared.ruleset.reading import read_ruleset
from shared.ruleset.rule_words import rule_sentence

BEFORE = """
name: One
models:
  engagement:
    decay: {half_life: 30d}
    groups: {mail: {cap: 20}}
    rules:
      - {id: visit, on: page_viewed, points: 1}
      - id: pricing
        on: page_viewed
        when: {field: context.page.path, glob: "/pricing*"}
        points: 15
        limit: {times: 2, per: day}
      - {id: old, on: survey_answered, points: 3}
bands:
  engagement: [{name: cold}, {name: hot, from: 50}]
stages:
  ladder:
    - name: inform
    - {name: educate, enter: {engagement: 15}, leave: {engagement: 7}, dwell: 1d}
tests:
  - {name: t, events: [{day: 0, type: page_viewed}], expect: {score: {engagement: 1}}}
"""


def changed(*pairs: tuple[str, str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Changes after texts were put in place of others."""
    after = BEFORE
    for old, new in pairs:
        assert old in after
        after = after.replace(old, new)
    found = changes_between(read_ruleset(BEFORE), read_ruleset(after))
    return [(change.kind, change.where, change.details) for change in found]


def test_the_same_ruleset_has_no_changes() -> None:
    """Comments and the order of keys are none."""
    assert changed(("name: One", "# a comment\nname: One")) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("points: 15", "points: 20", "rule engagement/pricing", "points: 15 → 20"),
        (
            "{times: 2, per: day}",
            "once",
            "rule engagement/pricing",
            "limit: at most twice a day → only once ever",
        ),
        (
            '"/pricing*"',
            '["/pricing*", "/plans*"]',
            "rule engagement/pricing",
            ("when: the page's path is like “/pricing*” → "
            "the page's path is like “/pricing*” or “/plans*”"),
        ),
        (
            "half_life: 30d",
            "window: 90d",
            "model engagement",
            "decay: they halve every 30 days → they are gone after 90 days",
        ),
        ("cap: 20", "cap: 30", "model engagement", "groups: mail cap 20 → mail cap 30"),
        ("engagement: 15}", "engagement: 20}", "stage educate", ("enter: engagement 15 → "
         "engagement 20")),
        ("dwell: 1d", "dwell: 36h", "stage educate", "dwell: 1 day → 36 hours"),
        ("from: 50", "from: 60", "bands of engagement", ("name cold, from 50 name hot → "
         "name cold, from 60 name hot")),
        ("name: One", "name: Two", "name", "One → Two"),
    ],
)  # fmt: skip
def test_a_change_is_told_with_its_old_and_new_value(
    old: str, new: str, where: str, words: str
) -> None:
    """In words, under the rule, model or stage it belongs to."""
    (change,) = changed((old, new))
    assert change[:2] == ("changed", where)
    assert words in change[2][0]


def test_rules_that_are_new_or_gone_are_told_by_what_they_do() -> None:
    """A renamed rule is both."""
    assert changed(("id: old, on: survey_answered", "id: new, on: demo_requested")) == [
        (
            "added",
            "rule engagement/new",
            ("At demo_requested: 3 points for engagement; they halve every 30 days.",),
        ),
        (
            "removed",
            "rule engagement/old",
            ("At survey_answered: 3 points for engagement; they halve every 30 days.",),
        ),
    ]


def test_another_order_of_rules_is_a_change() -> None:
    """It decides who meets a cap first."""
    old = "      - {id: old, on: survey_answered, points: 3}\n"
    visit = "      - {id: visit, on: page_viewed, points: 1}\n"
    assert changed((old, ""), (visit, old + visit)) == [
        ("changed", "model engagement", ("the order of its rules",))
    ]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            "{id: a, on: [a, b], points: -2, decay: none}",
            "At a or b: -2 points for m; they don't fade.",
        ),
        (
            "{id: a, after: {quiet: 30d, on: email_clicked}, points: -5}",
            "After 30 days without email_clicked: -5 points for m; they halve every 7 days.",
        ),
        (
            "{id: a, when: {field: traits.company_size, gte: 200}, points: 20}",
            (
                "While the lead's company size is at least 200: 20 points for m; "
                "taken back when that ends."
            ),
        ),
        (
            "{id: a, on: x, points: {field: properties.amount, times: 0.1, max: 50}}",
            (
                "At x: 0.1 times the event's amount in points, at most 50 for m; "
                "they halve every 7 days."
            ),
        ),
        (
            "{id: a, on: x, when: {count: {on: x, within: 7d, at_least: 3}}, points: 1}",
            (
                "At x where there were at least 3 of x within 7 days: 1 point for m; "
                "they halve every 7 days."
            ),
        ),
        (
            (
                "{id: a, on: x, when: {any: [{not: {field: type, eq: y}}, "
                "{quiet: {for: 12h}}]}, points: 1, group: g}"
            ),
            (
                "At x where it isn't so that the type is “y” or there was no event for 12 hours: "
                "1 point for m, within the group g (10 a day at most); they halve every 7 days."
            ),
        ),
        (
            "{id: a, on: x, points: 1, limit: {once_per: properties.url, times: 3, per: week}}",
            (
                "At x: 1 point for m, once a week for each value of the event's url, "
                "at most 3 values; they halve every 7 days."
            ),
        ),
    ],
)
def test_a_rule_is_one_plain_sentence(rule: str, sentence: str) -> None:
    """When, how much, how often, within which bounds, and how it fades."""
    text = (
        "models: {m: {decay: {half_life: 7d}, groups: {g: {cap_per: {day: 10}}}, rules: ["
        f"{rule}]}}}}\nstages: {{ladder: [{{name: inform}}]}}"
    )
    model = read_ruleset(text).models["m"]
    assert rule_sentence("m", model, model.rules[0]) == sentence


def test_a_consent_policy_differs_by_its_regions_and_defaults() -> None:
    """Each region by its name."""
    eea = "{id: eea, when: {field: traits.country, in: [AT]}, default: {scoring: denied}}"
    policy = f"consent: {{default: {{scoring: granted}}, regions: [{eea}]}}\nbands:"
    before = read_ruleset(BEFORE.replace("bands:", policy))
    text = BEFORE.replace("bands:", policy.replace("scoring: granted", "scoring: denied"))
    after = read_ruleset(text.replace("[AT]", "[AT, DE]"))
    found = changes_between(before, after)
    assert [(one.kind, one.where, one.details) for one in found] == [
        ("changed", "consent default scoring", ("granted → denied",)),
        (
            "changed",
            "consent region eea",
            ("when: the lead's country is “AT” → the lead's country is “AT” or “DE”",),
        ),
    ]
    assert changes_between(before, before) == []
    assert [one.kind for one in changes_between(read_ruleset(BEFORE), before)] == ["added"]
