"""The mappings of docs/generic-webhook.md make an event of their payloads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.ingest.mapping_trial import try_out

PAGE = (Path(__file__).parents[3] / "docs" / "generic-webhook.md").read_text("utf-8")
MAPPINGS = dict(re.findall(r"```yaml mapping (\S+)\n(.*?)```", PAGE, re.DOTALL))
PAYLOADS = dict(re.findall(r"```json payload (\S+)\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.parametrize("name", MAPPINGS)
def test_an_example_makes_an_event(name: str) -> None:
    """Of its own payload, with somebody who did it."""
    shown, good = try_out(MAPPINGS[name], PAYLOADS[name].encode(), [])
    assert good, shown
    assert '"email"' in shown
    assert '"properties"' in shown


def test_there_are_three_examples() -> None:
    """And each has a payload."""
    assert len(MAPPINGS) == len(PAYLOADS) == 3
