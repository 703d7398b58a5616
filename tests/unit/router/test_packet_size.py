"""A packet is at most 20 KB and can be read by its own model, whatever is stored of the lead."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.belonging import Belonging
from services.router.messages import HandOff, NextStep
from services.router.packet import PACKET_MAX_BYTES, Company, build_packet
from services.router.percentiles import Drawn
from services.router.reasons import Earned, Given
from services.router.rendering import render
from services.router.ruleset_words import RulesetWords
from services.router.since_last import Moved
from services.router.who import TRAITS
from services.scorer.core.consenting import Stance
from shared.consent import PURPOSES
from shared.envelope import Identifiers
from shared.facts import Reason
from shared.identity import KIND_NAMES
from shared.lead_state import Consent
from tests.unit.router.people import DAY_MS, NOW_MS, event, lead, sales_fact

_words = st.text(max_size=30)
_sizes = st.sampled_from([1, 40, 400, 4000])
_chars = st.sampled_from(["x", "ü", "\u0001", "“", "@", "𝕏", '"', "\\", "+49301234567 "])
_types = st.sampled_from([
    "page_viewed", "page_left", "content_downloaded", "purchase_made", "video_watched", "own_kind",
    "form_submitted", "email_opened",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    size=_sizes,
    char=_chars,
    kinds=st.lists(_types, min_size=1, max_size=8),
    many=st.sampled_from([1, 12, 200]),
    receiver=st.sampled_from(["sales", "content"]),
    junk=st.dictionaries(
        st.sampled_from(["title", "tags", "category", "items", "url", "brand"]),
        st.none() | st.integers() | st.lists(_words, max_size=4) | _words,
    ),
)
def test_no_packet_is_larger_whatever_is_stored(
    size: int, char: str, kinds: list[str], many: int, receiver: str, junk: dict[str, Any]
) -> None:
    """Every field of it is filled with as much as fits into where it comes from."""
    long = char * size
    deeds = [
        Earned(
            event(
                kinds[number % len(kinds)],
                number,
                id=f"{number}{long}"[:200],
                source=long[:100],
                properties={
                    "title": f"{number} {long}",
                    "url": f"https://a.example/{long}",
                    "tags": [f"{each}{number}{long}" for each in range(9)],
                    "brand": f"{number} {long}",
                    "category": long,
                    **junk,
                },
                context={
                    "inflow": {"channel": long, "source": long},
                    "campaign": {"name": long, "medium": long},
                    "page": {"landing": f"https://a.example/{long}", "title": long},
                },
                consent={f"{key}{long}": long for key in range(30)},
                identifiers=Identifiers(email="a@b.example"),
            ),
            tuple((f"engagement/{long}{rule}", 1.0) for rule in range(20)),
        )
        for number in range(many)
    ]
    said = Consent(True, NOW_MS, long, long)
    someone = lead(
        *deeds,
        by_time=tuple(Given(NOW_MS - n, ((f"fit/{long}{n}", 2.0),)) for n in range(many)),
        identifiers=tuple((kind, f"{n}{long}") for kind in KIND_NAMES for n in range(20)),
        traits=dict.fromkeys(TRAITS, long),
        merged_from=("0196a6a0-0000-7000-8000-000000000002",) * 20,
        moves=tuple(
            Moved(3 - n, NOW_MS - DAY_MS, "main", long[:100], long[:100], "event", 1, "content")
            for n in range(3)
        ),
        company=Company(f"group:{long}", 9, {f"m{n}": 1.0 for n in range(500)}, long[:100], 0),
    )
    packet = build_packet(
        sales_fact(
            handoff=receiver,
            to_stage=long[:100],
            from_stage=long[:100],
            scores={f"model-{number}": 1.0 for number in range(100)} | {"engagement": 5.0},
            reasons=[Reason(long, long, long, long, 1.0, "") for _ in range(99)],
        ),
        someone,
        RulesetWords({"main": {long[:100]: [long[:100]] * 5}}),
        "https://leads.example",
        belonging=Belonging(
            persona=long[:100],
            segments=tuple(f"{n}{long}"[:100] for n in range(50)),
            bands={f"model-{number}": long[:100] for number in range(100)},
            consents={purpose: Stance(True, said) for purpose in PURPOSES},
        ),
        drawn=Drawn("engagement", (1.0,) * 50, NOW_MS),
        next_step=NextStep(
            words=long[:400], rule=long[:200], to_stage=long[:100], points=1, effort=1, at="",
            at_once=True,
        ),
    )  # fmt: skip
    sent = packet.model_dump_json().encode()
    assert len(sent) <= PACKET_MAX_BYTES
    again = HandOff.model_validate_json(sent)
    assert again == packet
    assert packet.who.user_ids
    render({"type": "handoff.sales", "data": packet.model_dump()}, {})
