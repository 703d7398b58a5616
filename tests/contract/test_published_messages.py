"""The published messages keep their shape: every version ever released can still be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from services.router.belonging import Belonging
from services.router.changes import change_data, packet_data
from services.router.cloudevents import TYPES
from services.router.decide import ALERT
from services.router.messages import (
    ContentStepDue,
    HandOff,
    HandoffOverdue,
    LeadAlert,
    LeadMerged,
    LeadSignal,
    LeadUnmerged,
    NextStep,
    StageChanged,
    StepContent,
    StepWho,
    Who,
)
from services.router.packet import Company, build_packet
from services.router.percentiles import Drawn
from services.router.reasons import Earned
from services.router.ruleset_words import RulesetWords
from services.router.since_last import Moved
from shared.ruleset.handoffs import HandoffRow
from tests.unit.router.people import (
    ABSORBED,
    DAY_MS,
    LEAD,
    NOW_MS,
    event,
    lead,
    merge_fact,
    page,
    row_fact,
    sales_fact,
    unmerge_fact,
)

GOLDEN = Path(__file__).parent / "golden"
# By the message; a file of golden/ is one that a release published, the first one being v1.
MODELS: dict[str, type[BaseModel]] = {
    "lead-stage-changed": StageChanged,
    "lead-merged": LeadMerged,
    "lead-unmerged": LeadUnmerged,
    "handoff": HandOff,
    "lead-signal": LeadSignal,
    "lead-alert": LeadAlert,
    "content-step-due": ContentStepDue,
    "handoff-overdue": HandoffOverdue,
}
RELEASED = sorted(path.name for path in GOLDEN.iterdir())


def published_now() -> dict[str, dict[str, Any]]:
    """What this version publishes."""
    words = RulesetWords({"main": {"validate": ["MQL"]}}, {}, {})
    visit = {
        "inflow": {"channel": "search", "source": "google"},
        "campaign": {"medium": "organic", "name": "spring"},
        "page": {"landing": "https://adviser.example/blog/mistakes"},
    }
    guide = {"title": "A guide", "category": "Retirement", "tags": ["calm"], "brand": "Acme"}
    someone = lead(
        Earned(page("/blog/mistakes", "Common retirement mistakes"), (("engagement/read", 5.0),)),
        event(
            "content_downloaded", 3, properties=guide, consent={"mail": True}, context=visit
        ),
        event(
            "sales_rejected", 8, source="operator",
            properties={"reason": "not_ready", "until": "2026-04-28T00:00:00Z"},
        ),
        marks={"email_bounced": 1},
        merged_from=(ABSORBED,),
        moves=(
            Moved(3, NOW_MS - 3 * DAY_MS, "main", "educate", "involve", "event", 1, ""),
            Moved(
                2, NOW_MS - 9 * DAY_MS, "main", "inform", "educate", "event", 1, "content",
                {"engagement": 20.0},
            ),
        ),
        company=Company("domain:acme.example", 12, {"engagement": 80.0}, "active", NOW_MS),
    )  # fmt: skip
    step = NextStep(
        words="asked for a demo: brings the lead to sell at once", rule="engagement/demo",
        to_stage="sell", points=40.0, effort=3, at="2026-05-03T09:20:00.000Z", at_once=True,
    )  # fmt: skip
    packet = build_packet(
        sales_fact(),
        someone,
        words,
        "https://leads.example",
        belonging=Belonging(persona="decider", grade="A1", bands={"engagement": "hot"}),
        drawn=Drawn("engagement", tuple(map(float, range(100))), NOW_MS),
        next_step=step,
    )
    return {
        "lead-stage-changed": json.loads(change_data(sales_fact())),
        "lead-merged": json.loads(change_data(merge_fact())),
        "lead-unmerged": json.loads(change_data(unmerge_fact())),
        "handoff": json.loads(packet.model_dump_json()),
        "lead-signal": json.loads(change_data(row_fact(), TABLE)),
        "lead-alert": json.loads(packet_data(ALERT, packet, list(TABLE.values()))),
        "content-step-due": json.loads(STEP.model_dump_json()),
        "handoff-overdue": json.loads(OVERDUE.model_dump_json()),
    }


TABLE = {
    "big": HandoffRow.model_validate(
        {"id": "big", "title": "A large company", "segment": "large", "do": {"alert": True}}
    )
}
STEP = ContentStepDue(
    lead_id=LEAD, enrolment_id=ABSORBED, sequence="planning", title="Retirement planning",
    purpose="nurture", ruleset_version=1, step="thanks", step_title="", number=1, steps=3,
    arm=None, channel="email",
    content=StepContent(id="mistakes", title="Mistakes", url=None, kind="article"),
    at="2026-05-05T09:20:00.000Z", planned_at="2026-05-05T09:20:00.000Z",
    who=StepWho(emails=["sarah@adviser.example"]),
)  # fmt: skip
OVERDUE = HandoffOverdue(
    lead_id=LEAD, handoff_id=ABSORBED, level="reassign", at="2026-05-05T09:20:00.000Z",
    journey="main", stage="validate", episode=1, owner="bob", former_owner="ann",
    handed_at="2026-05-03T09:20:00.000Z", due_at="2026-05-05T13:20:00.000Z", link=None,
    who=Who(
        known=True, emails=["sarah@adviser.example"], phones=[], user_ids=[], anonymous_ids=[],
        external_ids=[], traits={"name": "Sarah"},
    ),
)  # fmt: skip


def _shape(value: Any, path: str = "") -> set[str]:
    """Every field's path; the members of a list share one."""
    if isinstance(value, dict):
        return {path}.union(*(_shape(each, f"{path}.{name}") for name, each in value.items()))
    if isinstance(value, list):
        return {path}.union(*(_shape(each, f"{path}[]") for each in value))
    return {path}


def _message(name: str) -> str:
    return name.partition(".")[0]


def test_every_message_is_on_record() -> None:
    """None is published that no later version would be held to."""
    assert {_message(name) for name in RELEASED} == set(MODELS) == set(published_now())


@pytest.mark.parametrize("name", RELEASED)
def test_released_versions_can_be_read(name: str) -> None:
    """Whoever validates with today's models can read what is on the topics since long ago."""
    MODELS[_message(name)].model_validate_json((GOLDEN / name).read_bytes())


@pytest.mark.parametrize("name", RELEASED)
def test_no_field_ever_goes_away(name: str) -> None:
    """Additive changes only: each field that was once published still is."""
    released = json.loads((GOLDEN / name).read_bytes())
    assert _shape(released) <= _shape(published_now()[_message(name)])


def test_the_types_are_what_subscribers_filter_by() -> None:
    """CloudEvents types and webhook types, word for word."""
    assert TYPES == {
        "lead-stage-changed": ("com.leadscore.lead.stage-changed.v1", "lead.stage_changed"),
        "lead-merged": ("com.leadscore.lead.merged.v1", "lead.merged"),
        "lead-unmerged": ("com.leadscore.lead.unmerged.v1", "lead.unmerged"),
        "lead-signal": ("com.leadscore.lead.signal.v1", "lead.signal"),
        "lead-alert": ("com.leadscore.lead.alert.v1", "lead.alert"),
        "content-step-due": ("com.leadscore.content.step-due.v1", "content.step_due"),
        "handoff-overdue": ("com.leadscore.handoff.overdue.v1", "handoff.overdue"),
        "handoff-content": ("com.leadscore.handoff.content.v1", "handoff.content"),
        "handoff-sales": ("com.leadscore.handoff.sales.v1", "handoff.sales"),
    }
