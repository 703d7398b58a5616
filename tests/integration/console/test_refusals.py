"""What the read API refuses, and how it says so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from services.console.app import create_app
from shared.database import engine_for
from shared.health import Health
from tests.integration.console.conftest import TOKEN, Rows, no_kafka

NOBODY = "0197a000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
async def test_without_the_token_nothing_is_told(
    api: httpx.AsyncClient, header: str | None
) -> None:
    """401 with the common shape, whatever is asked; unknown leads look no different."""
    headers = {} if header is None else {"Authorization": header.encode()}
    del api.headers["Authorization"]
    for path in ("/v1/leads", f"/v1/leads/{NOBODY}", "/v1/leads/not-an-id", "/v1/stages"):
        answer = await api.get(path, headers=headers)
        assert answer.status_code == 401, path
        assert answer.json()["error"]["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "status", "code", "where"),
    [
        ("/v1/leads?limit=0", 400, "invalid_parameter", "query.limit"),
        ("/v1/leads?limit=many", 400, "invalid_parameter", "query.limit"),
        ("/v1/leads?email=%00", 400, "invalid_parameter", "query"),
        ("/v1/leads?cursor=nonsense", 400, "invalid_cursor", "query.cursor"),
        ("/v1/leads/not-an-id", 400, "invalid_parameter", "path.lead_id"),
        (f"/v1/leads/{NOBODY}", 404, "lead_not_found", "path.lead_id"),
        (f"/v1/leads/{NOBODY}/explain", 404, "lead_not_found", "path.lead_id"),
        (f"/v1/leads/{NOBODY}/timeline", 404, "lead_not_found", "path.lead_id"),
        (f"/v1/leads/{NOBODY}/stages", 404, "lead_not_found", "path.lead_id"),
        (f"/v1/leads/{NOBODY}/explain?at=yesterday", 400, "invalid_parameter", "query.at"),
        (f"/v1/leads/{NOBODY}/explain?at=2026-05-01", 400, "invalid_parameter", "query.at"),
        (f"/v1/leads/{NOBODY}/explain?newest=501", 400, "invalid_parameter", "query.newest"),
        (f"/v1/leads/{NOBODY}/explain?cursor=kgE", 400, "invalid_cursor", "query.cursor"),
        ("/v1/nothing", 404, "not_found", "/v1/nothing"),
    ],
)
async def test_errors_have_one_shape_and_say_where(
    api: httpx.AsyncClient, path: str, status: int, code: str, where: str
) -> None:
    """{"error": {code, message, path}} for parameters, ids and routes alike."""
    answer = await api.get(path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert (error["code"], error["path"]) == (code, where)
    assert error["message"]


async def test_writing_is_not_allowed(api: httpx.AsyncClient) -> None:
    """The API only reads: other methods are 405 in the common shape."""
    answer = await api.post("/v1/leads")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_openapi_and_health_need_no_token(api: httpx.AsyncClient) -> None:
    """The contract and the health routes are open; the contract names the token."""
    del api.headers["Authorization"]
    contract = (await api.get("/openapi.json")).json()
    assert "/v1/leads/{lead_id}/explain" in contract["paths"]
    assert "HTTPBearer" in contract["components"]["securitySchemes"]
    assert (await api.get("/livez")).status_code == 200
    assert (await api.get("/readyz")).status_code == 200
    metrics = (await api.get("/metrics")).text
    assert "leadscore_console_request_seconds" in metrics


async def test_a_database_that_is_away_is_503(rows: Rows) -> None:
    """Callers are told to come back, in the common shape."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = engine_for(f"postgresql://nobody@127.0.0.1:{taken.getsockname()[1]}/gone")
        app = create_app(gone, Health(), TOKEN, lambda: 0, no_kafka)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            answer = await client.get("/v1/leads", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "database_away"
    assert answer.headers["retry-after"] == "5"


def test_an_app_without_a_token_can_not_be_made() -> None:
    """An empty token would let everybody in."""
    with pytest.raises(ValueError, match="LEADSCORE_API_TOKEN"):
        create_app(engine_for("postgresql://nobody@localhost/none"), Health(), "", int, no_kafka)


def _process(database_url: str, token: str, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "LEADSCORE_HASH_KEY": "a key for tests only, 32 bytes..",
        "LEADSCORE_API_TOKEN": token,
        "LEADSCORE_PORT": str(port),
    }
    return subprocess.Popen([sys.executable, "-m", "services.console"], env=environment)


def test_the_process_serves_and_stops_cleanly(database_url: str) -> None:
    """It becomes ready, and SIGTERM ends it with exit code 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = _process(database_url, TOKEN, port)
    try:
        deadline = time.monotonic() + 90
        ready = False
        while not ready and time.monotonic() < deadline and process.poll() is None:
            try:
                ready = httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
            except httpx.HTTPError:
                time.sleep(0.05)
        assert ready
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=90) == 0
    finally:
        process.kill()


def test_the_process_does_not_start_without_a_token(database_url: str) -> None:
    """The start-up check ends it with a code that isn't 0."""
    process = _process(database_url, "", 0)
    try:
        assert process.wait(timeout=90) == 2
    finally:
        process.kill()
