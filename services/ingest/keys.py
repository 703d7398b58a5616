"""Who sends: from a write key or a secret key to the name of the source."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass

from services.ingest.refusal import Refusal
from shared.event_types import OPERATOR
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Sender:
    """Owner of a key. name: the source of its events · public: the key is in web pages, so that
    anyone may use it; a secret key belongs to a server · id: of a key in Postgres, 0 of the
    environment's · origins, uses: where browsers may send from, which ways in it opens; None for
    all · rate: events a second, of this key alone; 0 for the setting's.
    """

    name: str
    public: bool
    id: int = 0
    origins: frozenset[str] | None = None
    uses: frozenset[str] | None = None
    rate: int = 0


class Keys:
    """The keys in force: those of the environment, and those of the table. All are kept and looked
    up as hashes, so that the time a look-up takes says nothing about how near a guess came.
    """

    def __init__(self, senders: dict[str, Sender]) -> None:
        self._fixed = {key_hash(key): sender for key, sender in senders.items()}
        self._stored: dict[bytes, Sender] = {}
        self._used: dict[int, float] = {}

    def find(self, key: str) -> Sender | None:
        if not key:
            return None
        digest = key_hash(key)
        return self._fixed.get(digest) or self._stored.get(digest)

    def require(self, *keys: str) -> Sender:
        """The sender of the first known key. Raises Refusal (401) when none is known."""
        for key in keys:
            sender = self.find(key)
            if sender is not None:
                if sender.id:
                    self._used[sender.id] = time.time()
                return sender
        if any(keys):
            raise Refusal(401, "key_unknown", "This write key is not known.")
        raise Refusal(
            401,
            "key_missing",
            "Send the write key as basic auth user, as bearer token, or as writeKey in the body.",
        )

    def take_over(self, stored: dict[bytes, Sender]) -> None:
        """What is in the table now: hash → sender."""
        self._stored = stored

    def lately_used(self) -> dict[int, float]:
        """Key id → when it was used last (seconds since 1970), since this was asked before."""
        used, self._used = self._used, {}
        return used


def key_hash(key: str) -> bytes:
    """What is kept of a key. Keys are long and random, so that a plain hash can't be searched."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def keys_of(settings: Settings) -> Keys:
    """Read LEADSCORE_WRITE_KEYS and LEADSCORE_SECRET_KEYS: "name:key,name:key", or one bare key,
    whose source is then "web" or "server". Raises ValueError when they can't be read.
    """
    senders: dict[str, Sender] = {}
    for text, public, default in (
        (settings.write_keys.get_secret_value(), True, "web"),
        (settings.secret_keys.get_secret_value(), False, "server"),
    ):
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, colon, key = item.partition(":")
            if not colon:
                name, key = default, item
            if not name or not key:
                raise ValueError("keys must be given as name:key, parted by commas")
            if name == OPERATOR:
                raise ValueError(f"no source may be called {OPERATOR}: its events set stages")
            if key in senders:
                raise ValueError(f"the key of {name!r} is given twice")
            senders[key] = Sender(name, public)
    return Keys(senders)


def key_in_authorization(value: bytes) -> str:
    """The key in an Authorization header: the user of Basic, or the token of Bearer, else ""."""
    scheme, _, rest = value.partition(b" ")
    scheme = scheme.lower()
    if scheme == b"basic":
        try:
            user = base64.b64decode(rest.strip()).partition(b":")[0]
        except (binascii.Error, ValueError):
            return ""
        return user.decode("utf-8", "replace")
    if scheme == b"bearer":
        return rest.strip().decode("utf-8", "replace")
    return ""
