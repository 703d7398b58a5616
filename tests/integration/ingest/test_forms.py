"""Forms over HTTP, onto Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from shared.settings import Settings
from tests.ingest_server import Written, reading_events, serving_ingest

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
KEY = "test-write-key"


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an ingest that allows one origin to redirect to."""
    allowing = settings.model_copy(update={"redirect_origins": "https://www.example.com"})
    async with serving_ingest(allowing) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    """What is on the topic."""
    async with reading_events(settings) as written:
        yield written


async def test_a_plain_html_form_is_kept_and_its_sender_led_on(
    client: httpx.AsyncClient, written: Written
) -> None:
    """The person, the page and the content in one event; then 303 to the page of thanks."""
    answer = await client.post(
        "/v1/forms/ebook",
        data={
            "writeKey": KEY,
            "email": "Sarah@Example.com",
            "first_name": "Sarah",
            "content_id": "retirement-guide",
            "_event": "content_downloaded",
            "_anonymous_id": "browser-1",
            "_message_id": "form-1",
            "_redirect": "https://www.example.com/thanks",
            "_gotcha": "",
        },
        headers={**BROWSER, "referer": "https://www.example.com/guide?utm_source=news"},
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://www.example.com/thanks"
    event = await written.one("content_downloaded")
    assert (event.id, event.source) == ("form-1", "form:ebook")
    assert event.identifiers.email == "sarah@example.com"
    assert event.identifiers.anonymous_id == "browser-1"
    assert event.traits["first_name"] == "Sarah"
    assert event.properties == {"content_id": "retirement-guide", "form": "ebook"}
    assert event.context["page"]["path"] == "/guide"
    assert event.context["campaign"] == {"source": "news"}


async def test_multipart_and_json_are_taken_alike(
    client: httpx.AsyncClient, written: Written
) -> None:
    """Programs get exactly {"success": true}, browsers a page."""
    fields = {"email": "s@example.com", "topic": "tax", "_message_id": "m1"}
    page = await client.post(
        "/v1/forms/contact",
        files={name: (None, value) for name, value in {**fields, "writeKey": KEY}.items()},
        headers=BROWSER,
    )
    assert page.status_code == 200
    assert "Thank you" in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"
    answer = await client.post(
        "/v1/forms/contact", json={**fields, "_message_id": "m2"}, auth=(KEY, "")
    )
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    events = await written.until(lambda events: len(events) == 2, "both forms")
    assert {event.id for event in events} == {"m1", "m2"}
    assert {event.properties["topic"] for event in events} == {"tax"}


async def test_a_filled_honeypot_looks_fine_and_is_a_bot(
    client: httpx.AsyncClient, written: Written
) -> None:
    """Whoever filled it in learns nothing from the answer."""
    answer = await client.post(
        f"/v1/forms/contact?writeKey={KEY}",
        data={"email": "s@example.com", "_gotcha": "buy", "_redirect": "https://www.example.com/"},
        headers=BROWSER,
    )
    assert answer.status_code == 303
    event = await written.one("form_submitted")
    assert (event.verdict.judgement, event.verdict.why) == ("bot", "honeypot")


@pytest.mark.parametrize(
    ("fields", "status", "code", "path"),
    [
        ({"writeKey": "nobody's", "email": "s@example.com"}, 401, "key_unknown", ""),
        ({"email": "s@example.com"}, 401, "key_missing", ""),
        ({"writeKey": KEY, "note": "hello"}, 400, "identity_missing", "email"),
        ({"writeKey": KEY, "E-Mail": "nobody"}, 400, "email_invalid", "E-Mail"),
        (
            {"writeKey": KEY, "email": "s@example.com", "_redirect": "https://evil.test/"},
            400,
            "redirect_not_allowed",
            "_redirect",
        ),
        (
            {"writeKey": KEY, "email": "s@example.com", "_context": "{"},
            400,
            "not_json",
            "_context",
        ),
    ],
)
async def test_what_is_refused_says_what_and_where(
    client: httpx.AsyncClient, fields: dict[str, str], status: int, code: str, path: str
) -> None:
    """As JSON for programs, as a page with the same words for browsers."""
    answer = await client.post("/v1/forms/contact", data=fields)
    assert answer.status_code == status
    assert (answer.json()["error"]["code"], answer.json()["error"]["path"]) == (code, path)
    page = await client.post("/v1/forms/contact", data=fields, headers=BROWSER)
    assert page.status_code == status
    assert page.headers["content-type"].startswith("text/html")


async def test_a_script_of_another_site_may_submit(client: httpx.AsyncClient) -> None:
    """The preflight and the answer name its origin."""
    origin = {"origin": "https://www.example.com"}
    preflight = await client.options("/v1/forms/contact", headers=origin)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin["origin"]
    answer = await client.post(
        "/v1/forms/contact", json={"writeKey": KEY, "email": "s@example.com"}, headers=origin
    )
    assert answer.headers["access-control-allow-origin"] == origin["origin"]
