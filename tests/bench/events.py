"""Events for benchmarks: a B2B site's mix, from a seed, with realistic bodies, late and doubled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from shared.envelope import Event, Identifiers

PATHS = ("/", "/pricing", "/product", "/docs/start", "/case-studies/acme", "/about",
         *(f"/blog/post-{number}" for number in range(60)))  # fmt: skip
TYPES = (
    ("page_viewed", 46), ("page_left", 20), ("link_clicked", 6), ("email_delivered", 9),
    ("email_opened", 9), ("email_clicked", 4), ("content_downloaded", 2), ("form_submitted", 1),
    ("video_watched", 1), ("product_used", 2),
)  # fmt: skip
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
LATE_SHARE = 0.02
DOUBLED_SHARE = 0.02


def event_stream(
    count: int, leads: int, *, seed: int = 1, per_second: float = 500.0
) -> Iterator[Event]:
    """About `count` events of `leads` people, in order of arrival, up to now.

    Two thirds of the people are known by an address. 2 % of the events arrive up to 20 s late,
    2 % arrive twice.
    """
    dice = random.Random(seed)
    end = datetime.now(UTC).replace(microsecond=0)
    kinds, weights = zip(*TYPES, strict=True)
    for number in range(count):
        received = end - timedelta(seconds=(count - number) / per_second)
        event = _event(dice, number, dice.randrange(leads), received, kinds, weights)
        yield event
        if dice.random() < DOUBLED_SHARE:
            yield event


def _event(
    dice: random.Random,
    number: int,
    person: int,
    received: datetime,
    kinds: tuple[str, ...],
    weights: tuple[int, ...],
) -> Event:
    late = dice.random() * 20.0 if dice.random() < LATE_SHARE else 0.0
    [kind] = dice.choices(kinds, weights)
    path = dice.choice(PATHS)
    known = person % 3 < 2
    url = f"https://www.example.com{path}?utm_source=newsletter&utm_medium=email"
    return Event(
        id=f"{dice.getrandbits(128):032x}",
        source="sendgrid" if kind.startswith("email_") else "web",
        type=kind,
        occurred_at=received - timedelta(seconds=late),
        received_at=received,
        identifiers=Identifiers(
            email=f"person{person}@customer{person % 997}.example" if known else None,
            anonymous_id=None if known and kind.startswith("email_") else f"{person:032x}",
        ),
        properties={
            "title": f"About {path}", "content_id": path, "seconds": dice.randrange(240),
            "email_id": f"mail-{dice.randrange(30)}", "category": "retirement planning",
        },
        context={
            "page": {"url": url, "path": path, "title": f"About {path} | Example",
                     "referrer": "https://www.google.com/"},
            "campaign": {"source": "newsletter", "medium": "email", "name": "spring-2026"},
            "user_agent": AGENT, "ip": "203.0.113.0", "locale": "en-GB",
        },
    )  # fmt: skip
