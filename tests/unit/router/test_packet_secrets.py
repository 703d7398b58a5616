"""A packet and its renderings hold nothing that its receiver may not see, whatever was planted."""

from __future__ import annotations

from typing import Any

import pytest

from services.router.belonging import Belonging
from services.router.messages import NextStep
from services.router.packet import Company, Lead, build_packet
from services.router.reasons import Earned
from services.router.rendering import render
from services.router.ruleset_words import RulesetWords
from services.router.scrubbing import scrubbed
from services.router.since_last import Moved
from services.scorer.core.consenting import Stance
from shared.envelope import Identifiers
from shared.facts import Reason
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID
from shared.lead_state import Consent, ScoreState
from tests.unit.router.people import NOW_MS, event, lead, sales_fact

ADDRESS = "planted.person@secret.example"
NUMBER = "+49 (30) 1234-5678"
TOKEN = "PLANTEDTOKEN"
URL = f"https://user:{TOKEN}@adviser.example/blog/{ADDRESS}/x?token={TOKEN}&e={ADDRESS}#{TOKEN}"
DIRTY = f"Hello {ADDRESS} or {NUMBER}, see {URL}"
EVENT_FIELDS = (
    "title", "content_title", "subject", "form", "name", "campaign", "url", "category", "tags",
    "brand", "style", "iban", "password", "message", "email",
)  # fmt: skip
WORDS = RulesetWords(
    says={"engagement/any": "wrote {properties.message} of {traits.email} at {properties.url}"}
)
ALLOWED = "allowed@adviser.example"


def planted_lead() -> Lead:
    """Every place that a sender fills holds an address, a number and a token."""
    properties: dict[str, Any] = dict.fromkeys(EVENT_FIELDS, DIRTY) | {
        "url": URL, "tags": [DIRTY, ADDRESS], "items": [{"category": DIRTY, "brand": ADDRESS}],
    }  # fmt: skip
    context = {
        "page": dict.fromkeys(("url", "referrer", "landing", "landing_referrer"), URL)
        | {"title": DIRTY, "path": f"/blog/{ADDRESS}", "search": f"?t={TOKEN}"},
        "inflow": {"channel": DIRTY, "source": ADDRESS},
        "campaign": dict.fromkeys(("name", "medium", "source", "term"), DIRTY),
        "session": {"id": TOKEN},
        "ip": "203.0.113.0",
        "user_agent": TOKEN,
    }
    types = ("page_viewed", "content_downloaded", "form_submitted", "link_clicked", "custom_thing")
    deeds = [
        Earned(
            event(
                name,
                days,
                properties=properties,
                context=context,
                traits={"email": ADDRESS, "iban": TOKEN},
                consent={DIRTY: DIRTY, "text": ADDRESS},
                identifiers=Identifiers(email=ALLOWED),
            ),
            (("engagement/any", 5.0),),
        )
        for days, name in enumerate(types)
    ]
    return lead(
        *deeds,
        state=ScoreState(
            traits={
                "email": ADDRESS, "iban": TOKEN, "password": TOKEN, "name": "Ada", "website": URL,
                "company": f"Acme {ADDRESS}", "phone_2": NUMBER,
            },
        ),
        identifiers=(
            (EMAIL, ALLOWED), (PHONE, "+4930999"), (USER_ID, "u1"), (ANONYMOUS, "a1"),
            (EXTERNAL, "crm:1"),
        ),
        oldest=(deeds[0].event,),
        moves=(Moved(1, NOW_MS - 9 * 86_400_000, "main", "a", "b", "event", 1, "content"),),
        company=Company("domain:adviser.example", 2, {}, "", 0),
    )  # fmt: skip


