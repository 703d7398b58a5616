"""Random histories of one lead, as plain dicts: close in time, about the ends of periods."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.ruleset.reading import read_ruleset
from tests.oracle.conditions_at_random import TYPES, WORDS, Plain, values

# Saturday, 2026-10-31, 23:40 UTC: an hour, a day and a month end soon; the week a day later.
START_MS = 1_793_490_000_000
NEXT_DAY_MS = 86_400_000
END_MS = START_MS + NEXT_DAY_MS + 2 * 3_600_000

moments = st.one_of(
    st.integers(0, 300).map(lambda n: n * 1000),
    st.integers(0, 40 * 60).map(lambda n: n * 1000),
    st.sampled_from([0, 1, 999, 20_000, 20_001, 45_000, 60_000, 20 * 60_000, 20 * 60_000 - 1]),
)


SPEAKING = (
    "email_unsubscribed", "email_complained", "email_bounced", "newsletter_subscribed",
    "email_resubscribed",
)  # fmt: skip
answers = st.one_of(
    st.booleans(), st.sampled_from(["granted", "denied", "perhaps", 1, None]),
    st.fixed_dictionaries(
        {"granted": st.booleans()}, optional={"text": st.sampled_from(["v1", "v2", 3])}
    ),
)  # fmt: skip
purposes = st.sampled_from(
    ["scoring", "scoring", "analytics", "Marketing Email", "sales-contact", "ads"]
)
consents = st.one_of(
    st.dictionaries(purposes, answers, min_size=1, max_size=3),
    st.fixed_dictionaries(
        {"categoryPreferences": st.dictionaries(purposes, answers, max_size=2)},
        optional={"scoring": answers, "granted": answers, "text": st.just("v1")},
    ),
    st.builds(lambda granted: {"granted": granted}, st.booleans()),
    st.builds(lambda granted: {"scoring": granted}, st.booleans()),
)


@st.composite
def events(draw: st.DrawFn) -> Plain:
    """One event."""
    traits = st.dictionaries(st.sampled_from(["title", "size"]), values, max_size=2)
    day = NEXT_DAY_MS if draw(st.integers(0, 4)) == 0 else 0
    return {
        "id": str(draw(st.integers(0, 40))),
        "source": draw(st.sampled_from(["web", "mail"])),
        "type": draw(st.sampled_from(SPEAKING if draw(st.integers(0, 7)) == 0 else TYPES)),
        "ms": START_MS + day + draw(moments),
        "properties": draw(st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2)),
        "traits": draw(traits) if draw(st.booleans()) else {},
        "context": draw(
            st.one_of(
                st.just({}),
                st.builds(lambda path: {"page": {"path": path}}, st.sampled_from(WORDS)),
            )
        ),
        "identifiers": {"email": "sarah@example.com"},
        "consent": draw(consents) if draw(st.integers(0, 3)) == 0 else {},
        "bot": draw(st.integers(0, 9)) == 0,
    }


@st.composite
def overrides(draw: st.DrawFn) -> Plain:
    """A person's word on a stage."""
    names = ["s0", "s1", "s2", "beside0", "unheard of", None]
    said: Plain = {"stage": draw(st.sampled_from(names)), "actor": "anna"}
    if draw(st.integers(0, 3)) == 0:
        said["journey"] = draw(st.sampled_from(["main", "other", "none"]))
    at_ms = START_MS + draw(moments)
    if draw(st.booleans()):
        said["lock"] = True
        if draw(st.booleans()):
            until = at_ms + draw(st.sampled_from([-1000, 1, 20_000, 300_000]))
            zoned = instant(until).isoformat()
            said["until"] = draw(st.sampled_from([zoned, zoned.removesuffix("+00:00"), "soon"]))
    return {
        "id": str(draw(st.integers(0, 40))), "source": "operator", "type": "stage_overridden",
        "ms": at_ms, "properties": said, "traits": {}, "context": {}, "bot": False,
        "identifiers": {"email": "sarah@example.com"},
    }  # fmt: skip


def _unique(line: list[Plain]) -> list[Plain]:
    return list({(event["source"], event["id"]): event for event in line}.values())


histories = st.one_of(
    st.lists(events(), min_size=8, max_size=14), st.lists(events(), min_size=4, max_size=10),
    st.lists(events(), max_size=4),
).map(_unique)  # fmt: skip

# Now and then somebody sets the stage by hand.
words = st.lists(overrides(), max_size=3)
ruled_histories = st.one_of(
    histories, st.builds(lambda line, said: _unique([*line, *said]), histories, words)
)


def compiled(ruleset: Plain, version: int = 1) -> Ruleset:
    """Through the real reader: JSON is YAML."""
    document = read_ruleset(json.dumps(ruleset))
    numbers = {name: n + 1 for n, name in enumerate(document.rule_names())}
    return compile_ruleset(document, numbers, version)


def event_of(plain: Plain) -> Event:
    """The event as the core takes it."""
    at = instant(plain["ms"])
    return Event(
        id=plain["id"],
        source=plain["source"],
        type=plain["type"],
        occurred_at=at,
        received_at=at,
        identifiers=Identifiers(**plain["identifiers"]),
        properties=plain["properties"],
        traits=plain["traits"],
        context=plain["context"],
        consent=plain.get("consent", {}),
        verdict=Verdict("bot" if plain["bot"] else "human"),
    )
