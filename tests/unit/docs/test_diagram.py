"""The diagram in the docs is the one that the command draws."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from services.scorer.commands import app

PAGE = Path(__file__).parents[3] / "docs" / "scoring.md"


def test_the_diagram_of_the_default_ruleset_is_up_to_date(tmp_path: Path) -> None:
    """Else: leadscore rules diagram --write docs/scoring.md."""
    written = tmp_path / PAGE.name
    written.write_bytes(PAGE.read_bytes())
    result = CliRunner().invoke(app, ["diagram", "--write", str(written)])
    assert result.exit_code == 0
    assert written.read_text("utf-8") == PAGE.read_text("utf-8")
    assert CliRunner().invoke(app, ["diagram"]).output in PAGE.read_text("utf-8")


def test_a_page_without_a_place_for_it_is_told(tmp_path: Path) -> None:
    """Exit code 1, and nothing is written."""
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    result = CliRunner().invoke(app, ["diagram", "--write", str(page)])
    assert result.exit_code == 1
    assert "leadscore rules diagram" in result.output
    assert page.read_text() == "# Page\n"
