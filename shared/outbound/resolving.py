"""Names to addresses, each of them checked. A name server that hangs holds up its name alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from shared.outbound.addresses import check_address

LOOKUP_SECONDS = 10.0
# Lookups that may hang at once. Of one name there is one at a time, so this is a number of names;
# the event loop's own pool has as few as five threads for everything.
THREADS = 64

Lookup = Callable[[str, int], Awaitable[list[str]]]


class UnresolvedNameError(OSError):
    """A name leads nowhere, or nobody knows where."""


class Resolver:
    """Looks names up, each once at a time. lookup: for tests; None: the system's."""

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="names")
        self._lookup = lookup or self._ask
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int, allow_private: bool) -> list[str]:
        """The addresses of a host. Raises RefusedAddressError if one is out of bounds, and
        UnresolvedNameError where the name can't be resolved.
        """
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                addresses = await asyncio.shield(self._answer(host, port))
        except (OSError, UnicodeError, TimeoutError) as error:
            raise UnresolvedNameError("the name can't be resolved") from error
        for address in addresses:
            check_address(address, allow_private)
        return addresses

    def _answer(self, host: str, port: int) -> asyncio.Future[list[str]]:
        key = (host, port)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._lookup(host, port))
            self._asked[key].add_done_callback(lambda done: self._forget(key, done))
        return self._asked[key]

    def _forget(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # those who asked may have given up: it is not unheard

    async def _ask(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
