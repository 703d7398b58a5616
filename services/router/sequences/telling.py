"""The message of a step that is due: what whoever sends it needs, and no more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.router.messages import ContentStepDue, StepContent, StepWho
from services.router.sequences.deciding import Definition, Step
from shared.envelope import rfc3339
from shared.facts import Announcement
from shared.identity import EMAIL, EXTERNAL, PHONE, USER_ID, Identifier
from shared.ruleset.sequences import Channel

ADDRESSES_MAX = 3
_TEXT_MAX = 200
# What is an address on a channel, by kind of identifier.
KINDS_BY_CHANNEL: Mapping[Channel, tuple[int, ...]] = {
    "email": (EMAIL,),
    "sms": (PHONE,),
    "phone_task": (PHONE,),
    "direct_mail": (USER_ID, EXTERNAL),
    "social_audience": (EMAIL, PHONE),
}


def unaddressed(who: Sequence[Identifier]) -> set[Channel]:
    """The channels on which nobody of these can be reached."""
    there = {kind for kind, _ in who}
    return {name for name, kinds in KINDS_BY_CHANNEL.items() if there.isdisjoint(kinds)}


def announcement_of(
    row: Any, definition: Definition, step: Step, who: Sequence[Identifier], now_ms: int
) -> Announcement:
    """row: of the enrolment, whose lead has an address on the channel."""
    assert step.choice is not None
    sequence = definition.written
    channel = sequence.channel_of(step.step, step.choice)
    kinds = KINDS_BY_CHANNEL[channel]
    addresses = {
        kind: [value[:_TEXT_MAX] for each, value in who if each == kind][:ADDRESSES_MAX]
        for kind in kinds
    }
    content = step.choice.content
    due_ms = row["planned_ms"] if row["planned_ms"] is not None else now_ms
    data = ContentStepDue(
        lead_id=str(row["lead_id"]),
        enrolment_id=str(row["id"]),
        sequence=definition.name,
        title=sequence.title,
        purpose=sequence.purpose,
        ruleset_version=row["version"],
        step=step.step.id,
        step_title=step.step.title,
        number=row["next_step"] + 1,
        steps=len(sequence.steps),
        arm=row["arm"] or None,
        channel=channel,
        content=StepContent(
            id=content.id, title=content.title, url=content.url or None, kind=content.kind or None
        ),
        at=rfc3339(now_ms),
        planned_at=rfc3339(due_ms),
        who=StepWho(
            emails=addresses.get(EMAIL, []),
            phones=addresses.get(PHONE, []),
            user_ids=addresses.get(USER_ID, []),
            external_ids=addresses.get(EXTERNAL, []),
        ),
    )
    return Announcement(
        lead_id=str(row["lead_id"]),
        message="content-step-due",
        key=f"{row['id']}/{step.step.id}",
        at_ms=now_ms,
        data=data.model_dump(),
    )
