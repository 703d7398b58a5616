"""What a mapping would make of a body: for people who write one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from services.ingest.handling import PLAIN
from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.generic import PROVIDER
from services.ingest.providers.reading import read_item
from services.ingest.refusal import Refusal
from services.ingest.sources import GivenAccount, checked_account
from services.ingest.webhooks import check_proof


def try_out(
    mapping: str, body: bytes, headers: Sequence[str], *, secret: str = "", url: str = ""
) -> tuple[str, bool]:
    """(what to show, whether all of it could be read). secret: "" leaves the proof out."""
    try:
        account = _account(secret, {"mapping": mapping})
    except ValueError as error:
        return f"the mapping can't be used: {error}", False
    delivery = Delivery(
        url=url or "https://in.example/v1/webhooks/generic/trial",
        body=body,
        received_at=datetime.now(UTC).replace(microsecond=0),
        headers=_headers(headers),
    )
    lines: list[str] = []
    good = True
    if secret:
        try:
            check_proof(PROVIDER, account, delivery)
        except Refusal as refusal:
            return f"refused with 401, {refusal.code}: {refusal.message}", False
        lines.append("proven")
    try:
        items = PROVIDER.split(delivery, account)
    except Refusal as refusal:
        return _why("the body", refusal), False
    for place, raw in enumerate(items):
        try:
            events = read_item(raw, PROVIDER, account, delivery, PLAIN)
        except Refusal as refusal:
            lines.append(_why(f"item {place}", refusal))
            good = False
            continue
        if not events:
            lines.append(f"item {place}: left out")
        lines += [f"item {place}: {msgspec.json.format(msgspec.json.encode(one)).decode()}"
                  for one in events]  # fmt: skip
    return "\n".join(lines) or "no items", good


def _account(secret: str, options: dict[str, str]) -> Account:
    if secret:
        given = GivenAccount(secrets=(secret,), options=options)
        return checked_account("generic", "trial", given)
    account = Account("generic", "trial", (), options)
    PROVIDER.check_options(account)
    return account


def _headers(given: Sequence[str]) -> dict[str, str]:
    pairs = (one.partition(":") for one in given)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _why(what: str, refusal: Refusal) -> str:
    where = f" (at {refusal.path})" if refusal.path else ""
    return f"{what}: dead letter, {refusal.code}: {refusal.message}{where}"
