"""Sample envelopes of many kinds, and the zstd dictionary trained on them.

`python -m shared.body_samples` writes the dictionary file anew, under the next number. Stored
bodies name the dictionary they need, so an old file must stay for as long as bodies made with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from shared.envelope import Event, Identifiers, Verdict, encode_event
from shared.event_types import STANDARD_EVENT_TYPES

DICTIONARY_BYTES = 16_384
SAMPLES = 6_000
_WORDS = (
    "guide", "retirement", "savings", "pricing", "product", "platform", "team", "security",
    "report", "webinar", "customer", "story", "checklist", "industry", "trends", "invest",
    "options", "plan", "compare", "demo", "trial", "release", "how", "to",
)  # fmt: skip
_AGENTS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{major}.0.0.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{major}.0.0.0 Safari/537.36 Edg/{major}.0.0.0"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.{minor} Safari/605.1.15"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_{minor} like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.{minor} Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/{major}.0.0.0 Mobile Safari/537.36"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:{major}.0) Gecko/20100101 Firefox/{major}.0",
)
_REFERRERS = (
    "https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/",
    "https://www.linkedin.com/", "https://t.co/", "https://www.facebook.com/", "",
)  # fmt: skip


def sample_events(count: int, seed: int) -> Iterator[Event]:
    """Envelopes as ingest makes them: every standard type, several senders, varied texts."""
    dice = random.Random(seed)  # noqa: S311 - samples, not secrets
    kinds = sorted(STANDARD_EVENT_TYPES) + ["page_viewed", "page_left", "email_opened"] * 12
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(count):
        at = start + timedelta(milliseconds=dice.randrange(31_536_000_000))
        kind = dice.choice(kinds)
        by_mail = kind.startswith("email_")
        yield Event(
            id=f"{dice.getrandbits(128):032x}" if dice.random() < 0.5 else _uuid(dice),
            source="sendgrid" if by_mail else dice.choice(("web", "web", "server", "form:contact")),
            type=kind,
            occurred_at=at,
            received_at=at + timedelta(milliseconds=dice.randrange(3000)),
            identifiers=_who(dice, by_mail),
            properties=_mail(dice) if by_mail else _properties(dice, kind),
            traits=_traits(dice) if kind in {"lead_identified", "form_submitted"} else {},
            context=_context(dice, by_mail),
            verdict=Verdict(*dice.choice((("unknown",), ("bot", "user agent says crawler")))),
        )


def _uuid(dice: random.Random) -> str:
    digits = f"{dice.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _text(dice: random.Random, most: int = 6) -> str:
    return " ".join(dice.choices(_WORDS, k=dice.randint(2, most)))


def _who(dice: random.Random, by_mail: bool) -> Identifiers:
    address = f"{_text(dice, 2).replace(' ', '.')}{dice.randrange(9999)}@{dice.choice(_WORDS)}.com"
    return Identifiers(
        email=address if by_mail or dice.random() < 0.4 else None,
        user_id=f"{dice.randrange(10**7)}" if dice.random() < 0.2 else None,
        anonymous_id=None if by_mail else _uuid(dice),
    )


def _mail(dice: random.Random) -> dict[str, Any]:
    return {
        "sg_event_id": f"{dice.getrandbits(100):x}", "sg_message_id": f"{dice.getrandbits(120):x}",
        "category": [_text(dice, 3)], "url": f"https://www.{dice.choice(_WORDS)}.com/{_slug(dice)}",
        "title": _text(dice), "email_id": _slug(dice), "campaign": _slug(dice),
    }  # fmt: skip


def _slug(dice: random.Random) -> str:
    return _text(dice, 5).replace(" ", "-")


def _properties(dice: random.Random, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"title": _text(dice), "name": _text(dice, 3)}
    if kind == "page_left":
        found["seconds"] = dice.randrange(600)
    if dice.random() < 0.4:
        found |= {"content_id": _slug(dice), "url": f"https://www.{dice.choice(_WORDS)}.com/"}
    if dice.random() < 0.1:
        found |= {"amount": dice.randrange(10**5) / 100, "currency": "EUR", "plan": "team"}
    return found


def _traits(dice: random.Random) -> dict[str, Any]:
    return {
        "first_name": dice.choice(_WORDS).title(), "last_name": dice.choice(_WORDS).title(),
        "company": f"{dice.choice(_WORDS).title()} Ltd", "title": f"Head of {dice.choice(_WORDS)}",
        "industry": dice.choice(_WORDS), "employees": dice.randrange(5000), "country": "DE",
    }  # fmt: skip


def _context(dice: random.Random, by_mail: bool) -> dict[str, Any]:
    agent = dice.choice(_AGENTS).format(major=dice.randint(118, 145), minor=dice.randint(0, 6))
    found: dict[str, Any] = {
        "user_agent": agent,
        "ip": f"{dice.randrange(1, 223)}.{dice.randrange(255)}.{dice.randrange(255)}.0",
    }
    if by_mail:
        return found
    host, path = f"https://www.{dice.choice(_WORDS)}.com", f"/{_slug(dice)}"
    search = "?utm_source=newsletter&utm_medium=email&utm_campaign=spring"
    search = search if dice.random() < 0.3 else ""
    found["page"] = {
        "url": f"{host}{path}{search}", "path": path, "title": _text(dice),
        "referrer": dice.choice((*_REFERRERS, f"{host}/{_slug(dice)}")),
    }  # fmt: skip
    if search:
        found["page"]["search"] = search
        found["campaign"] = {"source": "newsletter", "medium": "email", "name": "spring"}
    if dice.random() < 0.7:
        found |= {"locale": dice.choice(("en-US", "en-GB", "de-DE", "fr-FR")),
                  "timezone": dice.choice(("Europe/Berlin", "America/New_York"))}  # fmt: skip
    return found


def train(seed: int = 1) -> bytes:
    """A dictionary from the samples."""
    samples: list[bytes | bytearray | memoryview] = [
        encode_event(event) for event in sample_events(SAMPLES, seed)
    ]
    return zstandard.train_dictionary(DICTIONARY_BYTES, samples).as_bytes()


def main() -> None:
    folder = Path(__file__).with_name("body_dictionaries")
    number = 1 + len(list(folder.glob("*.dict")))
    target = folder / f"{number}.dict"
    target.write_bytes(train())
    print(f"written: {target}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
