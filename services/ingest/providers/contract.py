"""What a provider is: how it proves who it is, and what its posts say. All of it is pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.ingest.refusal import Refusal

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One post, as it came.

    url: as the provider knows it, with its query (some sign it) · headers: by lower-case name, the
    first of each · query: decoded, the last of each name · body: the raw bytes, which is what is
    signed · certificate: PEM, where `Provider.certificate` asked for one.
    """

    url: str
    body: bytes
    received_at: datetime
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    certificate: bytes = b""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a provider, as it was configured.

    secrets: each of them is valid, the newest first · options: by the names in `Provider.options`.
    """

    provider: str
    name: str = DEFAULT_NAME
    secrets: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The source of its events."""
        return self.provider if self.name == DEFAULT_NAME else f"{self.provider}/{self.name}"

    def seconds(self, option: str, default: int) -> int:
        """An option that is a whole number of seconds. Raises ValueError when it isn't one."""
        given = self.options.get(option, "")
        return int(given) if given else default


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What an item says happened.

    type: ours · at: the moment, as `read_timestamp` takes it; None: when it was received ·
    at_path: where it stands in the item · id: the provider's own of the event, if it is the same
    each time it is sent, else "" · key: without one, what makes this event this one and no other ·
    properties: with message_id, the mail's, and url, of a click · context: as a Segment call's,
    where there is more than user_agent and ip · machine: why the provider says that no person did.
    """

    type: str
    at: object = None
    at_path: str = ""
    id: str = ""
    key: tuple[str, ...] = ()
    email: str = ""
    email_path: str = "email"
    user_id: str = ""
    anonymous_id: str = ""
    phone: str = ""
    external: Mapping[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    user_agent: str = ""
    ip: str = ""
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered instead of reading items, while an endpoint is set up or proves itself.

    visit: an address to get first, which the provider waits for; checked against its own hosts.
    """

    body: bytes = b"{}"
    content_type: str = "application/json"
    visit: str = ""


# Raises Refusal (401) unless this secret made the delivery: (delivery, secret, account).
Verify = Callable[[Delivery, str, Account], None]
# The items of a delivery, each as bytes of JSON. Raises Refusal for a body that can't be split.
Split = Callable[[Delivery, Account], Sequence[bytes | Any]]
# What one item of a delivery says: nothing for what is left out. Raises Refusal for what can't be
# read.
Read = Callable[[dict[str, Any], Delivery, Account], Sequence[Reported]]


def _no_answer(_delivery: Delivery, _account: Account) -> Answer | None:
    return None


def _any_options(_account: Account) -> None:
    """Whatever they are: their names are known."""


def _no_url(_delivery: Delivery) -> str:
    return ""


def _any_secret(_secret: str) -> None:
    """Whatever it is: it isn't empty."""


def _no_nonce(_delivery: Delivery) -> str:
    return ""


def _nothing_open(_delivery: Delivery) -> Answer | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A row of the table of providers.

    verify, split, read: see their types; verify is called with each secret until one fits ·
    challenge: what is answered to a verified delivery that wants no more than an answer ·
    open_answer: the same before anything is verified (an unsigned check of the address; it must say
    nothing that isn't public) · check_secret, check_options: raise ValueError with words that help
    for one that can't be right · nonce: what a provider gives each delivery once, where its
    signature doesn't cover the body: a nonce that comes again with another body is refused ·
    certificate: the address of the certificate that it is signed with, checked already; raises
    Refusal · options: name → what it is, shown by the command · proof: what the secret is, and
    where the provider shows it · title … tested_with: words of the table in docs/sources.md.
    """

    name: str
    title: str
    verify: Verify
    split: Split
    read: Read
    proof: str
    signature: str
    batch: str
    dedupe: str
    machine_open: str
    retries: str
    tested_with: str
    challenge: Callable[[Delivery, Account], Answer | None] = _no_answer
    open_answer: Callable[[Delivery], Answer | None] = _nothing_open
    check_secret: Callable[[str], None] = _any_secret
    check_options: Callable[[Account], None] = _any_options
    nonce: Callable[[Delivery], str] = _no_nonce
    certificate: Callable[[Delivery], str] = _no_url
    options: Mapping[str, str] = field(default_factory=dict)


def refused(code: str, message: str) -> Refusal:
    """A 401."""
    return Refusal(401, code, message)


def wrong() -> Refusal:
    """The signature, or the credential, is not of a secret that is configured."""
    return refused("signature_wrong", "No configured secret made this request.")


def missing(header: str) -> Refusal:
    """There is no signature or credential at all."""
    return refused("signature_missing", f"The request needs {header}.")


def from_base64(text: str) -> bytes:
    """Decoded, or a 401: of a signature."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refused("signature_wrong", "The signature is not base64.") from None
