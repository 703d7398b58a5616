"""What ingest gets by itself: certificates, and addresses that confirm a subscription.

Only addresses that a provider's file has checked against a list of hosts come here, over https;
redirects are not followed, and what comes is bounded in size and time.
"""

from __future__ import annotations

import asyncio

import httpx
import structlog

from services.ingest.refusal import Refusal

log = structlog.get_logger()
BYTES = 64 * 1024
SECONDS = 5.0
# Amazon changes its certificate about once a year; whoever sends made-up names fills no memory.
KEPT = 16


class Visits:
    """Gets addresses, and remembers certificates. transport: for tests."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._kept: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def certificate(self, address: str) -> bytes:
        """The certificate there (PEM). Raises Refusal: 401 when there is none, 429 when nobody
        answers.
        """
        found = self._kept.get(address)
        if found is None:
            async with self._one_at_a_time:
                found = self._kept.get(address) or await self.get(address)
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[address] = found
        return found

    async def get(self, address: str) -> bytes:
        """What is there. Raises as `certificate` does."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(transport=self._transport, follow_redirects=False) as client,
                client.stream("GET", address) as answer,
            ):
                found = b""
                async for chunk in answer.aiter_bytes(BYTES):
                    found += chunk
                    if len(found) > BYTES:
                        break
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            log.warning("an address of a provider can't be got", why=type(error).__name__)
            raise Refusal(
                429, "provider_away", "The provider's own address doesn't answer.", retry_after=20
            ) from None
        if answer.status_code != 200 or len(found) > BYTES:
            raise Refusal(401, "signature_wrong", "The provider's own address has nothing here.")
        return found
