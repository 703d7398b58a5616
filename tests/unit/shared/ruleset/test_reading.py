"""Rulesets are read strictly: every fault has its line, its path and a remedy."""

from __future__ import annotations

import pytest

from shared.ruleset.part import duration_ms
from shared.ruleset.reading import RulesetErrors, read_ruleset

GOOD = """\
models:
  e:
    decay: {half_life: 30d}
    cap: 100
    rules:
      - id: visit
        on: page_viewed
        when: {field: context.page.path, glob: "/p*"}
        points: 5
        limit: {times: 3, per: day}
        say: visited {context.page.title}
stages:
  ladder:
    - name: inform
    - name: educate
      enter: {e: 20}
      leave: {e: 10}
      handoff: content
"""


def faults(text: str) -> list[tuple[int, str, str, str]]:
    with pytest.raises(RulesetErrors) as caught:
        read_ruleset(text)
    return [(e.line, e.path, e.message, e.remedy) for e in caught.value.errors]


def test_a_good_ruleset_is_read() -> None:
    """Durations become milliseconds, `on` stays a word, one name becomes a list."""
    document = read_ruleset(GOOD)
    rule = document.models["e"].rules[0]
    assert document.models["e"].decay.half_life == 30 * 86_400_000
    assert rule.on == ["page_viewed"]
    assert document.rule_names() == ["e/visit"]


CASES = [
    ("points: 5", "point: 5", 9, "models.e.rules[0].point", "did you mean points?"),
    ("points: 5", 'points: "5"', 9, "models.e.rules[0].points", ""),
    ("points: 5", "points: 0", 9, "models.e.rules[0].points", "give points, or drop the rule"),
    ("points: 5", "points: .inf", 9, "models.e.rules[0].points", ""),
    ("points: 5", "points: 1e999", 9, "models.e.rules[0].points", ""),
    ("30d", "30 days", 3, "models.e.decay.half_life", "write a whole number and a unit"),
    ("30d", "0d", 3, "models.e.decay.half_life", "use a duration from 1s to 3650d"),
    ("half_life", "half_live", 3, "models.e.decay.half_live", "did you mean half_life?"),
    ("glob:", "globe:", 8, "models.e.rules[0].when.globe", "did you mean glob?"),
    (', glob: "/p*"', "", 8, "models.e.rules[0].when", "add an operator"),
    ("field: context", "field: contxt", 8, "models.e.rules[0].when.field", "did you mean context?"),
    ('glob: "/p*"', 'matches: "(["', 8, "models.e.rules[0].when.matches", "RE2 syntax"),
    ('glob: "/p*"', "any: []", 8, "models.e.rules[0].when.any", ""),
    ("per: day", "per: fortnight", 10, "models.e.rules[0].limit.per", "use 'hour', 'day'"),
    ("{times: 3, per: day}", "{per: day}", 10, "models.e.rules[0].limit", "write once, "),
    ("{times: 3, per: day}", "{once_per: path}", 10, "models.e.rules[0].limit.once_per", "begin"),
    ("{context.page.title}", "{page.title}", 11, "models.e.rules[0].say", "begin with"),
    ("enter: {e: 20}", "enter: {f: 20}", 16, "stages.ladder[1].enter.f", "models: e"),
    ("leave: {e: 10}", "leave: {e: 20}", 17, "stages.ladder[1].leave.e", "set leave below enter"),
    ("enter: {e: 20}", "enter: {e: 200}", 16, "stages.ladder[1].enter.e", "raise the cap"),
    ("enter: {e: 20}", "enter: {e: 0}", 16, "stages.ladder[1].enter.e", "ask for more than 0"),
    ("      enter: {e: 20}\n", "", 15, "stages.ladder[1]", "add enter: {MODEL: POINTS}"),
    ("handoff: content", "handoff: sale", 18, "stages.ladder[1].handoff", "use 'content'"),
    ("handoff: content", "dwell: tomorrow", 18, "stages.ladder[1].dwell", "write a whole"),
    ("name: educate", "name: inform", 15, "stages.ladder[1].name", "rename one of them"),
    ("- name: inform", "- name: in form", 14, "stages.ladder[0].name", "use letters"),
    ("- name: inform", "- {name: inform, enter: {e: 3}}", 14, "stages.ladder[0].enter", "drop"),
    ("cap: 100", "cap: 100\n    cap: 200", 5, "models.e.cap", "keep one of them"),
    ("cap: 100", "cap: -1", 4, "models.e.cap", ""),
    ("        on: page_viewed\n", "", 7, "models.e.rules[0].when.field", "read traits.NAME"),
    ("models:", "modles:", 1, "modles", "did you mean models?"),
    ("cap: 100", "<<: {cap: 3}", 4, "models.e.<<", "write the keys out"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "remedy"), CASES)
