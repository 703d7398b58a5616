"""leadscore rules: what an operator sees."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from services.scorer.commands import app

DEFAULT = Path(__file__).parents[3] / "services" / "scorer" / "rulesets" / "b2b-software.yaml"


def test_a_good_ruleset_is_called_fine() -> None:
    """Exit code 0, and what is in it."""
    result = CliRunner().invoke(app, ["check", str(DEFAULT)])
    assert result.exit_code == 0
    assert "fine. 3 models" in result.output
    assert "inform → educate" in result.output


def test_faults_are_told_with_line_path_and_remedy(tmp_path: Path) -> None:
    """Exit code 1, one line for each."""
    file = tmp_path / "rules.yaml"
    file.write_text(DEFAULT.read_text("utf-8").replace("half_life: 30d", "half_live: 30d"))
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 1
    assert "line " in result.output
    assert "models.engagement.decay.half_live" in result.output
    assert "did you mean half_life?" in result.output


def test_a_type_that_is_nearly_a_standard_one_is_noted(tmp_path: Path) -> None:
    """It may be meant, so it's a note and no fault."""
    file = tmp_path / "rules.yaml"
    file.write_text(DEFAULT.read_text("utf-8").replace("on: page_viewed", "on: page_view", 1))
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 0
    assert "page_view is a custom type; meant page_viewed?" in result.output


def test_a_file_with_faults_is_not_published(tmp_path: Path) -> None:
    """It is refused before anything is connected to."""
    file = tmp_path / "rules.yaml"
    file.write_bytes(b"\xff\xfe")
    result = CliRunner().invoke(app, ["publish", str(file)])
    assert result.exit_code == 1
    assert "not UTF-8" in result.output


FAILING = """
models: {engagement: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: inform}]}
tests:
  - name: A visit is worth two
    events: [{day: 0, type: page_viewed}]
    expect: {score: {engagement: 2}}
"""


def test_the_tests_of_a_shipped_ruleset_are_run_by_its_name() -> None:
    """Each by its name; exit code 0 when all hold."""
    result = CliRunner().invoke(app, ["test", "b2b-software"])
    assert result.exit_code == 0
    assert "ok      Somebody who asks for a demo goes to sales at once, once" in result.output
    assert "all hold" in result.output


def test_a_failing_test_is_told_and_stops_publishing(tmp_path: Path) -> None:
    """What was expected, what came, from which entries; before anything is connected to."""
    file = tmp_path / "rules.yaml"
    file.write_text(FAILING)
    tested = CliRunner().invoke(app, ["test", str(file)])
    assert tested.exit_code == 1
    assert "day 0 09:00: score of engagement: expected 2, got 1" in tested.output
    assert "+1 engagement/visit, page_viewed" in tested.output
    published = CliRunner().invoke(app, ["publish", str(file)])
    assert published.exit_code == 1
    assert "is not published: mend it, or give --skip-tests" in published.output


def test_a_ruleset_without_tests_can_not_be_tested(tmp_path: Path) -> None:
    """That nothing failed would say too much."""
    file = tmp_path / "rules.yaml"
    file.write_text(FAILING.partition("tests:")[0])
    result = CliRunner().invoke(app, ["test", str(file)])
    assert result.exit_code == 1
    assert "has no tests" in result.output


def test_verbose_tests_name_the_rules_that_no_test_meets() -> None:
    """So that a new rule gets its story."""
    result = CliRunner().invoke(app, ["test", "b2b-software", "--verbose"])
    assert "note: no test meets engagement/careers-page" in result.output


def test_shipped_rulesets_are_listed_and_printed() -> None:
    """By name; what is neither a file nor shipped is told."""
    listed = CliRunner().invoke(app, ["list"]).output
    assert "financial-advice" in listed
    assert "the default" in listed
    shown = CliRunner().invoke(app, ["show", "real-estate"])
    assert "name: Property" in shown.output
    unknown = CliRunner().invoke(app, ["check", "realestate"])
    assert unknown.exit_code == 1
    assert "neither a file nor a shipped ruleset" in unknown.output


def test_two_rulesets_are_compared_in_words(tmp_path: Path) -> None:
    """A sign, where, and the old and the new value."""
    file = tmp_path / "rules.yaml"
    file.write_text(DEFAULT.read_text("utf-8").replace("dwell: 3d", "dwell: 5d"))
    result = CliRunner().invoke(app, ["diff", "b2b-software", str(file)])
    assert result.output == "~ stage validate\n    dwell: 3 days → 5 days\n"
    same = CliRunner().invoke(app, ["diff", "b2b-software", "b2b-software"])
    assert "nothing changed" in same.output


def test_a_rule_is_explained_in_a_sentence() -> None:
    """By its id or model/id; a slip gets a hint."""
    result = CliRunner().invoke(app, ["explain", "b2b-software", "demo"])
    assert result.output == (
        "engagement/demo: At demo_requested: 60 points for engagement, once a week; "
        "they halve every 30 days.\n"
    )
    slip = CliRunner().invoke(app, ["explain", "b2b-software", "fit/decide"])
    assert slip.exit_code == 1
    assert "did you mean fit/decides?" in slip.output


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    """For editors; the same text both ways."""
    file = tmp_path / "schema.json"
    assert CliRunner().invoke(app, ["schema", "--out", str(file)]).exit_code == 0
    assert file.read_text("utf-8") == CliRunner().invoke(app, ["schema"]).output
