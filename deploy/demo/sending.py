"""Sending over the real endpoints: browser calls, a form, signed email webhooks."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.demo.journey import BROWSER, EMAIL, Step
from deploy.demo.stack import Stack

# A person's browser: leadscore takes programs for what they are, and gives them no points.
USER_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Safari/605.1.15"
)
RETRY_SECONDS = 60.0
BATCH_EVENTS = 100


class NotTakenError(Exception):
    """Ingest refused something, or could not be reached for a minute."""


class Sender:
    """Sends steps and visitors; what is sent again is the same to the byte, but for signatures."""

    def __init__(self, stack: Stack, began: datetime) -> None:
        self._stack = stack
        self._began = began
        self._http = httpx.AsyncClient(
            base_url=stack.ingest_url, headers={"User-Agent": USER_AGENT}, timeout=15
        )
        key = serialization.load_pem_private_key(stack.sendgrid_private_key_pem.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotTakenError("sendgrid_private_key_pem in local.json is not an EC key")
        self._mail_key = key

    async def close(self) -> None:
        await self._http.aclose()

    async def step(self, step: Step) -> None:
        """Send one step of Sarah's. Raises NotTakenError."""
        at = self._began + step.after
        match step.road:
            case "browser":
                await self._call(step, at)
            case "form":
                await self._form(step, at)
            case "mail":
                await self._mail(step, at)

    async def visitors(self, calls: list[dict[str, Any]]) -> None:
        """Send calls in batches. Raises NotTakenError."""
        for start in range(0, len(calls), BATCH_EVENTS):
            await self._post(
                "/v1/batch",
                json={"batch": calls[start : start + BATCH_EVENTS]},
                auth=(self._stack.write_key, ""),
            )

    async def _call(self, step: Step, at: datetime) -> None:
        call = {
            **{name: value for name, value in step.call.items() if name != "type"},
            "anonymousId": BROWSER,
            "messageId": f"demo-sarah-{step.name}",
            "timestamp": at.isoformat(timespec="milliseconds"),
        }
        await self._post(f"/v1/{step.call['type']}", json=call, auth=(self._stack.write_key, ""))

    async def _form(self, step: Step, at: datetime) -> None:
        fields = {
            **step.call,
            "writeKey": self._stack.write_key,
            "_anonymous_id": BROWSER,
            "_message_id": f"demo-sarah-{step.name}",
            "_timestamp": at.isoformat(timespec="milliseconds"),
        }
        await self._post("/v1/forms/ebook", data=fields)

    async def _mail(self, step: Step, at: datetime) -> None:
        item = {
            "email": EMAIL,
            "timestamp": int(at.timestamp()),
            "sg_event_id": f"demo-sarah-{step.name}",
            "useragent": USER_AGENT,
            **step.call,
        }
        body = json.dumps([item]).encode() + b"\r\n"
        stamp = str(int(time.time())).encode()
        signature = self._mail_key.sign(stamp + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp.decode(),
        }
        await self._post("/v1/webhooks/sendgrid", content=body, headers=headers)

    async def _post(self, path: str, **request: Any) -> None:
        """Post until it is taken: what asks to wait is waited for, what is refused is an error."""
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                answer = await self._http.post(path, **request)
            except httpx.HTTPError as error:
                why, wait = type(error).__name__, 1.0
            else:
                if answer.is_success:
                    return
                why = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code != 429 and answer.status_code < 500:
                    raise NotTakenError(f"POST {path}: {why}")
                wait = float(answer.headers.get("retry-after", "1"))
            if time.monotonic() + wait > deadline:
                raise NotTakenError(f"POST {path}: {why}")
            await asyncio.sleep(wait)
