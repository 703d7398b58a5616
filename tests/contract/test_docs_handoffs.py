"""What docs/handoffs.md shows is what is published."""

from __future__ import annotations

import json
import re
from pathlib import Path

from services.router.cloudevents import TYPES
from services.router.messages import HandOff, LeadMerged, LeadUnmerged, StageChanged
from services.router.retries import WAITS_S

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "handoffs.md").read_text()
DESTINATIONS = (DOCS / "destinations.md").read_text()


def test_the_messages_shown_are_real() -> None:
    """The examples validate, and show every field there is."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    change, merge = [block for block in blocks if "sequence" in block]
    shown = StageChanged.model_validate_json(change)
    assert shown.model_fields_set == set(StageChanged.model_fields)
    merged = LeadMerged.model_validate_json(merge)
    assert merged.model_fields_set == set(LeadMerged.model_fields)
    renamed = {**json.loads(merge), "parted": merged.merged_from}
    del renamed["merged_from"]
    parted = LeadUnmerged.model_validate(renamed)
    assert parted.model_fields_set == set(LeadUnmerged.model_fields)
    assert "`parted` for `merged_from`" in PAGE


def test_every_type_and_packet_field_is_named() -> None:
    """Nothing is published that the page doesn't tell of."""
    for ours, webhook in TYPES.values():
        assert f"`{ours}`" in PAGE
        assert f"`{webhook}`" in PAGE
    plain = {"packet_version", "lead_id", "sequence", "handoff", "at", "ruleset_version"}
    for name in set(HandOff.model_fields) - plain:
        assert f"`{name}`" in PAGE, name


def test_the_waits_are_those_of_the_table() -> None:
    """5 s, 5 min, 30 min, 2 h … 24 h."""
    units = [(3600, "h"), (60, "min"), (1, "s")]
    words = [
        next(f"{wait // size} {name}" for size, name in units if wait % size == 0)
        for wait in WAITS_S
    ]
    assert f"{', '.join(words[:-1])} and {words[-1]}" in " ".join(DESTINATIONS.split())
