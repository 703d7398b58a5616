"""leadscore stage: what is refused before anything is connected to."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from services.console.stage_commands import app


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--until", "soon"], "soon is no instant: write 2026-12-31"),
        (["--until", "2026-13-31"], "2026-13-31 is no instant"),
        (["--until", "2026-12-31T10:00:00"], "says no zone: write 2026-12-31T10:00:00Z for UTC"),
        (["--for", "30"], "--for: '30' is not a duration"),
        (["--for", "30d", "--until", "2026-12-31"], "--until or --for, not both"),
    ],
)
def test_the_end_of_a_lock_must_be_readable(words: list[str], told: str) -> None:
    """Exit code 1, and how to write it."""
    result = CliRunner().invoke(app, ["set", "anna@example.com", "validate", *words])
    assert result.exit_code == 1
    assert told in result.output