@pytest.mark.parametrize("receiver", ["sales", "content"])
def test_what_was_planted_in_an_event_is_told_nowhere(receiver: str) -> None:
    """Neither addresses nor numbers nor what stood in queries, fragments and unlisted fields."""
    said = Consent(False, NOW_MS, DIRTY, DIRTY)
    packet = build_packet(
        sales_fact(handoff=receiver),
        planted_lead(),
        WORDS,
        "https://leads.example",
        belonging=Belonging(consents={"marketing_email": Stance(False, said)}),
        next_step=NextStep(
            words=DIRTY, rule="engagement/any", to_stage="sell", points=1, effort=1, at="",
            at_once=True,
        ),
    )  # fmt: skip
    body = {"type": f"handoff.{receiver}", "timestamp": "", "data": packet.model_dump()}
    told = render(body, {})
    for text in (packet.model_dump_json(), told.subject, told.text, told.html):
        for planted in ("planted.person", "secret.example", "1234-5678", TOKEN, "203.0.113"):
            assert planted not in text
    assert packet.who.emails == [ALLOWED]
    assert packet.content
    assert packet.interests
    assert packet.inflow
    assert packet.since_last


@pytest.mark.parametrize("before", [*range(20, 60, 5), *range(80, 121, 5), *range(180, 221, 5)])
def test_no_half_of_an_address_is_left_where_a_text_is_cut(before: int) -> None:
    """Titles, answers, campaigns and URLs are cut after they were cleaned."""
    long = f"{'x' * before} {ADDRESS} {'y' * 300}"
    deed = event(
        "page_viewed",
        properties={"title": long, "category": long, "url": f"https://a.example/{long}"},
        context={"campaign": {"name": long}, "inflow": {"channel": long}},
        consent={long: long},
    )
    said = Consent(False, NOW_MS, long, long)
    packet = build_packet(
        sales_fact(),
        lead(
            Earned(deed, (("e/quoted", 5.0),)),
            traits={"company": long, "website": f"https://{'u' * before}:{TOKEN}@a.example"},
        ),
        RulesetWords(says={"e/quoted": "wrote {properties.title} on {context.campaign.name}"}),
        "",
        belonging=Belonging(consents={"marketing_email": Stance(False, said)}),
    )
    told = packet.model_dump_json()
    assert "plan" not in told
    assert TOKEN not in told


def test_content_gets_no_phone_numbers_and_less_traits() -> None:
    """Who sends content calls nobody; sales gets all of it."""
    traits = {"name": "Ada", "title": "Chief", "phone": "030 1", "language": "de", "secret": "x"}
    someone = lead(identifiers=((PHONE, "+4930999"), (EMAIL, ALLOWED)), traits=traits)
    for_sales = build_packet(sales_fact(), someone, WORDS, "").who
    assert (for_sales.phones, set(for_sales.traits)) == (["+4930999"], {*traits} - {"secret"})
    for_content = build_packet(sales_fact(handoff="content"), someone, WORDS, "").who
    assert (for_content.phones, set(for_content.traits)) == ([], {"name", "language"})
    assert for_content.emails == [ALLOWED]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("write to a.b+c@mail.example.", "write to [address]"),
        ("a%40mail.example", "[address]"),
        ("see https://a.example/x?token=1#y now", "see https://a.example/x now"),
        ("https://u:p@a.example/x", "https://a.example/x"),
        ("call +49 30 1234567 or 0049301234567", "call [number] or [number]"),
        ("3 May 2026, 100 000 visitors, 2026-05-03T09:00:00.000Z", None),
        ("C++ in 24 hours, 50 %", None),
    ],
)
def test_addresses_numbers_and_queries_are_scrubbed(text: str, clean: str | None) -> None:
    """And nothing else (None: as it is)."""
    assert scrubbed(text) == (text if clean is None else clean)


def test_ids_that_senders_chose_are_told_as_they_are() -> None:
    """Whoever looks an event up needs its id."""
    reason = Reason("<m1@mail.example>", "web", "page_viewed", "e/x", 1.0, "")
    changed = sales_fact(reasons=[reason])
    packet = build_packet(changed, lead(), WORDS, "")
    assert packet.what_changed[0].event_id == "<m1@mail.example>"
