"""Sarah's journey as a table: what she does, when, and how it reaches leadscore. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

EMAIL = "sarah.miller@example.com"
BROWSER = "demo-sarah-browser"
SITE = "https://www.miller-advice.example"
SEARCH = "https://www.google.com/search?q=retirement+savings+strategies"
EBOOK = "Your Guide to a Secure Retirement"
ARTICLES = {
    "/blog/retirement-savings-strategies": "Retirement savings strategies",
    "/blog/common-retirement-mistakes": "Seven common retirement mistakes",
    "/guides/asset-allocation": "Asset allocation after 45",
}

Road = Literal["browser", "form", "mail"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    name: stable, the end of the event's id · after: since the journey began · road: how it is
    sent · words: for the screen · call: what is sent, without ids and times.
    """

    name: str
    after: timedelta
    road: Road
    words: str
    call: dict[str, Any] = field(default_factory=dict)


def _at(days: int, hours: int, minutes: int, seconds: int = 0) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _page(path: str, title: str, referrer: str) -> dict[str, str]:
    return {"url": f"{SITE}{path}", "path": path, "title": title, "referrer": referrer}


def _visits(name: str, after: timedelta, path: str, title: str, referrer: str = "") -> Step:
    call = {"type": "page", "context": {"page": _page(path, title, referrer)}}
    words = f"visits {path}" + (" from a search" if referrer == SEARCH else "")
    return Step(name, after, "browser", words, call)


def _reads(name: str, after: timedelta, path: str, title: str, seconds: int) -> Step:
    call = {
        "type": "track",
        "event": "page_left",
        "properties": {"seconds": seconds, "total_seconds": seconds},
        "context": {"page": _page(path, title, "")},
    }
    return Step(name, after, "browser", f"read “{title}” for {seconds} s", call)


def _mail(name: str, after: timedelta, number: int, event: str, path: str = "") -> Step:
    subject = SUBJECTS[number]
    item: dict[str, Any] = {
        "event": event,
        "sg_message_id": f"demo-sarah-mail-{number}.filter0001",
        "subject": subject,
        "category": ["retirement-planning"],
    }
    if path:
        item["url"] = f"{SITE}{path}"
    verb = {"delivered": "gets", "open": "opens", "click": "clicks in"}[event]
    return Step(name, after, "mail", f"{verb} the email “{subject}”", item)


SUBJECTS = {
    1: "Thank you, and seven mistakes to avoid",
    2: "Client story: how the Harris family retired at 62",
    3: "Your investment options in one picture",
}

_STRATEGIES, _MISTAKES, _ALLOCATION = ARTICLES
_GUIDE = "/guides/secure-retirement"
_VIDEO = "/stories/harris-family"

JOURNEY: tuple[Step, ...] = (
    _visits("landing", _at(0, 0, 0), _STRATEGIES, ARTICLES[_STRATEGIES], SEARCH),
    _visits("guide", _at(0, 0, 3, 10), _GUIDE, EBOOK),
    Step(
        "ebook-form",
        _at(0, 0, 5),
        "form",
        "gives her address for the e-book",
        {"email": EMAIL, "name": "Sarah Miller", "age": "45", "goal": "Retire at 63"},
    ),
    Step(
        "ebook",
        _at(0, 0, 5, 20),
        "browser",
        f"downloads “{EBOOK}”",
        {
            "type": "track",
            "event": "content_downloaded",
            "properties": {
                "content_id": "secure-retirement",
                "title": EBOOK,
                "url": f"{SITE}/files/secure-retirement.pdf",
            },
            "context": {"page": _page(_GUIDE, EBOOK, "")},
        },
    ),
    _mail("mail-1-delivered", _at(2, 0, 0), 1, "delivered"),
    _mail("mail-1-open", _at(2, 1, 12), 1, "open"),
    _mail("mail-1-click", _at(2, 1, 13), 1, "click", _MISTAKES),
    _visits("mistakes", _at(2, 1, 13, 5), _MISTAKES, ARTICLES[_MISTAKES]),
    _reads("mistakes-read", _at(2, 1, 18), _MISTAKES, ARTICLES[_MISTAKES], 95),
    _mail("mail-2-delivered", _at(5, 0, 0), 2, "delivered"),
    _mail("mail-2-open", _at(5, 2, 30), 2, "open"),
    _mail("mail-2-click", _at(5, 2, 31), 2, "click", _VIDEO),
    _visits("testimonial", _at(5, 2, 31, 5), _VIDEO, SUBJECTS[2]),
    Step(
        "video",
        _at(5, 2, 36),
        "browser",
        f"watches the testimonial “{SUBJECTS[2]}”",
        {
            "type": "track",
            "event": "video_watched",
            "properties": {
                "content_id": "harris-family",
                "title": SUBJECTS[2],
                "seconds": 240,
                "percent": 95,
            },
            "context": {"page": _page(_VIDEO, SUBJECTS[2], "")},
        },
    ),
    _mail("mail-3-delivered", _at(9, 0, 0), 3, "delivered"),
    _mail("mail-3-open", _at(9, 0, 45), 3, "open"),
    _visits("allocation", _at(9, 0, 46, 5), _ALLOCATION, ARTICLES[_ALLOCATION]),
    _visits("pricing", _at(9, 0, 52), "/pricing", "Fees and services"),
    _reads("pricing-read", _at(9, 0, 55), "/pricing", "Fees and services", 150),
)