def test_a_fault_names_its_line_path_and_remedy(
    old: str, new: str, line: int, path: str, remedy: str
) -> None:
    """One fault planted into a good ruleset is found where it is."""
    assert old in GOOD
    found = faults(GOOD.replace(old, new, 1))
    assert (line, path) in [(one[0], one[1]) for one in found], found
    mended = [one[3] for one in found if one[1] == path]
    assert mended[0].startswith(remedy), found


RICH = """\
models:
  e:
    cap: 100
    floor: 0
    decay: {linear: {to_zero_in: 60d}}
    groups: {mail: {cap: 30, cap_per: {day: 10}}}
    rules:
      - id: order
        on: purchased
        points: {field: properties.amount, times: 0.1, max: 50}
        group: mail
        valid: {from: 2026-01-01, to: 2026-04-01}
        when: {count: {on: page_viewed, within: 7d, at_least: 3}}
      - {id: quiet, after: {quiet: 30d}, points: -5}
      - {id: held, points: 5, when: {quiet: {for: 9d}}}
  both:
    combined: {formula: "e / 2 + 1"}
grade: {fit: e, engagement: e, fit_bounds: {A: 60, B: 30}, engagement_bounds: {1: 80, 2: 40}}
bands: {e: [{name: cold}, {name: warm, from: 15}]}
stages: {ladder: [{name: inform}]}
"""

