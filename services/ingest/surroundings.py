"""The context an event is kept with: page, campaign, user agent, truncated address."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from services.ingest.handling import Handling
from services.ingest.limits import CONTEXT_TEXT_CHARACTERS, URL_CHARACTERS
from services.ingest.metrics import URLS_CLEANED

# landing, landing_referrer: where the visit began, and where it came from.
_PAGE = ("url", "path", "title", "referrer", "search", "landing", "landing_referrer")
_PLAIN = ("locale", "timezone")
_SESSION_CHARACTERS = 64
_MOST_SESSIONS = 1_000_000
_UTM = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}


def user_agent_of(context: dict[str, Any], sent: str) -> str:
    """The user agent that the context says, else the one that was sent; cut when too long."""
    agent = context.get("userAgent")
    return (agent if isinstance(agent, str) and agent else sent)[:CONTEXT_TEXT_CHARACTERS]


def kept_context(
    context: dict[str, Any],
    properties: dict[str, Any],
    user_agent: str,
    ip: str,
    handling: Handling,
) -> dict[str, Any]:
    """The known part of a Segment context, as much of it as `handling` keeps.

    page: url, path, title, referrer, search, landing, landing_referrer; what is missing is read
    from `properties` (page calls carry it there) and from the url · campaign: source, medium,
    name, term, content, else from the url's utm_ parameters · inflow: channel, source, see inflow ·
    session: id, number · user_agent: the one given · ip: what the context says, else the one given
    · locale, timezone. Texts that are too long are cut; anything else is not kept.
    """
    kept: dict[str, Any] = {}
    page = _page(context.get("page"), properties, handling)
    if page:
        kept["page"] = page
    campaign = _campaign(context.get("campaign"), page.get("search", ""))
    if campaign:
        kept["campaign"] = campaign
    inflow = handling.inflow.inflow(page, campaign) if page or campaign else None
    if inflow:
        kept["inflow"] = inflow
    session = _session(context.get("session"))
    if session:
        kept["session"] = session
    agent = user_agent if handling.agent is None else handling.agent(user_agent)
    if agent:
        kept["user_agent"] = agent
    own_ip = context.get("ip")
    network = handling.ip(own_ip if isinstance(own_ip, str) and own_ip else ip)
    if network:
        kept["ip"] = network
    for name in _PLAIN:
        value = context.get(name)
        if isinstance(value, str) and value:
            kept[name] = value[:CONTEXT_TEXT_CHARACTERS]
    return kept if handling.fields is None else handling.fields.kept(kept, "context")


def _page(page: object, properties: dict[str, Any], handling: Handling) -> dict[str, str]:
    given = page if isinstance(page, dict) else {}
    kept: dict[str, str] = {}
    clean = handling.url
    for name in _PAGE:
        value = given.get(name) or properties.get(name)
        if value and type(value) is str:
            if name == "title":
                kept[name] = value[:CONTEXT_TEXT_CHARACTERS]
                continue
            given_url = value[:URL_CHARACTERS]
            kept[name] = clean(given_url)
            if kept[name] != given_url:
                URLS_CLEANED.inc()
    url = kept.get("url", "")
    if url and ("path" not in kept or "search" not in kept):
        try:
            parts = urlsplit(url)
        except ValueError:
            return kept
        kept.setdefault("path", parts.path or "/")
        if parts.query:
            kept.setdefault("search", f"?{parts.query}")
    return kept


def _session(session: object) -> dict[str, str | int]:
    given = session if isinstance(session, dict) else {}
    kept: dict[str, str | int] = {}
    if isinstance(name := given.get("id"), str) and name:
        kept["id"] = name[:_SESSION_CHARACTERS]
    number = given.get("number")
    if type(number) is int and 0 < number < _MOST_SESSIONS:
        kept["number"] = number
    return kept


def _campaign(campaign: object, search: str) -> dict[str, str]:
    if isinstance(campaign, dict):
        return {
            name[:CONTEXT_TEXT_CHARACTERS]: value[:CONTEXT_TEXT_CHARACTERS]
            for name, value in islice(campaign.items(), 16)
            if type(value) is str and value
        }
    if "utm_" not in search:
        return {}
    try:
        pairs = parse_qsl(search.removeprefix("?"), max_num_fields=100)
    except ValueError:
        return {}
    return {
        _UTM[name]: value.replace("\x00", "")[:CONTEXT_TEXT_CHARACTERS]
        for name, value in pairs
        if name in _UTM
    }
