"""What form tools have in common: fields that a person filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from services.ingest.form_fields import FORM_FIELDS, TRAIT_NAMES, part_answers
from services.ingest.providers.contract import Account, Delivery, Reported
from services.ingest.refusal import invalid

_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")
_CAMPAIGN = {
    "utm_source": "source", "utm_medium": "medium", "utm_campaign": "name", "utm_term": "term",
    "utm_content": "content",
}  # fmt: skip
_NAME_CHARACTERS = 100


def submitted(
    event_type: str,
    fields: Mapping[str, Any],
    *,
    form: str,
    at: object,
    at_path: str,
    own_id: str = "",
    key: Sequence[str] = (),
    email: str = "",
    anonymous_id: str = "",
    external: Mapping[str, str] | None = None,
    page: str = "",
    tracking: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Reported:
    """A submission. fields: by the names that people read; usual names become traits, the rest
    properties · form: its name · own_id: of the submission, the same at every try, which is also
    what the browser's event of it may declare as its signal_key · email: where it isn't a field ·
    page: where it was · tracking: utm_… of the visit · more: properties that aren't answers.
    """
    answers = part_answers({name[:_NAME_CHARACTERS]: value for name, value in fields.items()})
    traits = answers.traits
    address = email or str(traits.get("email", "")) or _address_in(fields)
    if address:
        traits["email"] = address
    properties = {
        **{name: value for name, value in answers.properties.items() if value != address},
        **(more or {}), "form": form, "provider_event": event_type,
    }  # fmt: skip
    if own_id:
        properties["signal_key"] = own_id
    context: dict[str, Any] = {}
    campaign = campaign_of(tracking or {})
    if campaign:
        context["campaign"] = campaign
    if page:
        context["page"] = {"url": page}
    return Reported(
        type=event_type,
        at=at if at is not None else "",
        at_path=at_path,
        id=own_id,
        key=tuple(key),
        email=address,
        anonymous_id=anonymous_id,
        phone=str(traits.get("phone", "")),
        external=external or {},
        properties=properties,
        traits=traits,
        context=context,
    )


def campaign_of(tracking: Mapping[str, Any]) -> dict[str, str]:
    """The campaign that utm_… parameters name."""
    return {
        ours: value
        for name, ours in _CAMPAIGN.items()
        if isinstance(value := tracking.get(name), str) and value
    }


def flat_fields(delivery: Delivery, _account: Account) -> list[bytes]:
    """One item: a JSON object, or a urlencoded form as an object."""
    body = delivery.body
    if body.lstrip()[:1] in (b"{", b"["):
        return [body]
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS
        )
    except ValueError:
        raise invalid("form_broken", "The body is no form that can be read.") from None
    return [json.dumps(dict(pairs)).encode()]


def this_post(delivery: Delivery) -> tuple[str, str]:
    """What tells this post from others where nothing in it does."""
    return sha256(delivery.body).hexdigest(), delivery.received_at.isoformat()


def _address_in(fields: Mapping[str, Any]) -> str:
    """The first answer that is an address: forms call the field anything ("Your e-mail?")."""
    found = (
        value
        for name, value in fields.items()
        if isinstance(value, str) and TRAIT_NAMES.get(name) in (None, "email")
    )
    return next((value for value in found if _ADDRESS.fullmatch(value)), "")
