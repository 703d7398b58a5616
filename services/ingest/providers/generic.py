"""Any tool that posts JSON: a mapping in the source's options says how to prove and read it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from services.ingest.json_checks import decode
from services.ingest.limits import WEBHOOK_EVENTS
from services.ingest.providers.contract import (
    Account,
    Delivery,
    Provider,
    Reported,
    missing,
)
from services.ingest.providers.items import array_items
from services.ingest.providers.mapping import (
    EventMapping,
    Hmac,
    Mapping,
    When,
    parts_of,
    read_mapping,
)
from services.ingest.providers.paths import value_at
from services.ingest.providers.proofs import (
    base64_hmac,
    check_credential,
    check_same,
    check_window,
    hex_hmac,
)
from services.ingest.providers.resend import WINDOW_SECONDS, signing_key, verify_standard
from services.ingest.providers.submitted import flat_fields
from services.ingest.refusal import invalid
from shared.event_types import event_type_named

_any = msgspec.json.Decoder(Any)


def mapping_of(account: Account) -> Mapping:
    """Raises ValueError that says what is wrong with it."""
    text = account.options.get("mapping", "")
    if not text:
        raise ValueError("generic needs a mapping (--mapping FILE, or the option mapping)")
    return read_mapping(text)


def _check_options(account: Account) -> None:
    mapping = mapping_of(account)
    for secret in account.secrets:
        if mapping.proof.standard_webhooks:
            signing_key(secret)
        elif mapping.proof.hmac is not None:
            _key(mapping.proof.hmac, secret)


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """As the mapping's `proof` says."""
    proof = mapping_of(account).proof
    if proof.standard_webhooks:
        verify_standard(delivery, secret, WINDOW_SECONDS)
    elif proof.hmac is not None:
        _check_hmac(delivery, secret, proof.hmac)
    else:
        check_credential(delivery, secret)


def _check_hmac(delivery: Delivery, secret: str, how: Hmac) -> None:
    at = ""
    if how.timestamp is not None:
        at = _in_header(delivery, how.timestamp.header, how.timestamp.part)
        if not at:
            raise missing(how.timestamp.header)
    values = {
        "body": delivery.body, "timestamp": at.encode("latin-1", "replace"),
        "method": delivery.method.encode(), "url": delivery.url.encode("utf-8", "replace"),
        "path": urlsplit(delivery.url).path.encode("utf-8", "replace"),
    }  # fmt: skip
    message = b"".join(
        values[part] if place % 2 else part.encode()
        for place, part in enumerate(parts_of(how.message))
    )
    hashed = (hex_hmac if how.encoding == "hex" else base64_hmac)(
        _key(how, secret), message, how.algorithm
    )
    given = _in_header(delivery, how.header, how.part)
    if how.encoding == "hex":
        given = given[: len(how.prefix)] + given[len(how.prefix) :].lower()
    check_same(given, how.prefix + hashed, how.header)
    if how.timestamp is not None:
        unit_ms = 1 if how.timestamp.unit == "ms" else 1000
        check_window(at, delivery.received_at, how.timestamp.window_seconds, unit_ms)


def _in_header(delivery: Delivery, header: str, part: str) -> str:
    """A header, or one part of a header such as "t=1,v1=ab"."""
    value = delivery.headers.get(header.lower(), "")
    if not part:
        return value
    pairs = (one.strip().partition("=") for one in value.split(",")[:20])
    return next((text for name, _, text in pairs if name == part), "")


def _key(how: Hmac, secret: str) -> bytes:
    try:
        if how.key == "base64":
            return base64.b64decode(secret, validate=True)
        return bytes.fromhex(secret) if how.key == "hex" else secret.encode()
    except (ValueError, binascii.Error):
        raise ValueError(f"the secret is not {how.key}") from None


