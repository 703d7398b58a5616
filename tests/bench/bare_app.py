"""The cheapest rival of ingest: reads the body and answers 200. It keeps nothing."""

from __future__ import annotations

import os

import uvicorn
from starlette.types import Receive, Scope, Send

BODY = b'{"success": true}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
    ],
}
END = {"type": "http.response.body", "body": BODY}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Any path, any method."""
    assert scope["type"] == "http"
    while (await receive()).get("more_body", False):
        pass
    await send(START)
    await send(END)


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(os.environ["LEADSCORE_PORT"]),
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
