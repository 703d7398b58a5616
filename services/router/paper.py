"""Text and HTML of one message for people, from the same parts: nothing is told in one alone. Pure.

Whatever is told came from outside: it is cut, cleaned of control characters and escaped here, and
nowhere else. HTML has no images, no scripts, no styles but inline ones; links lead only to http and
https. What doesn't fit is left out from the end, buttons excepted.
"""

from __future__ import annotations

import html
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

COLUMNS: Final = 72
MAX_BYTES: Final = 30_000  # of the HTML; the text is held to the same
SUBJECT_MAX: Final = 150  # characters
TEXT_MAX: Final = 400  # characters of one thing that is told
URL_MAX: Final = 600
ITEMS_MAX: Final = 20
BUTTONS_MAX: Final = 10

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_STYLES: Final = {
    "body": f"margin:0;padding:24px;background:#f4f4f5;color:#18181b;{_FONT};font-size:15px;"
    "line-height:1.5",
    "sheet": "max-width:640px;margin:0 auto;padding:24px;background:#fff;border-radius:8px",
    "h1": "margin:0 0 12px;font-size:20px;line-height:1.3",
    "h2": "margin:20px 0 6px;font-size:13px;color:#52525b;text-transform:uppercase",
    "p": "margin:0 0 8px",
    "warn": "margin:0 0 8px;padding:8px 12px;background:#fef2f2;color:#991b1b;border-radius:6px",
    "ul": "margin:0;padding-left:20px",
    "td": "padding:2px 12px 2px 0;vertical-align:top",
    "th": "padding:2px 12px 2px 0;vertical-align:top;text-align:left;font-weight:normal;"
    "color:#52525b",
    "a": "display:inline-block;margin:0 8px 8px 0;padding:8px 14px;background:#1d4ed8;"
    "color:#fff;text-decoration:none;border-radius:6px",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading. facts: name and value · items: of a list · lines: paragraphs."""

    heading: str
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.lines or self.facts or self.items)


@dataclass(frozen=True, slots=True)
class Button:
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What is told. warnings: above all else · buttons: after `lead`, where the eye is."""

    subject: str
    title: str
    lead: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """subject: one line without control characters · text: plain, at most 72 columns but for
    URLs · html: a whole document.
    """

    subject: str
    text: str
    html: str


def plain(value: Any, most: int = TEXT_MAX) -> str:
    """A value as one line of text: no control, format or surrogate characters; "" for what is no
    text or number.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:,.10g}" if abs(value) < 1e9 else f"{value:.3g}"
    elif isinstance(value, int):
        value = f"{value:,}" if abs(value) < 10**15 else "a large number"
    if not isinstance(value, str):
        return ""
    text = value[: 4 * most]
    if not text.isprintable():
        text = "".join(
            " " if char.isspace() else char
            for char in text
            if char.isspace() or unicodedata.category(char)[0] != "C"
        )
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def safe_url(value: Any) -> str:
    """A URL that may stand in a link: http or https with a host; "" for anything else."""
    if not isinstance(value, str) or len(value) > URL_MAX or not value.isprintable():
        return ""
    if any(char in value for char in " \"'<>\\`"):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.netloc else ""


def printed(paper: Paper) -> Rendered:
    """Both forms, each within MAX_BYTES: sections go from the end until they are."""
    sections = [section for section in paper.sections if not section.empty]
    while True:
        text, page = _text(paper, sections), _html(paper, sections)
        if max(len(text.encode()), len(page.encode())) < MAX_BYTES or not sections:
            return Rendered(plain(paper.subject, SUBJECT_MAX), text, page)
        sections.pop()


def _text(paper: Paper, sections: Sequence[Section]) -> str:
    parts = [_wrapped(plain(paper.title))]
    parts += [_wrapped(f"!! {plain(warning)}") for warning in paper.warnings[:ITEMS_MAX]]
    parts += [_wrapped(plain(line)) for line in paper.lead[:ITEMS_MAX]]
    buttons = [
        f"{plain(button.words, 60)}:\n{url}"
        for button in paper.buttons[:BUTTONS_MAX]
        if (url := safe_url(button.url))
    ]
    if buttons:
        parts.append("\n".join(buttons))
    for section in sections:
        heading = plain(section.heading, COLUMNS)
        rows = [heading, "-" * len(heading)]
        rows += [_wrapped(plain(line)) for line in section.lines[:ITEMS_MAX]]
        rows += [
            _wrapped(f"{plain(name, 60)}: {plain(value)}", "  ")
            for name, value in section.facts[:ITEMS_MAX]
        ]
        rows += [_wrapped(f"- {plain(item)}", "  ") for item in section.items[:ITEMS_MAX]]
        parts.append("\n".join(rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _wrapped(text: str, hanging: str = "") -> str:
    return textwrap.fill(text, COLUMNS, subsequent_indent=hanging, break_on_hyphens=False)


def _html(paper: Paper, sections: Sequence[Section]) -> str:
    parts = [_tag("h1", paper.title)]
    parts += [_tag("p", warning, "warn") for warning in paper.warnings[:ITEMS_MAX]]
    parts += [_tag("p", line) for line in paper.lead[:ITEMS_MAX]]
    buttons = [
        f'<a href="{html.escape(url)}" style="{_STYLES["a"]}">'
        f"{html.escape(plain(button.words, 60))}</a>"
        for button in paper.buttons[:BUTTONS_MAX]
        if (url := safe_url(button.url))
    ]
    if buttons:
        parts.append(f'<div style="margin:12px 0">{"".join(buttons)}</div>')
    for section in sections:
        parts.append(_tag("h2", section.heading))
        parts += [_tag("p", line) for line in section.lines[:ITEMS_MAX]]
        if section.facts:
            parts.append(f"<table>{''.join(map(_row, section.facts[:ITEMS_MAX]))}</table>")
        if section.items:
            items = "".join(
                f"<li>{html.escape(plain(item))}</li>" for item in section.items[:ITEMS_MAX]
            )
            parts.append(f'<ul style="{_STYLES["ul"]}">{items}</ul>')
    title = html.escape(plain(paper.subject, SUBJECT_MAX))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="referrer" content="no-referrer">'
        f'<title>{title}</title></head>\n<body style="{_STYLES["body"]}">'
        f'<div style="{_STYLES["sheet"]}">\n' + "\n".join(parts) + "\n</div></body></html>\n"
    )


def _tag(name: str, text: str, style: str = "") -> str:
    return f'<{name} style="{_STYLES[style or name]}">{html.escape(plain(text))}</{name}>'


def _row(fact: tuple[str, str]) -> str:
    name, value = html.escape(plain(fact[0], 60)), html.escape(plain(fact[1]))
    return (
        f'<tr><th style="{_STYLES["th"]}">{name}</th><td style="{_STYLES["td"]}">{value}</td></tr>'
    )
