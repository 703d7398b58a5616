"""Addresses of pages, without what is personal or secret in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import re2

from services.ingest.globs import names_pattern
from services.ingest.metrics import URLS_CLEANED

# Properties that hold an address of a page, also without a scheme.
_NAMES = frozenset({"url", "href", "referrer", "referer", "search", "landing", "landing_referrer"})
_SUSPECT = re.compile(r"[?#;@]|%(?:25)?40")
_BETWEEN = re.compile(r"[?&#;]")
_USER_INFO = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.\-]*:)?//[^/@]*@")
_MAIL = re2.compile(r"[^\s/@:?&=#;,]+(?:@|%40)[^\s/@:?&=#;,]+\.[A-Za-z]{2,}")
_MASK = "[address]"
_LONGEST_NAME = 256

Cleaner = Callable[[str], str]


def url_cleaner(deny: str) -> Cleaner:
    """What takes out of an address: parameters whose name is denied, or whose value is an email
    address or an address with such parameters (in query, fragment and ";…"); the user before the
    host; email addresses in the path become [address]. The rest stays as it is. Answers are
    remembered.

    deny: names parted by commas, "*" for anything; "" takes nothing out at all.
    """
    pattern = names_pattern(deny)
    if pattern is None:
        return lambda url: url

    @lru_cache(4096)
    def denied(name: str) -> bool:
        return pattern.fullmatch(unquote_plus(name[:_LONGEST_NAME]).lower()) is not None

    def kept(pair: str) -> bool:
        name, _, value = pair.partition("=")
        if denied(name) or any(map(denied, _names_inside(value))):
            return False
        return not (_SUSPECT.search(pair) and _MAIL.search(unquote_plus(pair)))

    def query(text: str) -> str:
        return "&".join(pair for pair in text.split("&") if kept(pair))

    def path(text: str) -> str:
        text = _USER_INFO.sub(r"\1//", text)
        if ";" in text:
            first, *parameters = text.split(";")
            text = ";".join((first, *(one for one in parameters if kept(one))))
        return str(_MAIL.sub(_MASK, text)) if "@" in text or "%40" in text else text

    def fragment(text: str) -> str:
        way, mark, behind = text.partition("?")
        if mark:
            return _joined(path(way), "?", query(behind))
        return query(text) if "=" in text else path(text)

    @lru_cache(8192)
    def clean(url: str) -> str:
        if not _SUSPECT.search(url):
            return url
        before, _, last = url.partition("#")
        way, _, asked = before.partition("?")
        return _joined(_joined(path(way), "?", query(asked)), "#", fragment(last))

    return clean


def _names_inside(value: str) -> list[str]:
    """The names of parameters in a value that is itself an address, such as where to go next."""
    if "=" not in value and "%3" not in value:
        return []
    parts = _BETWEEN.split(unquote_plus(value))
    return [part.partition("=")[0] for part in parts if "=" in part]


def clean_properties(properties: dict[str, Any], clean: Cleaner) -> dict[str, Any]:
    """Properties with the addresses of pages in them cleaned: texts that begin with http, and
    those of a name such as url. The same object when nothing changes.
    """
    changed: dict[str, Any] | None = None
    names = _NAMES
    for name, value in properties.items():
        kind = type(value)
        if kind is str:
            if name not in names and value[:4] != "http":
                continue
            cleaned: Any = clean(value)
        elif kind is dict or kind is list:
            cleaned = _clean_inside(value, clean)
        else:
            continue
        if cleaned is not value and cleaned != value:
            if kind is str:
                URLS_CLEANED.inc()
            changed = changed or {}
            changed[name] = cleaned
    return {**properties, **changed} if changed else properties


def _clean_inside(value: Any, clean: Cleaner) -> Any:
    """Of a list, each item as if it were a property without a name."""
    if isinstance(value, dict):
        return clean_properties(value, clean)
    items = [clean_properties({"": item}, clean)[""] for item in value]
    return items if items != value else value


def _joined(before: str, mark: str, behind: str) -> str:
    return f"{before}{mark}{behind}" if behind else before
