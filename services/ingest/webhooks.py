"""/v1/webhooks/{provider}/{name}: proof first, then the items; what can't be read is kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from services.ingest.body import read_body
from services.ingest.edge import Edge, edge_of
from services.ingest.limits import DEAD_LETTER_BYTES, WEBHOOK_BYTES
from services.ingest.metrics import PROVIDER_ITEMS, SIGNATURES_REFUSED
from services.ingest.providers.contract import Account, Answer, Delivery, Provider, refused
from services.ingest.providers.reading import read_item
from services.ingest.providers.table import PROVIDERS
from services.ingest.refusal import Refusal
from services.ingest.segment import success
from shared.bus import Record
from shared.envelope import Event

log = structlog.get_logger()
_Dead = list[tuple[bytes, Refusal]]


async def webhook(request: Request) -> Response:
    """Take a delivery. 401 without valid proof; 200 once everything is safe, bad items in the dead
    letter: the provider couldn't mend them, and would send them again for days, or never again.
    """
    edge, scope = edge_of(request), request.scope
    provider = PROVIDERS.get(scope["path_params"]["provider"])
    if provider is None:
        raise Refusal(404, "provider_unknown", "No provider of this name is known here.")
    if scope["method"] != "POST":
        return Response(status_code=200)  # a provider looks whether the address is there
    account = edge.sources.account(provider.name, scope["path_params"].get("name"))
    try:
        delivery = await _proven(request, edge, provider, account)
    except Refusal as refusal:
        if refusal.status == 401:
            SIGNATURES_REFUSED.labels(provider.name, refusal.code).inc()
        raise
    if isinstance(delivery, Answer):
        return _response(delivery)
    assert account is not None
    answer = provider.challenge(delivery, account)
    if answer is not None:
        if answer.visit:
            await edge.visits.get(answer.visit)
        return _response(answer)
    await _take(edge, provider, account, delivery)
    return success()


async def _proven(
    request: Request, edge: Edge, provider: Provider, account: Account | None
) -> Delivery | Answer:
    """The delivery, proven to be of this account; or what is answered to anybody."""
    if account is None:  # what nobody can have signed isn't read
        raise refused("source_not_configured", "No such source is configured.")
    body = await read_body(request.scope, request.receive, WEBHOOK_BYTES)
    delivery = delivery_of(request.scope, body, edge, account)
    answer = provider.open_answer(delivery)
    if answer is not None:
        return answer
    address = provider.certificate(delivery)
    if address:
        delivery = replace(delivery, certificate=await edge.visits.certificate(address))
    check_proof(provider, account, delivery)
    nonce = provider.nonce(delivery)
    if nonce and edge.replays.is_other(account.source, nonce, delivery.body):
        raise refused("signature_used", "This signature came with another body before.")
    return delivery


def delivery_of(scope: Scope, body: bytes, edge: Edge, account: Account) -> Delivery:
    """The request as the provider's check sees it. Its address is, in this order: the account's
    option "url", LEADSCORE_INGEST_URL with path and query, what the request says.
    """
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    raw_query = scope["query_string"].decode("latin-1")
    path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
    base = edge.settings.ingest_url.rstrip("/") or f"{scope['scheme']}://{headers.get('host', '')}"
    whole = f"{base}{path}?{raw_query}" if raw_query else f"{base}{path}"
    return Delivery(
        url=account.options.get("url") or whole,
        body=body,
        received_at=edge.now(),
        method=scope["method"],
        headers=headers,
        query=dict(parse_qsl(raw_query, keep_blank_values=True, max_num_fields=100)),
    )


def check_proof(provider: Provider, account: Account, delivery: Delivery) -> None:
    """Return when any secret of the account made the delivery; else raise Refusal (401)."""
    why: Refusal | None = None
    for secret in account.secrets:
        try:
            provider.verify(delivery, secret, account)
        except Refusal as refusal:
            # "too old" says more than that another secret didn't make it
            if why is None or refusal.code != "signature_wrong":
                why = refusal
        else:
            return
    raise why or refused("source_not_configured", "The source has no secret.")


async def _take(edge: Edge, provider: Provider, account: Account, delivery: Delivery) -> None:
    """Everything in the delivery to Kafka: events, and what can't be read."""
    events: list[Event] = []
    dead: _Dead = []
    left_out = 0
    for raw in _items(provider, account, delivery, dead):
        try:
            read = read_item(raw, provider, account, delivery, edge.handling)
        except Refusal as refusal:
            dead.append((bytes(raw), refusal))
            continue
        left_out += not read
        events += read
    await edge.intake.accept(events)
    await edge.intake.send(dead_letters(edge.settings.topics.dead_letter, account.source, dead))
    _count(provider.name, len(events), left_out, dead)


def _items(
    provider: Provider, account: Account, delivery: Delivery, dead: _Dead
) -> Sequence[bytes | msgspec.Raw]:
    """The items; a body that can't be split goes to `dead` as a whole."""
    try:
        return provider.split(delivery, account)
    except Refusal as refusal:
        dead.append((delivery.body, refusal))
        return []


def dead_letters(topic: str, source: str, dead: Sequence[tuple[bytes, Refusal]]) -> list[Record]:
    """Records with the original bytes; the headers say what was wrong. There is no original topic,
    partition or offset: these never were on one.
    """
    return [
        Record(
            topic,
            raw[:DEAD_LETTER_BYTES],
            headers=(
                ("x-original-topic", b""),
                ("x-source", source.encode()),
                ("x-error-class", refusal.code.encode()),
                ("x-error-message", f"{refusal.message} {refusal.path}".strip().encode()[:1024]),
                ("x-attempts", b"1"),
                *((("x-cut", b"true"),) if len(raw) > DEAD_LETTER_BYTES else ()),
            ),
        )
        for raw, refusal in dead
    ]


def _response(answer: Answer) -> Response:
    return Response(answer.body, media_type=answer.content_type)


def _count(provider: str, taken: int, left_out: int, dead: Sequence[tuple[Any, Refusal]]) -> None:
    for outcome, number in (("taken", taken), ("left_out", left_out), ("dead_letter", len(dead))):
        if number:
            PROVIDER_ITEMS.labels(provider, outcome).inc(number)
    if dead:
        codes = sorted({refusal.code for _, refusal in dead})
        log.warning("items in the dead letter", provider=provider, items=len(dead), codes=codes)
