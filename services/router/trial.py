"""The test message of a destination: signed and sent as any other, with no one's data."""

from __future__ import annotations

import json
import time
from uuid import uuid4

from services.router.destinations import Destination
from services.router.outbound import Answer, Outbound
from services.router.signing import signed_headers
from shared.envelope import rfc3339

TEST_TYPE = "leadscore.test"


async def send_test(destination: Destination) -> Answer:
    """Post one message of type leadscore.test; what came back."""
    now = time.time()
    body = json.dumps(
        {
            "type": TEST_TYPE,
            "timestamp": rfc3339(int(now * 1000)),
            "data": {"destination": destination.name},
        }
    ).encode()
    headers = signed_headers(destination.secret, f"test_{uuid4()}", int(now), body)
    outbound = Outbound()
    try:
        return await outbound.post(destination.url, destination.allow_private, headers, body)
    finally:
        await outbound.close()