RICH_CASES = [
    ("floor: 0", "floor: 100", 4, "models.e.floor", "lower it"),
    ("linear: {to_zero_in: 60d}", "linear: {zero_in: 60d}", 5, "models.e.decay.linear.zero_in",
     "did you mean to_zero_in?"),
    ("{linear: {to_zero_in: 60d}}", "{half_life: 3d, window: 3d}", 5, "models.e.decay", "keep one"),
    ("cap_per: {day: 10}", "cap_per: {year: 9}", 6, "models.e.groups.mail.cap_per.year",
     "use 'hour', 'day'"),
    ("field: properties.amount", "field: amount", 10, "models.e.rules[0].points.field", "begin"),
    ("max: 50", "most: 50", 10, "models.e.rules[0].points.most", "known here: field"),
    ("max: 50", "values: {a: 5}", 10, "models.e.rules[0].points", "write {field: FIELD"),
    ("group: mail", "group: mall", 11, "models.e.rules[0].group", "did you mean mail?"),
    ("from: 2026-01-01", "from: January", 12, "models.e.rules[0].valid.from", "write 2026-04-01"),
    ("from: 2026-01-01", "from: 2026-05-01", 12, "models.e.rules[0].valid", "set to: after"),
    ("at_least: 3}", "at_least: 300}", 13, "models.e.rules[0].when.count.at_least", ""),
    (", at_least: 3}", "}", 13, "models.e.rules[0].when.count", "give one of the two"),
    ("at_least: 3}", "at_least: 3, when: {seen: {on: x}}}", 13,
     "models.e.rules[0].when.count.when.seen", "count by event and traits"),
    ("{count: {on", "{segment: vip, count: {on", 13, "models.e.rules[0].when", "put several"),
    ("{count: {on: page_viewed, within: 7d, at_least: 3}}", "{segment: vip}", 13,
     "models.e.rules[0].when.segment", "segments: none"),
    ("after: {quiet: 30d}", "on: x, after: {quiet: 30d}", 14, "models.e.rules[1].after", "drop on"),
    ("{quiet: {for: 9d}}", "{field: type, eq: x}", 15, "models.e.rules[2].when.field", "read trai"),
    ("{quiet: {for: 9d}}", "{sequence: {within: 1d, steps: [{on: a}, {on: b}]}}", 15,
     "models.e.rules[2].when.sequence", "use it in a rule with on:"),
    ("id: held, points: 5", "id: held, limit: once, points: 5", 15, "models.e.rules[2].limit",
     "drop the limit"),
    ("id: held, points: 5", "id: held, points: {field: context.x}", 15,
     "models.e.rules[2].points.field", "read traits.NAME"),
    ("e / 2 + 1", "e / f", 17, "models.both.combined.formula", "use numbers, models"),
    ("e / 2 + 1", "f + 1", 17, "models.both.combined.formula", "put spaces"),
    ("e / 2 + 1", "both + 1", 17, "models.both.combined.formula", "read its models"),
    ("  both:\n", "  both:\n    decay: none\n", 17, "models.both.decay", "drop decay"),
    ("A: 60, B: 30", "A: 20, B: 30", 18, "grade.fit_bounds", "set A above B"),
    ("grade: {fit: e", "grade: {fit: f", 18, "grade.fit", "models: e, both"),
    ("{name: cold}", "{name: cold, from: 1}", 19, "bands.e[0].from", "drop from"),
    ("{name: warm, from: 15}", "{name: warm}", 19, "bands.e[1]", "add from: SCORE"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "path", "remedy"), RICH_CASES)
def test_a_fault_in_what_few_rulesets_use_is_placed_as_well(
    old: str, new: str, line: int, path: str, remedy: str
) -> None:
    """One fault planted into a good ruleset is found where it is."""
    read_ruleset(RICH)
    assert old in RICH
    found = faults(RICH.replace(old, new, 1))
    mended = {(one[0], one[1]): one[3] for one in found}
    assert (line, path) in mended, found
    assert mended[line, path].startswith(remedy), found


def test_all_faults_are_told_at_once() -> None:
    """In the order of their lines, so that one run of the check is enough."""
    text = GOOD.replace("points: 5", "pints: 5").replace("30d", "x").replace("cap: 100", "cap: no")
    lines = [one[0] for one in faults(text)]
    assert lines == sorted(lines)
    assert {3, 4, 9} <= set(lines)


def test_thresholds_rise_from_stage_to_stage() -> None:
    """A higher stage that asks for less would never be left for the lower one."""
    more = GOOD + "    - {name: involve, enter: {e: 15}, leave: {e: 5}}\n"
    assert [one[1] for one in faults(more)] == [
        "stages.ladder[2].enter.e",
        "stages.ladder[2].leave.e",
    ]
    same = GOOD + "    - {name: involve, enter: {e: 20}}\n"
    assert [one[3] for one in faults(same)] == ["ask for more"]


def test_rules_on_traits_neither_decay_nor_have_limits() -> None:
    """They hold while the traits match; what would mean something else is refused."""
    text = GOOD.replace("        on: page_viewed\n", "").replace("context.page.path", "traits.x")
    assert [one[1] for one in faults(text)] == ["models.e.rules[0].limit"]
    text = text.replace("limit: {times: 3, per: day}", "decay: {half_life: 3d}")
    assert [one[1] for one in faults(text)] == ["models.e.rules[0].decay"]


