"""What is kept of the address a request came from. Pure."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=8192)
def truncated_ip(value: str) -> str:
    """The network an address is in: /24 for IPv4, /48 for IPv6, with the rest zero; "" if none."""
    address = _read(value)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Address(int(address) >> 80 << 80))
    return str(ipaddress.IPv4Address(int(address) >> 8 << 8)) if address is not None else ""


def whole_ip(value: str) -> str:
    """The address in its usual spelling; "" if it is none."""
    address = _read(value)
    return "" if address is None else str(address)


def _read(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return None
    if address.is_unspecified:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
