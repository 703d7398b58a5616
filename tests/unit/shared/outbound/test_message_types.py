"""What a destination's filter may name."""

from __future__ import annotations

from services.router.cloudevents import TYPES
from shared.outbound.message_types import MESSAGE_TYPES, unknown_types


def test_all_types_that_go_out_may_be_named() -> None:
    """And no others."""
    assert set(MESSAGE_TYPES) == {webhook for _, webhook in TYPES.values()}


def test_patterns_that_no_message_fits_are_typos() -> None:
    asked = ["handoff.*", "*", "content.step_due", "handoff.sale", "leads.*", ""]
    assert unknown_types(asked) == ["handoff.sale", "leads.*", ""]
