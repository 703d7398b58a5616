"""Every provider, over the real route: signed posts to Kafka, and what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from services.ingest.providers.table import PROVIDERS
from services.ingest.providers.visits import Visits
from shared.settings import Settings
from tests.ingest_server import reading_events, serving_ingest
from tests.provider_payloads import CLICKS, EMAIL
from tests.signed_deliveries import CERTIFICATE_URL, SIGNERS, amazons_certificate, sns, url_of

BASE = "https://in.example"
CONFIRM_URL = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


class Amazon:
    """Stands in for Amazon's own web servers, which can't be reached from a test."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.up = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(str(request.url))
        if not self.up:
            raise httpx.ConnectError("away")
        found = {CERTIFICATE_URL: amazons_certificate(), CONFIRM_URL: b"<ok/>"}
        content = found.get(str(request.url))
        return httpx.Response(404 if content is None else 200, content=content)


@pytest.fixture
def amazon() -> Amazon:
    return Amazon()


@pytest.fixture
async def client(settings: Settings, amazon: Amazon) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an ingest that has an account of every provider."""
    accounts = {
        name: {"default": {"secrets": [one.secret], "options": dict(one.options)}}
        for name, one in SIGNERS.items()
    }
    given = settings.model_copy(
        update={"sources": SecretStr(json.dumps(accounts)), "ingest_url": BASE}
    )
    visits = Visits(httpx.MockTransport(amazon))
    async with (
        serving_ingest(given, visits=visits) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        yield client


async def post(
    client: httpx.AsyncClient, provider: str, body: bytes | None = None
) -> httpx.Response:
    headers, whole = SIGNERS[provider].sign(
        json.dumps(CLICKS[provider][0]).encode() if body is None else body,
        url_of(provider, BASE),
        datetime.now(UTC),
    )
    return await client.post(f"/v1/webhooks/{provider}", content=whole, headers=headers)


def refused(provider: str) -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == "leadscore_ingest_signatures_refused_total"
        and sample.labels["provider"] == provider
    )


async def test_every_providers_signed_post_is_an_event_on_kafka(
    client: httpx.AsyncClient, settings: Settings, amazon: Amazon
) -> None:
    """Posted twice it has one id; Amazon's certificate is got once."""
    for provider in PROVIDERS:
        for _ in range(2):
            answer = await post(client, provider)
            assert (answer.status_code, answer.json()) == (200, {"success": True}), provider
    async with reading_events(settings) as written:
        events = await written.until(lambda e: len(e) == 2 * len(PROVIDERS), "two of each")
    assert {(event.source, event.type) for event in events} == {
        (name, CLICKS[name][1]) for name in PROVIDERS
    }
    again = {"contactform7"}  # whose posts nothing tells apart
    assert len({(event.source, event.id) for event in events}) == len(PROVIDERS) + len(again)
    assert {event.identifiers.email for event in events} == {EMAIL}
    assert amazon.got == [CERTIFICATE_URL]


async def test_what_is_not_proven_is_refused_and_counted(client: httpx.AsyncClient) -> None:
    """Without any header, and at an account that there isn't; a look at the address is welcome."""
    for provider in PROVIDERS:
        before = refused(provider)
        body = json.dumps(CLICKS[provider][0]).encode()
        for path in (f"/v1/webhooks/{provider}", f"/v1/webhooks/{provider}/nobody"):
            answer = await client.post(path, content=body)
            assert answer.status_code == 401, (provider, answer.text)
            assert answer.headers["www-authenticate"] == "Basic"
        assert refused(provider) == before + 2
        for method in ("GET", "HEAD"):
            assert (await client.request(method, f"/v1/webhooks/{provider}")).status_code == 200
    assert (await client.post("/v1/webhooks/pigeon")).status_code == 404


async def test_a_proven_body_that_cannot_be_read_is_answered_200(client: httpx.AsyncClient) -> None:
    """Whatever it is: the provider can't mend it."""
    for provider, signer in SIGNERS.items():
        for body in (b"7", b'{"event": "thought", "type": "x"}', b"\xff\x00", b"[[[["):
            try:
                signer.sign(body, "", datetime.now(UTC))
            except (ValueError, TypeError, AttributeError):
                continue  # its form can't hold this
            answer = await post(client, provider, body)
            assert answer.status_code == 200, (provider, body, answer.text)


async def test_amazons_topic_is_confirmed_by_itself(
    client: httpx.AsyncClient, amazon: Amazon
) -> None:
    """While Amazon is away the answer is 429, and it will try again."""
    headers, body = sns(
        "You have chosen to subscribe", datetime.now(UTC), Type="SubscriptionConfirmation",
        Token="t", SubscribeURL=CONFIRM_URL,
    )  # fmt: skip
    amazon.up = False
    answer = await client.post("/v1/webhooks/ses", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "provider_away")
    amazon.up = True
    answer = await client.post("/v1/webhooks/ses", content=body, headers=headers)
    assert answer.status_code == 200
    assert amazon.got[-1] == CONFIRM_URL


async def test_one_signature_is_good_for_one_body(client: httpx.AsyncClient) -> None:
    """Mailgun's doesn't cover the body."""
    headers, body = SIGNERS["mailgun"].sign(
        json.dumps(CLICKS["mailgun"][0]).encode(), "", datetime.now(UTC)
    )
    path = "/v1/webhooks/mailgun"
    for _ in range(2):
        assert (await client.post(path, content=body, headers=headers)).status_code == 200
    forged = body.replace(b"sarah@", b"mallory@")
    answer = await client.post(path, content=forged, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signature_used")
