"""What chats take by their incoming webhooks: Slack's blocks, and Adaptive Cards for Teams. Pure.

Titles and names come from outside: in neither can they mention, link or format anything.
"""

from __future__ import annotations

import json
from typing import Any

from shared.outbound.words import Words

# Slack takes 150 characters of a header, 3,000 of a section and 50 blocks; Teams 28 KB in all.
HEADER_MAX = 150
SECTION_MAX = 2_800
SECTIONS_MAX = 6
BODY_MAX_BYTES = 24_000


def slack_body(words: Words, link: str | None) -> bytes:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(_line(words.subject), HEADER_MAX),
                     "emoji": False},
        }
    ]  # fmt: skip
    blocks += [
        {
            "type": "section",
            "text": {"type": "plain_text", "text": part, "emoji": False},
        }
        for part in _parts(_plain(words.text))
    ]
    if link:
        mrkdwn = f"<{_escaped(link)}|Open in leadscore>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}})
    # What notifications show is the only text from outside that Slack reads as markup.
    fallback = _escaped(_cut(_line(words.subject), HEADER_MAX))
    return _bounded({"text": fallback, "blocks": blocks}, blocks, 1)


def teams_body(words: Words, link: str | None) -> bytes:
    """A message with one Adaptive Card. Runs of rich text know no markup, text blocks do."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _rich(_cut(_line(words.subject), HEADER_MAX), weight="bolder", size="medium"),
            *(_rich(part) for part in _parts(_plain(words.text))),
        ],
    }
    if link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in leadscore", "url": link}]
    message = {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }
    return _bounded(message, card["body"], 1)


def _rich(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}


def _bounded(message: dict[str, Any], parts: list[Any], first: int) -> bytes:
    """As JSON; parts after the first are left out, from the last, until it is small enough."""
    body = json.dumps(message, ensure_ascii=False).encode()
    while len(body) > BODY_MAX_BYTES and len(parts) > first + 1:
        del parts[-1]
        body = json.dumps(message, ensure_ascii=False).encode()
    return body


def _parts(text: str) -> list[str]:
    """Pieces of a text that each fit a section, cut between lines where there are any."""
    parts: list[str] = []
    rest = text
    while rest.strip() and len(parts) < SECTIONS_MAX:
        if len(rest) <= SECTION_MAX:
            parts.append(rest)
            break
        at = rest.rfind("\n", 1, SECTION_MAX)
        at = at if at > 0 else SECTION_MAX
        parts.append(rest[:at])
        rest = rest[at:].lstrip("\n")
    return parts or ["…"]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    """Without characters that turn the direction of writing, or can't be shown."""
    return "".join(each for each in text if each == "\n" or each.isprintable())


def _line(text: str) -> str:
    return _plain(" ".join(text.split())) or "leadscore"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