def split(delivery: Delivery, account: Account) -> Sequence[bytes | Any]:
    """One item, those of an array, or those of the list that the mapping names."""
    where = mapping_of(account).items
    if where is None:
        return (
            array_items(delivery.body)
            if delivery.body.lstrip()[:1] == b"["
            else flat_fields(delivery, account)
        )
    items = value_at(decode(_any, delivery.body), where)
    if not isinstance(items, list):
        raise invalid("items_missing", "There is no list of items.", where)
    if len(items) > WEBHOOK_EVENTS:
        raise invalid("batch_too_long", f"A webhook may have {WEBHOOK_EVENTS} items.", where)
    return [msgspec.json.encode(one) for one in items]


def read(item: dict[str, Any], delivery: Delivery, account: Account) -> Sequence[Reported]:
    """The event of an item, as the mapping says; none where its `when` doesn't hold."""
    return _one(mapping_of(account).event, item, delivery)


def _one(event: EventMapping, item: Any, delivery: Delivery) -> Sequence[Reported]:
    if not all(_holds(one, item, delivery) for one in event.when):
        return ()
    event_type = _type(event, item, delivery)
    if not event_type:
        return ()

    def value(path: str | None) -> Any:
        return None if path is None else _value(path, item, delivery)

    def text(path: str | None) -> str:
        return _text(value(path))

    context: dict[str, Any] = {}
    if campaign := {name: text(path) for name, path in event.campaign.items() if text(path)}:
        context["campaign"] = campaign
    if page := text(event.page):
        context["page"] = {"url": page}
    properties = {name: value(path) for name, path in event.properties.items()}
    if event.signal_key:
        properties["signal_key"] = text(event.signal_key)
    key = tuple(json.dumps(value(path), default=str) for path in event.key)
    return (
        Reported(
            type=event_type_named(event_type),
            at=value(event.at) if event.at else None,
            at_path=event.at or "",
            id=text(event.id),
            key=key or (json.dumps(item, sort_keys=True),),
            email=text(event.email),
            email_path=event.email or "",
            user_id=text(event.user_id),
            anonymous_id=text(event.anonymous_id),
            phone=text(event.phone),
            external={name: text(path) for name, path in event.external.items() if text(path)},
            properties={name: given for name, given in properties.items() if given is not None},
            traits={
                name: given
                for name, path in event.traits.items()
                if (given := value(path)) is not None
            },
            context=context,
            user_agent=text(event.user_agent),
            ip=text(event.ip),
            machine="the provider says: a machine"
            if event.machine is not None and _holds(event.machine, item, delivery)
            else "",
        ),
    )


def _type(event: EventMapping, item: Any, delivery: Delivery) -> str | None:
    if isinstance(event.type, str):
        return event.type
    given = _text(_value(event.type.value, item, delivery))
    return event.type.types.get(given, event.type.otherwise)


def _holds(when: When, item: Any, delivery: Delivery) -> bool:
    value = _value(when.value, item, delivery)
    if when.is_ is None:
        return value not in (None, "", [], False)
    wanted = when.is_ if isinstance(when.is_, list) else [when.is_]
    return _text(value) in [_text(one) for one in wanted]


def _value(path: str, item: Any, delivery: Delivery) -> Any:
    if path.startswith("="):
        return path[1:]
    if path.startswith("header:"):
        return delivery.headers.get(path.removeprefix("header:").strip().lower())
    return value_at(item, path)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


PROVIDER = Provider(
    name="generic",
    title="any other, by a mapping",
    verify=verify,
    split=split,
    read=read,
    check_options=_check_options,
    proof="what the mapping's proof needs: a signing secret, or a credential",
    options={
        "mapping": "YAML that says which field becomes what: docs/generic-webhook.md",
        "url": "the address exactly as it was given there, if ingest can't know it",
    },
    signature="HMAC by template, Standard Webhooks, or credential",
    batch="one, array, or a list inside",
    dedupe="`id`, `key`, or the whole item",
    machine_open="`machine`",
    retries="as the tool does",
    tested_with="Shopify's, Stripe's and a script's payloads",
)
