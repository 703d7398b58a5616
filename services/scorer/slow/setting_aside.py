"""Which events don't count, by all of a lead's events at once: machines' and repeated ones."""

from __future__ import annotations

from typing import Any

from services.scorer.slow.fading import in_ms
from services.scorer.slow.fields import Plain, distinct, read

MAIL = ("email_delivered", "email_opened", "email_clicked", "email_link_trap")
MINUTE = 60_000


def aside(ruleset: Plain, line: list[Plain]) -> list[Plain]:
    """The events, in order, with those of machines marked: bot, and why."""
    limits = ruleset.get("machines", {})
    return [_judged(event, line, limits, _last_word(line, place))
            for place, event in enumerate(line)]  # fmt: skip


def _last_word(line: list[Plain], place: int) -> str | None:
    """What operators said last of an event, after it."""
    event, found = line[place], None
    for later in line[place + 1 :]:
        if (later["source"], later["type"]) != ("operator", "events_judged"):
            continue
        said = later["properties"]
        mail = said.get("message_id")
        of_mail = event["type"] in MAIL and mail and event["properties"].get("message_id") == mail
        if of_mail or [event["source"], event["id"]] in (said.get("events") or []):
            found = str(said.get("verdict"))
    return found


def _judged(event: Plain, line: list[Plain], limits: Any, word: str | None) -> Plain:
    message = event["properties"].get("message_id")
    message = message if event["type"] in MAIL and isinstance(message, str) and message else None
    if event["type"] == "events_judged":
        return event
    if word is not None:
        human = word == "human"
        return {**event, "bot": not human, "why": "" if human else "retracted: by hand"}
    unknown = not event["bot"] and event.get("verdict", {}).get("judgement", "unknown") == "unknown"
    if not unknown or message is None or limits == "off":
        return event
    why = _machine(event, [one for one in line if one["properties"].get("message_id") == message],
                   limits)  # fmt: skip
    return {**event, "bot": True, "why": f"retracted: {why}"} if why else event


def _machine(event: Plain, of_mail: list[Plain], limits: Plain) -> str:
    """Why an opening or a click is a machine's, by what happened to the mail, or ""."""
    if event["type"] not in ("email_opened", "email_clicked"):
        return ""
    now = event["ms"]
    if any(one["type"] == "email_link_trap" and abs(one["ms"] - now) <= MINUTE for one in of_mail):
        return "a link that people don't see was followed, too"
    if event["type"] == "email_opened":
        return ""
    links, within = limits.get("links", 5), in_ms(limits.get("within", "10s"))
    clicks = [one for one in of_mail if one["type"] == "email_clicked" and _url(one)]
    for first in clicks if _url(event) else []:
        if first["ms"] <= now <= first["ms"] + within:
            seen = {_url(one) for one in clicks if 0 <= one["ms"] - first["ms"] <= within}
            if len(seen) >= links:
                return f"{links} links of one mail within {within / 1000:g} s"
    soon = in_ms(limits.get("after_delivery", "2s"))
    delivered = [one["ms"] for one in of_mail
                 if one["type"] == "email_delivered" and 0 <= now - one["ms"] <= soon]  # fmt: skip
    seen_by = [one["ms"] for one in of_mail if one["type"] == "email_opened" and not one["bot"]]
    if delivered and not any(max(delivered) <= ms <= now for ms in seen_by):
        return f"clicked within {soon / 1000:g} s of the delivery"
    return ""


def _url(event: Plain) -> str:
    url = event["properties"].get("url")
    return url if isinstance(url, str) else ""


class Signals:
    """The signals that were seen, the newest 200 of them."""

    def __init__(self, ruleset: Plain) -> None:
        shipped = {"email_opened": {"same": ["properties.message_id"]}}
        self.said: Plain = {**shipped, **ruleset.get("signals", {})}
        self.seen: list[tuple[Any, int]] = []

    def repeats(self, event: Plain, traits: Plain) -> bool:
        """Does an event say once more what was said before? If not, it is noted."""
        how = self.said.get(event["type"], {})
        if how == "every":
            return False
        key = event["properties"].get("signal_key")
        if isinstance(key, str) and key:
            name: Any = (event["type"], "signal_key", key)
        else:
            paths = how.get("same", [])
            paths = [paths] if isinstance(paths, str) else paths
            found = [read(path, event, traits) for path in paths]
            if not found or None in found:
                return False
            name = (event["type"], *(distinct(one) for one in found))
        for known, ms in self.seen:
            if known == name:
                if "within" not in how or event["ms"] - ms <= in_ms(how["within"]):
                    return True
                self.seen.remove((known, ms))
                break
        self.seen = [*self.seen, (name, event["ms"])][-200:]
        return False
