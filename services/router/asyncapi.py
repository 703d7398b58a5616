"""The AsyncAPI 3 document of what is published, made from the models: docs/asyncapi.json.

`python -m services.router.asyncapi > docs/asyncapi.json` writes it anew.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.router.cloudevents import SOURCE, TYPES, topic_of
from services.router.decide import MessageKind
from services.router.messages import (
    ContentStepDue,
    HandOff,
    HandoffOverdue,
    LeadAlert,
    LeadMerged,
    LeadSignal,
    LeadUnmerged,
    StageChanged,
)
from shared.topics import Topics

# The data of each message.
DATA: dict[MessageKind, type[BaseModel]] = {
    "lead-stage-changed": StageChanged,
    "lead-merged": LeadMerged,
    "lead-unmerged": LeadUnmerged,
    "lead-signal": LeadSignal,
    "lead-alert": LeadAlert,
    "handoff-content": HandOff,
    "handoff-sales": HandOff,
    "content-step-due": ContentStepDue,
    "handoff-overdue": HandoffOverdue,
}
SCHEMAS = "#/components/schemas/"
# Messages that always have a number of the lead's sequence.
_NUMBERED = frozenset({"lead-stage-changed", "lead-merged", "lead-unmerged"})


def document() -> dict[str, Any]:
    """Channels are topics without the prefix that a setting may give them."""
    channels: dict[str, Any] = {}
    for kind in DATA:
        topic = topic_of(Topics(""), kind)
        channel = channels.setdefault(topic, {"address": topic, "messages": {}})
        channel["messages"][kind] = {"$ref": f"#/components/messages/{kind}"}
    _, shared_schemas = models_json_schema(
        [(model, "serialization") for model in dict.fromkeys(DATA.values())],
        ref_template=SCHEMAS + "{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "leadscore",
            "version": "1",
            "description": "Stage changes, merges and hand-offs, as CloudEvents in Kafka's binary "
            "mode. Fields are only ever added. docs/handoffs.md says what they mean.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            f"publish-{topic}": {"action": "send", "channel": {"$ref": f"#/channels/{topic}"}}
            for topic in channels
        },
        "components": {
            "messages": {kind: _message(kind, model) for kind, model in DATA.items()},
            "schemas": shared_schemas["$defs"],
        },
    }


def _message(kind: MessageKind, model: type[BaseModel]) -> dict[str, Any]:
    cloud_event, webhook = TYPES[kind]
    headers = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid"},
        "ce_type": {"const": cloud_event},
        "ce_source": {"const": SOURCE.decode()},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "format": "uuid"},
        "ce_sequence": {"type": "string", "pattern": "^[0-9]{10}$"},
        "content-type": {"const": "application/json"},
    }
    return {
        "name": cloud_event,
        "summary": f"By webhook: {webhook}",
        "headers": {
            "type": "object",
            "properties": headers,
            # What is about a company, or due by a clock, takes no number of the lead's sequence.
            "required": [name for name in headers if name != "ce_sequence" or kind in _NUMBERED],
        },
        "payload": {"$ref": f"{SCHEMAS}{model.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
    }


def written() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
