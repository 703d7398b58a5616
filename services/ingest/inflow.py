"""Where a visit came from: search, social, email, paid, referral or direct, and from whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from services.ingest.inflow_table import (
    CHANNELS,
    DIRECT,
    EMAIL,
    EMAIL_IDS,
    HOSTS,
    MEDIA,
    OWN,
    PAID,
    PAID_IDS,
    REFERRAL,
    SOCIAL,
    SOCIAL_IDS,
)

_NO_CAMPAIGN: Final[Mapping[str, str]] = {}
_CLICK_IDS: Final = ((PAID, PAID_IDS), (EMAIL, EMAIL_IDS), (SOCIAL, SOCIAL_IDS))
_LONGEST_NAME: Final = 100
# What stands before a country's domain where nobody has a site right under it.
_SECOND: Final = frozenset(
    ("ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "nom", "or", "org")
)

_Found = tuple[str, str]  # channel, name


class InflowTable:
    """hosts: host → (channel, name) · media: utm_medium → channel. As in inflow_table."""

    def __init__(
        self, hosts: Mapping[str, _Found] = HOSTS, media: Mapping[str, str] = MEDIA
    ) -> None:
        self._hosts = hosts
        self._media = media
        self._named: dict[str, _Found] = {}
        for found in hosts.values():
            self._named.setdefault(found[1], found)
        self._answers = lru_cache(1024)(self._answer)

    def inflow(
        self, page: Mapping[str, str], campaign: Mapping[str, str] = _NO_CAMPAIGN
    ) -> dict[str, str] | None:
        """{"channel", "source"} of the visit that a page belongs to; None where nothing tells.

        page: of an event's context. With `landing` it is known where the visit began, so that no
        referrer means that the address was typed in; without, the page's own address and referrer
        are asked. A referrer of the same site tells nothing.
        """
        if "landing" in page:
            began, referrer = page["landing"], page.get("landing_referrer", "")
        else:
            began, referrer = page.get("url", ""), page.get("referrer", "")
        if not began and not referrer and not campaign:
            return None
        found = self._answers(began, referrer, tuple(campaign.items()))
        if found is None and "landing" in page and not referrer:
            found = (DIRECT, "")
        if found is None:
            return None
        channel, source = found
        return {"channel": channel, "source": source} if source else {"channel": channel}

    def _answer(
        self, began: str, referrer: str, campaign: tuple[tuple[str, str], ...]
    ) -> _Found | None:
        host, query = _host_and_query(began)
        named = self._by_campaign(dict(campaign), query)
        return named or self._by_referrer(_host_and_query(referrer)[0], host)

    def _by_campaign(self, campaign: Mapping[str, str], query: str) -> _Found | None:
        """By what the sender of the link wrote into it, or an advertising network did."""
        medium = campaign.get("medium", "").strip().lower()
        source = campaign.get("source", "").strip()[:_LONGEST_NAME]
        known = self._source(source.lower())
        if channel := self._media.get(medium):
            return channel, source or (known or ("", ""))[1]
        names = {*campaign, *_names_in(query)}
        for channel, ids in _CLICK_IDS:
            for name, network in ids.items():
                if name in names:
                    return channel, source or network
        if known is not None:
            return known[0], source
        if source and any(word in source.lower() for word in ("newsletter", "mail")):
            return EMAIL, source
        if source or medium:
            return REFERRAL, source or medium
        return None

    def _source(self, source: str) -> _Found | None:
        """A utm_source that names a host, or somebody whose host is known."""
        if not source:
            return None
        return self.find(source) or self._named.get(source)

    def _by_referrer(self, referrer: str, host: str) -> _Found | None:
        if not referrer or _same_site(referrer, host):
            return None
        found = self.find(referrer) or (REFERRAL, referrer[:_LONGEST_NAME])
        return None if found[0] == OWN else found

    def find(self, host: str) -> _Found | None:
        """(channel, name) of the longest name in the table that the host is, or is below."""
        labels = host.lower().split(".")
        ends = [end for end in (1, 2) if _is_top_level(labels[-end:])]
        for start in range(len(labels)):
            found = self._hosts.get(".".join(labels[start:]))
            for end in ends:
                found = found or self._hosts.get(".".join([*labels[start:-end], "*"]))
            if found is not None:
                return found
        return None


def _is_top_level(labels: list[str]) -> bool:
    """com, or co.uk."""
    return len(labels) == 1 or (len(labels) == 2 and labels[0] in _SECOND and len(labels[1]) == 2)


def _same_site(one: str, other: str) -> bool:
    """www.acme.example and blog.acme.example are. Of public suffixes, the usual ones are known."""
    return bool(other) and _site(one) == _site(other)


def _site(host: str) -> str:
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    return ".".join(labels[-3 if _is_top_level(labels[-2:]) and len(labels) > 2 else -2 :])


def _host_and_query(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").removeprefix("www."), parts.query
    except ValueError:
        return "", ""


def _names_in(query: str) -> frozenset[str]:
    try:
        return frozenset(name for name, _ in parse_qsl(query, True, max_num_fields=100))
    except ValueError:
        return frozenset()


def inflow_table(path: str) -> InflowTable:
    """Read LEADSCORE_INFLOW_FILE over the table that there is: a host, or "medium:" and a name of
    utm_medium; a channel, or "own" for sites of one's own; and what to call it. "#" begins a
    remark. Raises ValueError that names the line.
    """
    if not path:
        return InflowTable()
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"LEADSCORE_INFLOW_FILE can't be read: {type(error).__name__}") from None
    hosts, media = dict(HOSTS), dict(MEDIA)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=2)
        if not words:
            continue
        kind, colon, medium = words[0].lower().rpartition(":")
        channels = CHANNELS if colon else (*CHANNELS, OWN)
        if len(words) < 2 or words[1] not in channels or kind not in ("", "medium"):
            raise ValueError(
                f"LEADSCORE_INFLOW_FILE, line {number}: wanted is HOST or medium:NAME, then one of "
                f"{', '.join(channels)}, then, if you like, a name"
            )
        if colon:
            media[medium] = words[1]
        else:
            host = words[0].lower().removeprefix("www.")
            hosts[host] = (words[1], words[2].strip() if len(words) > 2 else host)
    return InflowTable(hosts, media)
