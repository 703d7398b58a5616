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
