"""What a request itself says of whether a person is behind it. Pure but for a file of networks.

What a single event can't show (many links of one mail within seconds, a click before the mail was
opened) the scorer sees: docs/bots.md.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from services.ingest.crawlers import judge_user_agent
from services.ingest.mail_agents import PREFETCHING_PROXIES
from shared.envelope import Verdict

# Headers by which browsers and proxies say that nobody has asked for this yet; and what they say.
PURPOSE_HEADERS: Final = frozenset({b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"})
_PURPOSES: Final = (b"prefetch", b"prerender", b"preview")

PREFETCH: Final = "prefetched"
DATA_CENTRE: Final = "address of a data centre"
AUTOMATED: Final = "automated browser"
_UNKNOWN = Verdict()


def judge(user_agent: str, context: dict[str, Any], machine: str, event_type: str) -> Verdict:
    """The first check that finds something decides. machine: what the request says, see
    `machine_of` · context: of the call; a browser that is remote-controlled says so there.
    """
    if machine:
        return Verdict("bot", machine)
    if context.get("webdriver") is True:
        return Verdict("bot", AUTOMATED)
    if event_type.startswith("email_"):
        proxy = PREFETCHING_PROXIES.get(user_agent)
        if proxy is not None:
            return Verdict("bot", f"mail proxy: {proxy}")
    return judge_user_agent(user_agent) if user_agent else _UNKNOWN


def machine_of(headers: Iterable[tuple[bytes, bytes]], address: str, networks: Networks) -> str:
    """Why a request is no person's, "" when nothing says so."""
    for name, value in headers:
        if name in PURPOSE_HEADERS and any(one in value.lower() for one in _PURPOSES):
            return PREFETCH
    return DATA_CENTRE if networks and networks.hold(address) else ""


class Networks:
    """Ranges of addresses, found by halving. Of none: nothing is in them."""

    def __init__(self, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> None:
        self._first: dict[int, list[int]] = {4: [], 6: []}
        self._last: dict[int, list[int]] = {4: [], 6: []}
        given = list(networks)
        joined: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
            *ipaddress.collapse_addresses(n for n in given if isinstance(n, ipaddress.IPv4Network)),
            *ipaddress.collapse_addresses(n for n in given if isinstance(n, ipaddress.IPv6Network)),
        ]
        for one in joined:
            self._first[one.version].append(int(one.network_address))
            self._last[one.version].append(int(one.broadcast_address))
        self._any = bool(given)
        self.hold = lru_cache(maxsize=8192)(self._hold)

    def __bool__(self) -> bool:
        return self._any

    def _hold(self, address: str) -> bool:
        """Is it in one of them? What is no address isn't."""
        try:
            read = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(read, ipaddress.IPv6Address) and read.ipv4_mapped is not None:
            read = read.ipv4_mapped
        place = bisect_right(self._first[read.version], int(read)) - 1
        return place >= 0 and int(read) <= self._last[read.version][place]


NO_NETWORKS: Final = Networks(())


def networks_in(path: str) -> Networks:
    """Read LEADSCORE_DATACENTRE_FILE: a network in a line, "#" begins a remark. Raises ValueError
    that names the line.
    """
    if not path:
        return NO_NETWORKS
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"LEADSCORE_DATACENTRE_FILE can't be read: {type(error).__name__}"
        ) from None
    networks = []
    for number, line in enumerate(text.splitlines(), 1):
        given = line.partition("#")[0].strip()
        if given:
            try:
                networks.append(ipaddress.ip_network(given, strict=False))
            except ValueError:
                raise ValueError(
                    f"LEADSCORE_DATACENTRE_FILE, line {number}: this is no network"
                ) from None
    return Networks(networks)
