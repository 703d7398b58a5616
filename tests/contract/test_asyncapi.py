"""docs/asyncapi.json is what the models say, and what is published is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.router.asyncapi import document, written
from services.router.cloudevents import TYPES, Message, headers_of
from services.router.decide import HANDOFF, MessageKind, message_id
from tests.contract.test_published_messages import published_now
from tests.unit.router.people import LEAD, NOW_MS

COMMITTED = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_committed_document_is_current() -> None:
    """Mend with: python -m services.router.asyncapi > docs/asyncapi.json."""
    assert COMMITTED.read_text() == written()


def test_every_message_has_its_channel() -> None:
    """And no reference leads nowhere."""
    told = document()
    named = {kind for channel in told["channels"].values() for kind in channel["messages"]}
    assert named == set(told["components"]["messages"]) == set(TYPES)
    for reference in _references(told):
        found: Any = told
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_published_is_valid(kind: MessageKind) -> None:
    """Headers and value of each kind of message."""
    told = document()
    message = told["components"]["messages"][kind]
    data = published_now()["handoff" if kind in HANDOFF.values() else kind]
    sent = Message(message_id(LEAD, 4, kind), kind, LEAD, 4, NOW_MS, b"{}")
    _check(told, message["payload"], data)
    _check(told, message["headers"], {name: value.decode() for name, value in headers_of(sent)})


def _check(told: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": told["components"]}
    jsonschema.Draft202012Validator(
        whole, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(value)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        found = [one for each in value.values() for one in _references(each)]
        return [*found, value["$ref"]] if isinstance(value.get("$ref"), str) else found
    if isinstance(value, list):
        return [one for each in value for one in _references(each)]
    return []
