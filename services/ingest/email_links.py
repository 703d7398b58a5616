"""Our own links in mails: an image that tells of an opening, a redirect that tells of a click, and
a trap that only machines follow.

A token says who, of which mail, and where to; it is sealed (AES-256-GCM), so that nobody can make
one, change one, or read an address out of one. Its first byte is its version.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.ingest.limits import IDENTIFIER_CHARACTERS, URL_CHARACTERS
from shared.envelope import Identifiers
from shared.settings import Settings

Kind = Literal["open", "click", "trap"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# What stands in the address: a trap must look like any other link.
PATHS: Final[dict[Kind, str]] = {"open": "o", "click": "c", "trap": "c"}
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TOKEN_CHARACTERS: Final = 6000


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    kind: str
    email: str
    user_id: str
    message_id: str
    campaign: str
    target: str
    expires_s: int


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says. target: of a click, a full http or https address · expires_s: seconds
    since 1970 from when on nothing is counted any more (the redirect still works); 0: never.
    """

    kind: Kind
    email: str = ""
    user_id: str = ""
    message_id: str = ""
    campaign: str = ""
    target: str = ""
    expires_s: int = 0

    @property
    def who(self) -> Identifiers:
        return Identifiers(email=self.email or None, user_id=self.user_id or None)


class Links:
    """Makes tokens with the first key, and reads those of all."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers = tuple(AESGCM(_derived(key)) for key in keys)

    def token(self, link: Link) -> str:
        """The token. Raises ValueError that says what is wrong with the link."""
        _check(link)
        sealed = msgspec.msgpack.encode(
            _Sealed(link.kind, link.email, link.user_id, link.message_id, link.campaign,
                    link.target, link.expires_s)
        )  # fmt: skip
        nonce = os.urandom(_NONCE_BYTES)
        closed = self._ciphers[0].encrypt(nonce, sealed, _VERSION)
        return base64.urlsafe_b64encode(_VERSION + nonce + closed).rstrip(b"=").decode()

    def url(self, base: str, link: Link) -> str:
        """The address to put into a mail. base: of ingest, as people reach it."""
        return f"{base.rstrip('/')}/{PATHS[link.kind]}/{self.token(link)}"

    def read(self, token: str) -> Link | None:
        """What a token says, None when none of our keys made it."""
        if len(token) > _TOKEN_CHARACTERS or not token.isascii():
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        if raw[:1] != _VERSION:
            return None
        nonce, closed = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
        for cipher in self._ciphers:
            try:
                plain = cipher.decrypt(nonce, closed, _VERSION)
                sealed = msgspec.msgpack.decode(plain, type=_Sealed)
            except (InvalidTag, ValueError, msgspec.MsgspecError):
                continue
            kind = next((kind for kind in KINDS if kind == sealed.kind), None)
            if kind is None:
                return None
            return Link(kind, sealed.email, sealed.user_id, sealed.message_id, sealed.campaign,
                        sealed.target, sealed.expires_s)  # fmt: skip
        return None


def links_of(settings: Settings) -> Links:
    """By LEADSCORE_LINK_KEYS, else by a key made of LEADSCORE_HASH_KEY. Raises ValueError."""
    given = settings.link_keys.get_secret_value()
    keys = [part.strip() for part in given.split(",") if part.strip()]
    if any(len(key) < 16 for key in keys):
        raise ValueError("a key in LEADSCORE_LINK_KEYS has at least 16 characters")
    if not keys:
        keys = [settings.hash_key.get_secret_value()]
    return Links(tuple(key.encode() for key in keys))


def is_address(target: str) -> bool:
    """May a browser be sent there? Full http and https addresses, without control characters."""
    try:
        parts = urlsplit(target)
        host = parts.hostname
    except ValueError:
        return False
    plain = target.isprintable() and " " not in target and "\\" not in target
    return plain and parts.scheme in ("http", "https") and bool(host)


def _check(link: Link) -> None:
    if not (link.email or link.user_id):
        raise ValueError("a link needs an email or a user id: whose click would it be?")
    for name in ("email", "user_id", "message_id", "campaign"):
        if len(getattr(link, name)) > IDENTIFIER_CHARACTERS:
            raise ValueError(f"{name} has more than {IDENTIFIER_CHARACTERS} characters")
    if link.kind == "click" and not is_address(link.target):
        raise ValueError("the target must be a full http or https address")
    if len(link.target) > URL_CHARACTERS:
        raise ValueError(f"the target has more than {URL_CHARACTERS} characters")


def _derived(key: bytes) -> bytes:
    """A key for this alone: what else the given one is used for says nothing of it."""
    return hmac.digest(key, b"leadscore email links v1", "sha256")
