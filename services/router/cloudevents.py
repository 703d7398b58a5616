"""CloudEvents 1.0 in Kafka's binary mode: headers, key and value of each message."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.router.decide import MessageKind
from shared.envelope import rfc3339
from shared.topics import Topics

SOURCE = b"/leadscore/router"

# Message kind → (CloudEvents type, type in a webhook's body).
TYPES: dict[MessageKind, tuple[str, str]] = {
    "lead-stage-changed": ("com.leadscore.lead.stage-changed.v1", "lead.stage_changed"),
    "lead-merged": ("com.leadscore.lead.merged.v1", "lead.merged"),
    "lead-unmerged": ("com.leadscore.lead.unmerged.v1", "lead.unmerged"),
    "handoff-content": ("com.leadscore.handoff.content.v1", "handoff.content"),
    "handoff-sales": ("com.leadscore.handoff.sales.v1", "handoff.sales"),
    "lead-signal": ("com.leadscore.lead.signal.v1", "lead.signal"),
    "lead-alert": ("com.leadscore.lead.alert.v1", "lead.alert"),
    "content-step-due": ("com.leadscore.content.step-due.v1", "content.step_due"),
    "handoff-overdue": ("com.leadscore.handoff.overdue.v1", "handoff.overdue"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, ready to go out. data: JSON bytes; at_ms: when what it tells happened; seq: its
    number in the lead's sequence, None for what takes none.
    """

    id: UUID
    kind: MessageKind
    lead_id: str
    seq: int | None
    at_ms: int
    data: bytes


def topic_of(topics: Topics, kind: MessageKind) -> str:
    """The topic's name, prefix included."""
    return {
        "lead-stage-changed": topics.stage_changed,
        "lead-merged": topics.stage_changed,
        "lead-unmerged": topics.stage_changed,
        "lead-signal": topics.stage_changed,
        "lead-alert": topics.handoff_sales,
        "handoff-content": topics.handoff_content,
        "handoff-sales": topics.handoff_sales,
        "content-step-due": topics.handoff_content,
        "handoff-overdue": topics.handoff_sales,
    }[kind]


def key_of(lead_id: str) -> bytes:
    return lead_id.encode()


def headers_of(message: Message) -> list[tuple[str, bytes]]:
    """The attributes, as the Kafka protocol binding of CloudEvents 1.0 writes them.

    sequence: CloudEvents asks for text that sorts like the number, hence the zeros in front.
    """
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(message.id).encode()),
        ("ce_type", TYPES[message.kind][0].encode()),
        ("ce_source", SOURCE),
        ("ce_time", rfc3339(message.at_ms).encode()),
        ("ce_subject", key_of(message.lead_id)),
        ("content-type", b"application/json"),
    ]
    if message.seq is not None:
        headers.append(("ce_sequence", b"%010d" % message.seq))
    return headers


def webhook_body(message: Message) -> bytes:
    """The body of a webhook, as Standard Webhooks shapes it; `data` is the record's value."""
    head = f'{{"type":"{TYPES[message.kind][1]}","timestamp":"{rfc3339(message.at_ms)}","data":'
    return head.encode() + message.data + b"}"
