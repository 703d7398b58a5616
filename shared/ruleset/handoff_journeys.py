"""Rows of the hand-off table as journeys of their own.

A row on a band, a grade, a segment or a signal asks for an instant at which something comes to
hold: by an event, by time, when history changes, or under a new ruleset. Ladders are read at just
these instants, so each such row is a small ladder: what it enters is told, the way back is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.event_types import OTHERS_DEEDS
from shared.ruleset.document import RulesetDocument
from shared.ruleset.handoffs import AGAIN_AFTER_MS, AWAKE_MS, HandoffRow, SignalRow
from shared.ruleset.stages import Journey

# Stages of these journeys: outside, and where the row holds. Somebody silent wakes, and may then
# give a signal.
OUT = "out"
IN = "in"
SILENT = "silent"
AWAKE = "awake"

# No name of a journey that people write has a colon.
_MARK = ":"


def journey_name(row: HandoffRow) -> str:
    return f"{row.kind}{_MARK}{row.id}"


def is_row_journey(name: str) -> bool:
    return _MARK in name


def account_journey(key: str) -> str:
    """The journey that facts about a company name: nobody is on it."""
    return f"account{_MARK}{key}"


def is_account_journey(name: str) -> bool:
    return name.startswith(f"account{_MARK}")


def row_of_journey(name: str) -> tuple[str, str]:
    """The kind and the id of the row whose journey it is; ("", name) of one that people write."""
    kind, _, row_id = name.rpartition(_MARK)
    return kind, row_id


def rows_as_journeys(document: RulesetDocument) -> Iterator[tuple[HandoffRow, Journey]]:
    """The journey of each row that needs one; every lead is on it from the start."""
    for row in document.all_rows():
        if row.kind in {"band", "grade"}:
            yield row, _by_points(row, _least(row, document))
        elif row.segment is not None:
            yield row, _by_segment(row)
        elif row.signal is not None:
            yield row, _by_signal(row, row.signal)


def _least(row: HandoffRow, document: RulesetDocument) -> dict[str, float]:
    """The least scores of a band, or of a grade and those better than it in both."""
    if row.band is not None:
        least = {band.name: band.from_ for band in document.bands[row.band.model]}
        found = least[row.band.name]
        assert found is not None  # the lowest band, which is refused: nobody reaches it from below
        return {row.band.model: found}
    grade = document.grade
    assert grade is not None
    assert row.grade is not None
    fit = {str(name): least for name, least in grade.fit_bounds.items()}
    engagement = {str(name): least for name, least in grade.engagement_bounds.items()}
    letter, digit = row.grade[0], row.grade[1]
    return {
        **({grade.fit: fit[letter]} if letter in fit else {}),
        **({grade.engagement: engagement[digit]} if digit in engagement else {}),
    }


def _by_points(row: HandoffRow, least: dict[str, float]) -> Journey:
    """The dwell keeps a score that goes to and fro at the edge from being told each time."""
    return _journey(
        ladder=[
            {"name": OUT},
            {
                "name": IN,
                "enter": least,
                "leave": least,
                "when": row.when,
                "dwell": _seconds(row.again_after or AGAIN_AFTER_MS),
                "handoff": row.do.handoff,
            },
        ],
    )


def _by_segment(row: HandoffRow) -> Journey:
    holds: dict[str, Any] = {"segment": row.segment}
    if row.when is not None:
        holds = {"all": [holds, row.when]}
    return _journey(side=[{"name": IN, "when": holds, "handoff": row.do.handoff}])


def _by_signal(row: HandoffRow, signal: SignalRow) -> Journey:
    seen: dict[str, Any] = {
        "name": IN,
        "on": signal.on,
        "event_when": signal.event_when,
        "when": row.when,
        "leave": {"after": _seconds(row.again_after or AGAIN_AFTER_MS)},
        "handoff": row.do.handoff,
    }
    if signal.after_silence is None:
        return _journey(side=[seen])
    seen["from"] = [SILENT, AWAKE]
    own = {"not": {"field": "type", "in": sorted(OTHERS_DEEDS)}}
    awake = {
        "name": AWAKE, "on": ["*"], "event_when": own, "from": [SILENT],
        "leave": {"after": _seconds(AWAKE_MS)},
    }  # fmt: skip
    quiet = {"for": _seconds(signal.after_silence), "when": own}
    silent = {"name": SILENT, "when": {"quiet": quiet}}
    return _journey(side=[seen, awake, silent])


def _journey(**parts: Any) -> Journey:
    return Journey.model_validate({"ladder": [{"name": OUT}], **parts})


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms // 1000}s"
