"""Messages in words, for people: plain text and HTML, whatever the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

LINES_MAX = 60
LINE_MAX = 500


@dataclass(frozen=True, slots=True)
class Rendered:
    """html: a whole document."""

    subject: str
    text: str
    html: str


def render(body: dict[str, Any], links: Mapping[str, str]) -> Rendered:
    """body: {type, timestamp, data} of any message, parts of data may be missing · links: what may
    be clicked → URL.
    """
    data = body.get("data") or {}
    subject = f"{body.get('type', 'message')}: lead {data.get('lead_id', '')}".strip()
    lines = [subject, *_lines("", data)][:LINES_MAX]
    acts = [f"{act}: {url}" for act, url in links.items()]
    rows = "".join(f"<p>{escape(line)}</p>" for line in lines)
    buttons = "".join(
        f'<p><a href="{escape(url)}">{escape(act)}</a></p>' for act, url in links.items()
    )
    return Rendered(
        subject=subject,
        text="\n".join([*lines, *acts]),
        html=f'<!doctype html><html lang="en"><body>{rows}{buttons}</body></html>',
    )


def _lines(prefix: str, value: Any) -> list[str]:
    """What is told, one thing a line."""
    if isinstance(value, dict):
        return [line for name, each in value.items() for line in _lines(f"{prefix}{name} ", each)]
    if isinstance(value, list):
        return [line for each in value for line in _lines(prefix, each)]
    return [] if value in (None, "") else [f"{prefix.strip()}: {value}"[:LINE_MAX]]
