"""Where a form may send people back to: only to origins that the operator listed."""

from __future__ import annotations

from urllib.parse import urlsplit

from services.ingest.limits import URL_CHARACTERS
from services.ingest.refusal import invalid

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origins_in(setting: str) -> frozenset[str]:
    """The origins of LEADSCORE_REDIRECT_ORIGINS: parted by commas, folded, "*" kept as it is.

    Raises ValueError for an entry that isn't an origin, so that a typing error stops the start.
    """
    origins = set()
    for entry in filter(None, (part.strip() for part in setting.split(","))):
        origin = entry if entry == "*" else _origin(entry)
        if origin is None:
            raise ValueError(f"{entry!r} is not an origin such as https://www.example.com")
        origins.add(origin)
    return frozenset(origins)


def allowed_redirect(address: str, origins: frozenset[str]) -> str:
    """The address, if it may be used in a Location header. Raises Refusal (400) otherwise.

    Only full http and https addresses count: a relative one would lead to ingest itself.
    """
    origin = _origin(address) if len(address) <= URL_CHARACTERS else None
    if origin is None:
        raise invalid(
            "redirect_not_an_address", "_redirect must be a full http or https URL.", "_redirect"
        )
    if "*" not in origins and origin not in origins:
        raise invalid(
            "redirect_not_allowed",
            "The origin of _redirect is not listed in LEADSCORE_REDIRECT_ORIGINS.",
            "_redirect",
        )
    return address


def _origin(address: str) -> str | None:
    """scheme://host:port in lower case, or None for what browsers could read in two ways."""
    # Browsers take "\" for "/" and drop tabs and line ends; so such an address is refused.
    if any(character <= " " or character in '\\"<>`{}|^\x7f' for character in address):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if port is None or not parts.hostname or "@" in parts.netloc or not address.isascii():
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"
