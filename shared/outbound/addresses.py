"""Which addresses a webhook may go to. Pure: names are resolved elsewhere."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

URL_MAX = 2_000

# What is not the public internet, and why. Kept as a table: the standard library's idea of
# "global" changed between Python's patch releases.
REFUSED = tuple(
    (ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "local translation"),
        ("100::/64", "discard"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "reserved"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# Unique local addresses at which clouds keep credentials: never, even on one's own network.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254")))
_GIVEN_OUT = ip_network("2000::/3")  # all that is public lies there
_TRANSLATED = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


# What a receiver on one's own network may have: those who allow private addresses mean these.
_OWN_NETWORK = ("private", "loopback", "unique local")


class RefusedAddressError(Exception):
    """A webhook must not go there. The message says why, without the path. private: it might, if
    private addresses were allowed.
    """

    def __init__(self, why: str, *, private: bool = False) -> None:
        super().__init__(why)
        self.private = private


def check_url(url: str, allow_private: bool) -> SplitResult:
    """The parts of an acceptable URL: https, or http too where private addresses are allowed.

    Raises RefusedAddressError.
    """
    if len(url) > URL_MAX or any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in url):
        raise RefusedAddressError(f"a URL has no spaces and at most {URL_MAX} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedAddressError("this is not a URL") from error
    if parts.scheme not in ("https", "http"):
        raise RefusedAddressError("a URL begins with https://")
    if parts.scheme == "http" and not allow_private:
        raise RefusedAddressError("a URL begins with https://", private=True)
    if not parts.hostname or port == 0:
        raise RefusedAddressError("the URL names no host")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddressError("a URL holds no user name and no password")
    if parts.fragment:
        raise RefusedAddressError("a URL for webhooks has no fragment")
    return parts


def check_address(text: str, allow_private: bool) -> None:
    """Raises RefusedAddressError unless this IP address may be connected to."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError as error:
        raise RefusedAddressError("the name resolves to no IP address") from error
    why = why_refused(address)
    private = why in _OWN_NETWORK
    if why is None or (allow_private and private):
        return
    raise RefusedAddressError(f"the address is {why}", private=private)


def why_refused(address: IPv4Address | IPv6Address) -> str | None:
    """What kind of address it is, if not a public one; looks into IPv4 carried by IPv6."""
    if address in _METADATA:
        return "where a cloud keeps its credentials"
    for network, why in REFUSED:
        if address in network:
            return why
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return why_refused(inner)
        if address not in _GIVEN_OUT:
            return "not public"
    return None if address.is_global else "not public"


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside a mapped, compatible, 6to4 or NAT64 one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _TRANSLATED or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