def test_words_that_yaml_1_1_takes_for_booleans_stay_words() -> None:
    """Norway is no falsehood, a date stays a text, and `on` is a key."""
    text = GOOD.replace('glob: "/p*"', "in: [NO, yes, off, 2026-01-01, 017, 1_000, null_]")
    when = read_ruleset(text).models["e"].rules[0].when
    assert when is not None
    assert when.in_ == ["NO", "yes", "off", "2026-01-01", 17, "1_000", "null_"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "", "   \n# nothing\n", "- a", "text", "a: b: c", "a: [", "[" * 20_000, "{a: " * 3000,
        BOMB, "a: &a [*a]", "a: *b", "a: \x00", "a: 1\n---\nb: 2", "%YAML 9\n---\na: 1",
        "!!python/object/apply:os.system ['true']", "? [a]\n: b", "a: " + "x" * 1_100_000,
        "models: &m {e: *m}", "\ud800", "models: {1: 2, [3]: 4}", "a: " + "9" * 6000,
    ],
)  # fmt: skip
def test_hostile_text_is_refused_quickly(text: str) -> None:
    """Bombs, depth, recursion, foreign tags and broken text end in an error with a line."""
    assert all(line >= 1 for line, *_ in faults(text))


def test_aliases_save_writing() -> None:
    """An anchor may stand for a condition that is used again."""
    text = GOOD.replace("when: {", "when: &here {").replace(
        "stages:",
        "      - {id: again, on: page_left, when: *here, points: 1}\nstages:",
        1,
    )
    rules = read_ruleset(text).models["e"].rules
    assert rules[0].when == rules[1].when


@pytest.mark.parametrize(
    ("text", "ms"),
    [("45s", 45_000), ("90m", 5_400_000), ("12h", 43_200_000), ("2w", 1_209_600_000)],
)
def test_durations_are_a_number_and_a_unit(text: str, ms: int) -> None:
    """Seconds, minutes, hours, days, weeks."""
    assert duration_ms(text) == ms


@pytest.mark.parametrize(
    ("floor", "path", "told"),
    [
        (10, "stages.ladder[1].leave.e", "never ends the stage: e has a floor of 10"),
        (20, "stages.ladder[1].enter.e", "holds from the start: e has a floor of 20"),
    ],
)
def test_a_threshold_that_a_floor_makes_idle_is_refused(floor: int, path: str, told: str) -> None:
    """A score is never shown below its floor."""
    with pytest.raises(RulesetErrors) as caught:
        read_ruleset(GOOD.replace("    rules:", f"    floor: {floor}\n    rules:", 1))
    assert any(path in str(fault) and told in str(fault) for fault in caught.value.errors)


@pytest.mark.parametrize(
    ("policy", "path", "message"),
    [
        ("{default: {marketing: denied}}", "consent.default.marketing", "'marketing' isn't known"),
        ("{default: {scoring: maybe}}", "consent.default.scoring", "'maybe' isn't known here"),
        (
            "{regions: [{id: a, when: {seen: {on: x}}}]}",
            "consent.regions[0].when.seen",
            "seen can't tell a region",
        ),
        (
            "{regions: [{id: a, when: {segment: s}}]}",
            "consent.regions[0].when.segment",
            "a segment can't be used here",
        ),
        (
            "{regions: [{id: a, when: {field: country, exists: true}}]}",
            "consent.regions[0].when.field",
            "country is not a field of",
        ),
        (
            "{regions: [{id: a, when: {field: type, eq: a}}, {id: a, when: {field: type, eq: b}}]}",
            "consent.regions[1].id",
            "a is used twice",
        ),
    ],
)
def test_a_consent_policy_speaks_of_known_purposes_and_of_fields(
    policy: str, path: str, message: str
) -> None:
    """With the place of what is wrong."""
    ((_, found, told, _),) = faults(f"{GOOD}consent: {policy}\n")
    assert (found, told[: len(message)]) == (path, message)
