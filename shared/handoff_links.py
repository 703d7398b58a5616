"""Links by which a salesperson answers a hand-off without signing in: signed, and for a while.

TOKEN = base64url(hand-off id, act, end) "." base64url(HMAC-SHA256), with a key of its own made of
the installation's. Following one only shows a page; a button acts, once.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.handoff_states import MOVES, SALES_ACTS, Act

# A lead is answered within days; what became of it may take a year.
VALID_S = 30 * 86_400
VALID_DEAL_S = 365 * 86_400
_DEAL: frozenset[Act] = frozenset({"won", "lost"})
_PURPOSE = b"leadscore: answers to hand-offs, 1"
_MOST_CHARACTERS = 300


class LinkError(Exception):
    """A link that isn't ours, or whose time is over; the message says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a link is for. ends_s: seconds since 1970."""

    handoff_id: UUID
    act: Act
    ends_s: int


def links_of(
    handoff_id: UUID, key: bytes, public_url: str, now_s: int, acts: Sequence[Act] = SALES_ACTS
) -> dict[str, str]:
    """The address of each act's page; none where nobody can reach the console."""
    if not public_url:
        return {}
    base = public_url.rstrip("/")
    # Whole days: a message that is tried again has the same links.
    today_s = (now_s // 86_400) * 86_400
    ends_s = {act: today_s + (VALID_DEAL_S if act in _DEAL else VALID_S) for act in acts}
    return {
        act: f"{base}/h/{write_link(Answer(handoff_id, act, ends_s[act]), key)}" for act in acts
    }


def write_link(answer: Answer, key: bytes) -> str:
    said = f"{answer.handoff_id}/{answer.act}/{answer.ends_s}".encode()
    return f"{_text(said)}.{_text(_sign(said, key))}"


def read_link(token: str, key: bytes, now_s: int) -> Answer:
    """Raises LinkError."""
    said_text, _, signature_text = token.partition(".")
    try:
        if len(token) > _MOST_CHARACTERS:
            raise ValueError(token)
        said, signature = _bytes(said_text), _bytes(signature_text)
        if not hmac.compare_digest(signature, _sign(said, key)):
            raise ValueError(token)
        handoff_id, act, ends = said.decode().split("/")
        if act not in MOVES:
            raise ValueError(token)
        answer = Answer(UUID(handoff_id), act, int(ends))
        if write_link(answer, key) != token:  # another spelling would be a second link
            raise ValueError(token)
    except (ValueError, binascii.Error):
        raise LinkError("this link isn't valid: it may have been cut off") from None
    if answer.ends_s < now_s:
        raise LinkError("this link has expired")
    return answer


def _sign(said: bytes, key: bytes) -> bytes:
    return hmac.digest(hmac.digest(key, _PURPOSE, "sha256"), said, "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if not text.isascii() or not all(letter.isalnum() or letter in "-_" for letter in text):
        raise ValueError(text)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
