"""A rival of ingest, as one writes it first: FastAPI, a pydantic model, `send_and_wait` each time.

It promises the same durability (acks=all) and checks next to nothing: no key, no limits, no clock.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

TOPIC = os.environ["LEADSCORE_TOPIC_PREFIX"] + "naive"


class Track(BaseModel):
    """Segment's track call."""

    model_config = ConfigDict(alias_generator=to_camel)

    message_id: str
    event: str
    user_id: str | None = None
    anonymous_id: str | None = None
    timestamp: datetime
    sent_at: datetime | None = None
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"], acks="all")
    await producer.start()
    app.state.producer = producer
    yield
    await producer.stop()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/track")
async def track(call: Track) -> dict[str, bool]:
    key = call.user_id or call.anonymous_id or ""
    await app.state.producer.send_and_wait(TOPIC, call.model_dump_json().encode(), key.encode())
    return {"success": True}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["LEADSCORE_PORT"]), log_level="warning", access_log=False)
