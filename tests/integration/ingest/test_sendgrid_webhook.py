"""SendGrid's webhook: signed batches to Kafka, configured by command while ingest runs."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from services.ingest.commands import app
from services.ingest.dependencies import follow_sources
from services.ingest.sources import sources_in_settings
from shared.bus import create_consumer
from shared.database import create_engine
from shared.health import Health
from shared.settings import Settings
from tests.ingest_server import Written, reading_events, serving_ingest

PATH = "/v1/webhooks/sendgrid"


class Account:
    """A SendGrid account: signs as SendGrid does."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public_key = base64.b64encode(der).decode()

    async def post(
        self, client: httpx.AsyncClient, body: bytes, path: str = PATH, at: float | None = None
    ) -> httpx.Response:
        timestamp = str(int(at or time.time())).encode()
        signature = base64.b64encode(self._key.sign(timestamp + body, ec.ECDSA(SHA256())))
        headers = {
            "content-type": "application/json",
            "x-twilio-email-event-webhook-signature": signature.decode(),
            "x-twilio-email-event-webhook-timestamp": timestamp.decode(),
        }
        return await client.post(path, content=body, headers=headers)


def items(*given: Any) -> bytes:
    """An array as SendGrid writes it: a line break after each item and at the end."""
    return ("[" + ",\r\n".join(json.dumps(each) for each in given) + "]\r\n").encode()


def item(kind: str, **over: Any) -> dict[str, Any]:
    return {
        "email": "sarah@example.com", "event": kind, "timestamp": int(time.time()) - 60,
        "sg_event_id": "e1", "sg_message_id": "m1", **over,
    }  # fmt: skip


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
async def client(settings: Settings, account: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an ingest that has the account's key by environment."""
    given = settings.model_copy(update={"sendgrid_public_key": account.public_key})
    async with serving_ingest(given) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def written(settings: Settings) -> AsyncIterator[Written]:
    async with reading_events(settings) as written:
        yield written


async def test_a_signed_batch_is_taken(
    client: httpx.AsyncClient, written: Written, account: Account
) -> None:
    """Opens and clicks arrive, processed and deferred don't."""
    body = items(item("processed"), item("open", sg_machine_open=True), item("click", url="u"))
    answer = await account.post(client, body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    events = await written.until(lambda events: len(events) == 2, "two events")
    assert {event.type: event.verdict.judgement for event in events} == {
        "email_opened": "bot", "email_clicked": "unknown",
    }  # fmt: skip
    assert {event.source for event in events} == {"sendgrid"}


async def test_a_retry_carries_the_same_ids(
    client: httpx.AsyncClient, written: Written, account: Account
) -> None:
    """Though SendGrid's own id is another."""
    at = int(time.time()) - 60
    for own_id in ("e1", "e2"):
        await account.post(client, items(item("open", timestamp=at, sg_event_id=own_id)))
    events = await written.until(lambda events: len(events) == 2, "two events")
    assert len({event.id for event in events}) == 1


async def test_bad_items_go_to_the_dead_letter_and_the_answer_is_200(
    client: httpx.AsyncClient, written: Written, account: Account, settings: Settings
) -> None:
    """With the original bytes, and what was wrong."""
    broken = '{"email": "sarah@example.com", "event": "open"}'
    body = f"[{json.dumps(item('open'))},\r\n{broken},\r\n7]".encode()
    assert (await account.post(client, body)).status_code == 200
    assert (await account.post(client, b'[{"event": "open"')).status_code == 200
    await written.one("email_opened")
    dead = await dead_letters(settings, 3)
    assert {record.value: dict(record.headers)["x-error-class"] for record in dead} == {
        broken.encode(): b"timestamp_unreadable",
        b"7": b"wrong_type",
        b'[{"event": "open"': b"not_json",
    }
    headers = dict(dead[0].headers)
    assert headers["x-source"] == b"sendgrid"
    assert {"x-original-topic", "x-error-message", "x-attempts"} <= set(headers)


async def test_what_is_not_signed_by_the_key_is_refused(
    client: httpx.AsyncClient, account: Account
) -> None:
    """Another account, another body, no signature, an old one: 401."""
    body = items(item("open"))
    assert (await Account().post(client, body)).json()["error"]["code"] == "signature_wrong"
    assert (await client.post(PATH, content=body)).json()["error"]["code"] == "signature_missing"
    old = await account.post(client, body, at=time.time() - 48 * 3600)
    assert (old.status_code, old.json()["error"]["code"]) == (401, "signature_expired")
    unknown = await account.post(client, body, path=f"{PATH}/nobody")
    assert unknown.json()["error"]["code"] == "source_not_configured"


async def test_without_a_key_it_fails_closed(settings: Settings, account: Account) -> None:
    """Nobody can prove to be SendGrid."""
    async with serving_ingest(settings) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await account.post(client, items(item("open")))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "source_not_configured")


def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Run `leadscore sources …` on the test's database: exit code and output."""
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers)
    monkeypatch.setenv("LEADSCORE_HASH_KEY", settings.hash_key.get_secret_value())
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


