"""The other visitors: two hundred people with a few events each, the same at every run. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from deploy.demo.journey import SITE

VISITORS = 200
SEED = 45
DAYS = 10

STORY = "Client story: how the Harris family retired at 62"
PAGES: tuple[tuple[str, str, int], ...] = (  # path, title, weight
    ("/", "Miller Advice", 8),
    ("/blog/retirement-savings-strategies", "Retirement savings strategies", 6),
    ("/blog/common-retirement-mistakes", "Seven common retirement mistakes", 4),
    ("/guides/asset-allocation", "Asset allocation after 45", 2),
    ("/stories/harris-family", STORY, 2),
    ("/pricing", "Fees and services", 2),
)
DEEDS: tuple[tuple[str, dict[str, Any], int], ...] = (  # event, properties, weight
    ("newsletter_subscribed", {"list": "Retirement news"}, 6),
    (
        "content_downloaded",
        {"content_id": "secure-retirement", "title": "Your Guide to a Secure Retirement"},
        5,
    ),
    ("webinar_registered", {"title": "Ask an adviser"}, 3),
    ("webinar_attended", {"title": "Ask an adviser"}, 2),
    (
        "video_watched",
        {"title": STORY, "percent": 80},
        3,
    ),
    ("social_followed", {"network": "LinkedIn"}, 2),
    ("demo_requested", {"product": "Free consultation"}, 1),
    ("email_unsubscribed", {}, 1),
)
CAMPAIGNS = (None, None, {"source": "google", "medium": "cpc", "name": "retire-early"})
TITLES = ("Engineer", "Head of Finance", "Teacher", "Chief Executive", "Nurse", "Director Sales")


def visitor_calls(base: datetime) -> Iterator[dict[str, Any]]:
    """Every visitor's calls for /v1/batch, person by person; ids and times depend on base only."""
    chance = random.Random(SEED)  # noqa: S311 - a story, not a secret
    for number in range(VISITORS):
        yield from _visitor(chance, number, base)


def _visitor(chance: random.Random, number: int, base: datetime) -> Iterator[dict[str, Any]]:
    at = base + timedelta(seconds=chance.randrange(DAYS * 86_400 - 7200))
    campaign = chance.choice(CAMPAIGNS)
    known = chance.random() < 0.4
    deeds = chance.choices(DEEDS, [weight for *_, weight in DEEDS], k=chance.choice((0, 1, 1, 2)))
    calls: list[dict[str, Any]] = []
    for path, title, _ in chance.choices(PAGES, [w for *_, w in PAGES], k=chance.randint(1, 4)):
        page = {"url": f"{SITE}{path}", "path": path, "title": title}
        calls.append({"type": "page", "context": {"page": page}})
    if known:
        email = f"visitor{number:03d}@example.com"
        traits = {"email": email, "title": chance.choice(TITLES)}
        calls.append({"type": "identify", "traits": traits})
    for event, properties, _ in deeds:
        calls.append({"type": "track", "event": event, "properties": properties})
    for index, call in enumerate(calls):
        at += timedelta(seconds=chance.randint(5, 240))
        context = {**call.get("context", {}), **({"campaign": campaign} if campaign else {})}
        yield {
            **call,
            "context": context,
            "anonymousId": f"demo-visitor-{number:03d}",
            "messageId": f"demo-visitor-{number:03d}-{index}",
            "timestamp": at.isoformat(timespec="milliseconds"),
        }
