"""Outgoing requests that can't be led astray: the address checked is the address connected to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.outbound.addresses import RefusedAddressError, check_address, check_url
from shared.outbound.resolving import Resolver

REQUEST_SECONDS = 15.0
CONNECT_SECONDS = 10.0
ANSWER_MAX_BYTES = 64 * 1024
ANSWER_SECONDS = 2.0  # for the rest of an answer whose status is known
KEPT_OPEN_SECONDS = 30.0
ADDRESSES_TRIED = 4
_HEADERS = {"user-agent": "leadscore-webhooks/1", "content-type": "application/json"}
# In a log of attempts that people read. Never what the receiver wrote.
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.InvalidURL, "refused: this is not a URL"),
    (aiohttp.ClientConnectorCertificateError, "the certificate isn't valid"),
    (aiohttp.ClientSSLError, "TLS failed"),
    (aiohttp.ClientConnectorDNSError, "the name can't be resolved"),
    (aiohttp.ClientConnectorError, "nobody takes the connection"),
    (aiohttp.ServerTimeoutError, f"no connection within {CONNECT_SECONDS:.0f} s"),
    (aiohttp.ServerDisconnectedError, "the connection ended without an answer"),
    (aiohttp.ClientResponseError, "the answer isn't HTTP"),
    (aiohttp.ClientError, "the connection broke"),
    (OSError, "the connection broke"),
)


class _CheckedNames(AbstractResolver):
    """A name's addresses, refused all together if any of them is out of bounds."""

    def __init__(self, resolver: Resolver, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        found = await self._resolver.resolve(host, port, self._allow_private)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found[:ADDRESSES_TRIED]
        ]

    async def close(self) -> None:
        """The resolver is its owner's."""


def _connector(
    resolver: Resolver, tls: ssl.SSLContext, allow_private: bool
) -> aiohttp.TCPConnector:
    def checked_socket(address: Any) -> socket.socket:
        """The last look at every connection, of names and of addresses written as such."""
        family, kind, proto, _, at = address
        check_address(str(at[0]), allow_private)
        return socket.socket(family, kind, proto)

    return aiohttp.TCPConnector(
        limit=0,  # who delivers bounds what is under way: nobody waits for another's connection
        use_dns_cache=False,  # each connection goes where the name leads now
        resolver=_CheckedNames(resolver, allow_private),
        socket_factory=checked_socket,
        ssl=tls,
        keepalive_timeout=KEPT_OPEN_SECONDS,
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
    """Posts to webhooks: connections to public addresses are kept apart from private ones.

    tls: whose certificates are believed; None: those of whom the system believes.
    """

    def __init__(self, resolver: Resolver | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.resolver = resolver or Resolver()
        self._tls = tls or ssl.create_default_context()
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(
        self, url: str, allow_private: bool, headers: dict[str, str], body: bytes
    ) -> Answer:
        """Post once; 15 s until there is a status, 2 s for the rest of the answer, of which at most
        64 KB are read, and dropped.
        """
        try:
            check_url(url, allow_private)
            return await _post(self._session(allow_private), url, headers, body)
        except RefusedAddressError as error:
            return Answer(None, f"refused: {error}")
        except aiohttp.ClientError as error:
            return Answer(None, _words(error))
        except TimeoutError:
            return Answer(None, f"no answer within {REQUEST_SECONDS:.0f} s")
        except (OSError, ValueError) as error:
            return Answer(None, _words(error))

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        """Made when first used: a session belongs to the loop that runs."""
        if allow_private not in self._sessions:
            self._sessions[allow_private] = aiohttp.ClientSession(
                connector=_connector(self.resolver, self._tls, allow_private),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                headers=_HEADERS,
                auto_decompress=False,
            )
        return self._sessions[allow_private]

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self.resolver.close()


async def _post(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], body: bytes
) -> Answer:
    # As it was checked, to the letter; a name in other letters is put into ASCII.
    to = URL(url, encoded=url.isascii())
    async with asyncio.timeout(REQUEST_SECONDS):
        response = await session.post(to, data=body, headers=headers, allow_redirects=False)
    async with response:
        # The status is the answer. Whatever becomes of the rest (it may be endless, too short, or
        # never come), it isn't sent again for that.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await _read_some(response)
        return Answer(
            response.status,
            f"HTTP {response.status}",
            response.headers.get("retry-after"),
            response.headers.get("webhook-delivery") == "abort-message",
        )


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """To the end, so that the connection can serve again; not past the bound."""
    read = 0
    async for part in response.content.iter_any():
        read += len(part)
        if read > ANSWER_MAX_BYTES:
            return


def _words(error: Exception) -> str:
    return next((words for kind, words in _WORDS if isinstance(error, kind)), type(error).__name__)
