"""Outgoing requests that can't be led astray: the address checked is the address connected to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from shared.outbound.addresses import RefusedAddressError, check_url
from shared.outbound.resolving import Resolver

REQUEST_SECONDS = 15.0
CONNECT_SECONDS = 10.0
ANSWER_MAX_BYTES = 64 * 1024
ANSWER_SECONDS = 2.0  # for the rest of an answer whose status is known
CONNECTIONS = 2_000
_USER_AGENT = "leadscore-webhooks/1"


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, refuses it if any of its addresses is out of bounds, and connects to
    one that was checked. TLS still verifies the name.
    """

    def __init__(self, resolver: Resolver, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the interface is httpcore's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolver.resolve(host, port, self._allow_private)
        failure: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the name resolves to no address")

    async def connect_unix_socket(self, *_args: Any, **_kwargs: Any) -> Any:
        raise RefusedAddressError("webhooks go over TCP")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx over a pool that connects through CheckedNetwork only."""

    def __init__(self, resolver: Resolver, allow_private: bool) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            # More than are ever under way: nobody waits for another's connection.
            max_connections=CONNECTIONS,
            max_keepalive_connections=100,
            keepalive_expiry=30.0,
            network_backend=CheckedNetwork(resolver, allow_private),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request. status: None when there was no answer; `why` says what happened,
    without a word of what the receiver wrote.
    """

    status: int | None
    why: str
    retry_after: str | None = None
    give_up: bool = False

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Outbound:
    """Posts to webhooks: one pool of connections for public addresses, one for private ones."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = resolver or Resolver()
        self._clients = {
            allow_private: httpx.AsyncClient(
                transport=_CheckedTransport(self.resolver, allow_private),
                timeout=httpx.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=False,
                headers={"user-agent": _USER_AGENT, "content-type": "application/json"},
            )
            for allow_private in (False, True)
        }

    async def post(
        self, url: str, allow_private: bool, headers: dict[str, str], body: bytes
    ) -> Answer:
        """Post once, for at most 15 s in all; reads at most 64 KB of the answer and drops it."""
        try:
            check_url(url, allow_private)
            async with asyncio.timeout(REQUEST_SECONDS):
                return await self._post(self._clients[allow_private], url, headers, body)
        except RefusedAddressError as error:
            return Answer(None, f"refused: {error}")
        except TimeoutError:
            return Answer(None, f"no answer within {REQUEST_SECONDS:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Answer(None, type(error).__name__)

    async def _post(
        self, client: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        async with client.stream("POST", url, content=body, headers=headers) as response:
            # The status is the answer. Whatever becomes of the rest (it may be endless, too short,
            # or never come), it isn't sent again for that.
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await _read_some(response)
            return Answer(
                response.status_code,
                f"HTTP {response.status_code}",
                response.headers.get("retry-after"),
                response.headers.get("webhook-delivery") == "abort-message",
            )

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        self.resolver.close()


async def _read_some(response: httpx.Response) -> None:
    """To the end, so that the connection can serve again; not past the bound."""
    read = 0
    async for part in response.aiter_raw():
        read += len(part)
        if read > ANSWER_MAX_BYTES:
            return
