"""Faults that `make mutations` plants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations.fault import Fault
from tests.mutations.faults import FAULTS

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.breaks)
def test_what_a_fault_is_planted_in_stands_once(fault: Fault) -> None:
    """Else it breaks nothing any more, and nobody notices until the long run."""
    assert (ROOT / fault.file).read_text("utf-8").count(fault.text) == 1
    assert (ROOT / fault.caught_by.partition("::")[0]).exists()
