"""The types of webhook bodies, as a destination's filter names them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

MESSAGE_TYPES = (
    "lead.stage_changed", "lead.merged", "lead.unmerged", "lead.signal", "lead.alert",
    "handoff.content", "handoff.sales", "handoff.overdue", "content.step_due",
)  # fmt: skip


def unknown_types(patterns: Iterable[str]) -> list[str]:
    """Those that no message fits: typos."""
    return [
        pattern
        for pattern in patterns
        if not any(fnmatchcase(each, pattern) for each in MESSAGE_TYPES)
    ]
