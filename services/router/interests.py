"""What a person is interested in, read off what their deeds are about: pure.

Deeds count by their weight, halved every 30 days; robots' deeds and mails that we sent don't.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from services.router.messages import Interest
from services.router.wording import text_of
from shared.envelope import Event, milliseconds, rfc3339
from shared.event_types import OPERATOR

Kind = Literal["category", "taste", "brand"]

# Properties that name it; of a shop's order those of its items, too.
FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "category": (
        "category", "categories", "product_category", "content_category", "topic", "topics",
    ),
    "taste": (
        "tags", "tag", "style", "styles", "taste", "flavour", "flavor", "genre", "colour", "color",
        "interest", "interests",
    ),
    "brand": ("brand", "brands", "manufacturer"),
}  # fmt: skip
_KIND_OF: Final = {field: kind for kind, fields in FIELDS.items() for field in fields}
# How much a deed says, where that isn't 1.
WEIGHTS: Final = {
    "page_left": 0.5, "content_downloaded": 2.0, "webinar_attended": 2.0, "sample_requested": 2.0,
    "cart_abandoned": 2.0, "demo_requested": 3.0, "trial_started": 3.0, "purchase_made": 3.0,
    "purchase_refunded": 0.0,
}  # fmt: skip
HALF_LIFE_MS: Final = 30 * 86_400_000
A_KIND_MAX = 5
NAMES_MAX = 10
NAME_MAX = 60  # characters
NAMED_MAX = 20  # names that one event may give
ITEMS_MAX = 20


@dataclass(slots=True)
class _Tally:
    name: str
    last_ms: int
    weight: float = 0.0
    times: int = 0


def interests_of(events: Sequence[Event], now_ms: int) -> list[Interest]:
    """By kind, the strongest first. events: the newest first, whose spelling of a name counts."""
    tallies: dict[tuple[Kind, str], _Tally] = {}
    for event in events:
        weight = WEIGHTS.get(event.type, 1.0)
        if not weight or not _tells(event):
            continue
        at_ms = milliseconds(event.occurred_at)
        weight *= 0.5 ** (max(0, now_ms - at_ms) / HALF_LIFE_MS)
        for kind, name in dict.fromkeys(_named(event)):
            tally = tallies.setdefault((kind, name.casefold()), _Tally(name, at_ms))
            tally.weight += weight
            tally.times += 1
    found = sorted(tallies.items(), key=lambda item: (-item[1].weight, item[0]))
    return [
        Interest(
            kind=kind,
            name=tally.name,
            weight=round(tally.weight, 3),
            times=tally.times,
            last_at=rfc3339(tally.last_ms),
        )
        for kind in get_args(Kind)
        for tally in [tally for (of_kind, _), tally in found if of_kind == kind][:A_KIND_MAX]
    ]


def names_of(interests: Sequence[Interest]) -> list[str]:
    """Names alone, each once, the strongest of all kinds first."""
    names: dict[str, str] = {}
    for interest in sorted(interests, key=lambda interest: -interest.weight):
        names.setdefault(interest.name.casefold(), interest.name)
    return list(names.values())[:NAMES_MAX]


def _tells(event: Event) -> bool:
    """Mails carry categories and tags of their sender's, which are nobody's taste."""
    if event.source == OPERATOR or event.verdict.judgement == "bot":
        return False
    return not event.type.startswith("email_")


def _named(event: Event) -> Iterator[tuple[Kind, str]]:
    items = event.properties.get("items") or event.properties.get("products")
    parts = [event.properties]
    if isinstance(items, list):
        parts += [item for item in items[:ITEMS_MAX] if isinstance(item, dict)]
    left = NAMED_MAX
    for part in parts:
        for field in sorted(part.keys() & _KIND_OF.keys()):
            for name in _texts(part[field])[:left]:
                left -= 1
                yield _KIND_OF[field], name


def _texts(value: Any) -> list[str]:
    """The names in a text, or in a list of texts."""
    given = value[:NAMED_MAX] if isinstance(value, list) else [value]
    return [text[:NAME_MAX].strip() for each in given if (text := text_of(each))]
