"""The test message of a destination: signed and sent as any other, with no one's data."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from shared.envelope import rfc3339
from shared.outbound.channels import Channels, Outgoing
from shared.outbound.destinations import Destination
from shared.outbound.mail import Mailer
from shared.outbound.posting import Answer, Outbound

TEST_TYPE = "leadscore.test"


@dataclass(frozen=True, slots=True)
class _TestWords:
    subject: str = "A test message of leadscore"
    text: str = "This destination works: leadscore sends what it asks for here."
    html: str = (
        '<!doctype html><html lang="en"><body>'
        "<p>This destination works: leadscore sends what it asks for here.</p></body></html>"
    )


def _words(_body: dict[str, Any], _links: Mapping[str, str]) -> _TestWords:
    return _TestWords()


async def send_test(destination: Destination, mailer: Mailer | None = None) -> Answer:
    """Send one message of type leadscore.test; what came back."""
    name = f"test_{uuid4()}"
    body = {
        "type": TEST_TYPE,
        "timestamp": rfc3339(int(time.time() * 1000)),
        "data": {"destination": destination.name},
    }
    channels = Channels(Outbound(), _words, mailer)
    try:
        return await channels.send(destination, Outgoing(name, "test", json.dumps(body).encode()))
    finally:
        await channels.close()
