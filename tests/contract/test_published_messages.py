"""The published messages keep their shape: every version ever released can still be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from services.router.build import stage_changed_data
from services.router.cloudevents import TYPES
from services.router.messages import HandOff, StageChanged
from services.router.packet import build_packet
from services.router.reasons import Earned
from services.router.ruleset_words import RulesetWords
from tests.unit.router.people import event, lead, page, sales_fact

GOLDEN = Path(__file__).parent / "golden"
MODELS: dict[str, type[BaseModel]] = {
    "lead-stage-changed.v1.json": StageChanged,
    "handoff.v1.json": HandOff,
}


def _now() -> dict[str, dict[str, Any]]:
    """What this version publishes."""
    words = RulesetWords({"main": {"validate": ["MQL"]}}, {}, {})
    someone = lead(
        Earned(page("/blog/mistakes", "Common retirement mistakes"), (("engagement/read", 5.0),)),
        event("content_downloaded", 3, properties={"title": "A guide"}, consent={"mail": True}),
        marks={"email_bounced": 1},
    )
    packet = build_packet(sales_fact(), someone, words, "https://leads.example")
    return {
        "lead-stage-changed.v1.json": json.loads(stage_changed_data(sales_fact())),
        "handoff.v1.json": json.loads(packet.model_dump_json()),
    }


def _shape(value: Any, path: str = "") -> set[str]:
    """Every field's path; the members of a list share one."""
    if isinstance(value, dict):
        return {path}.union(*(_shape(each, f"{path}.{name}") for name, each in value.items()))
    if isinstance(value, list):
        return {path}.union(*(_shape(each, f"{path}[]") for each in value))
    return {path}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_released_versions_can_be_read(name: str) -> None:
    """Whoever validates with today's models can read what is on the topics since long ago."""
    MODELS[name].model_validate_json((GOLDEN / name).read_bytes())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_no_field_ever_goes_away(name: str) -> None:
    """Additive changes only: each field that was once published still is."""
    released = json.loads((GOLDEN / name).read_bytes())
    assert _shape(released) <= _shape(_now()[name])


def test_the_types_are_what_subscribers_filter_by() -> None:
    """CloudEvents types and webhook types, word for word."""
    assert TYPES == {
        "lead-stage-changed": ("com.leadscore.lead.stage-changed.v1", "lead.stage_changed"),
        "handoff-content": ("com.leadscore.handoff.content.v1", "handoff.content"),
        "handoff-sales": ("com.leadscore.handoff.sales.v1", "handoff.sales"),
    }