async def test_sources_are_taken_up_and_dropped_within_seconds(
    settings: Settings, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sources add`, `list` and `remove` while ingest runs."""
    other = Account()
    sources = sources_in_settings(settings)
    engine = create_engine(settings, pool_size=1)
    following = asyncio.create_task(follow_sources(engine, sources, Health()))

    async def run(*words: str) -> str:
        code, output = await asyncio.to_thread(command, settings, monkeypatch, *words)
        assert code == 0, output
        return output

    try:
        async with (
            serving_ingest(settings, sources) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):

            def posting(by: Account, path: str, status: int) -> Callable[[], Awaitable[bool]]:
                async def check() -> bool:
                    return (await by.post(client, items(item("open")), path)).status_code == status

                return check

            await run("add", "sendgrid", "--public-key", account.public_key)
            await run("add", "sendgrid", "--name", "news", "--public-key", other.public_key)
            await within_seconds(posting(account, PATH, 200))
            await within_seconds(posting(other, f"{PATH}/news", 200))
            assert await posting(account, f"{PATH}/news", 401)()
            listed = json.loads(await run("list", "--json"))
            assert [(one["name"], one["secrets"]) for one in listed] == [
                ("default", 1),
                ("news", 1),
            ]
            await run("rotate", "sendgrid", "--secret", other.public_key)
            await within_seconds(posting(other, PATH, 200))
            assert await posting(account, PATH, 200)()
            await run("rotate", "sendgrid", "--end")
            await within_seconds(posting(account, PATH, 401))
            assert await posting(other, PATH, 200)()
            await run("remove", "sendgrid", "--name", "news")
            await within_seconds(posting(other, f"{PATH}/news", 401))
            assert await posting(other, PATH, 200)()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await engine.dispose()


def test_a_key_that_cannot_be_read_is_refused_by_the_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With words that help, and nothing is stored."""
    code, output = command(settings, monkeypatch, "add", "sendgrid", "--public-key", "SG.key")
    assert code == 1
    assert "not base64" in output
    code, output = command(settings, monkeypatch, "add", "pigeon", "--secret", "x")
    assert code == 1
    assert "no provider; known are" in output
    for words in (("remove", "sendgrid"), ("rotate", "sendgrid", "--end")):
        assert command(settings, monkeypatch, *words)[0] == 1
    assert "no sources yet" in command(settings, monkeypatch, "list")[1]


async def within_seconds(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.1)


async def dead_letters(settings: Settings, count: int) -> list[Any]:
    """The first records of the dead letter."""
    consumer = create_consumer(
        settings, settings.topics.dead_letter, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    try:
        found: list[Any] = []
        async with asyncio.timeout(60):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return found
    finally:
        await consumer.stop()
