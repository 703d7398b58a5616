"""Messages in Kafka's binary mode, as the CloudEvents SDK reads them."""

from __future__ import annotations

import json

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from services.router.changes import change_data
from services.router.cloudevents import Message, headers_of, key_of, webhook_body
from services.router.decide import message_id
from services.router.messages import StageChanged
from tests.unit.router.people import LEAD, NOW_MS, sales_fact


def _message() -> Message:
    return Message(
        id=message_id(LEAD, 4, "lead-stage-changed"),
        kind="lead-stage-changed",
        lead_id=LEAD,
        seq=4,
        at_ms=NOW_MS,
        data=change_data(sales_fact()),
    )


def test_the_sdk_reads_every_attribute() -> None:
    """Required ones, subject, time, and the sequence that sorts as text and reads as a number."""
    message = _message()
    event = from_binary(
        KafkaMessage(headers=dict(headers_of(message)), key=key_of(LEAD), value=message.data),
        JSONFormat(),
    )
    assert event.get_id() == str(message.id)
    assert event.get_type() == "com.leadscore.lead.stage-changed.v1"
    assert event.get_source() == "/leadscore/router"
    assert event.get_specversion() == "1.0"
    assert event.get_subject() == LEAD
    assert event.get_datacontenttype() == "application/json"
    assert event.get_time() is not None
    assert int(event.get_extension("sequence")) == 4
    data = event.get_data()
    assert StageChanged.model_validate(data).sequence == 4


def test_a_webhook_carries_the_same_data() -> None:
    """Type, time, and under data the very JSON that is on the topic."""
    message = _message()
    body = json.loads(webhook_body(message))
    assert body["type"] == "lead.stage_changed"
    assert body["timestamp"] == "2026-05-03T09:20:00.000Z"
    assert body["data"] == json.loads(message.data)
