"""What scoring needs to know beside the events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from services.scorer.accounts import AccountRules
from services.scorer.core.compiled import Ruleset
from services.scorer.identity_cache import IdentityCache
from services.scorer.partings import Partings
from services.scorer.plan import Limits
from services.scorer.resends import Resends
from shared.errors import TryAgainError


class NewerRulesetError(TryAgainError):
    """A lead was scored under a newer ruleset than ours: load it, then try again."""

    def __init__(self, version: int) -> None:
        super().__init__(f"a lead was scored under ruleset version {version}")
        self.version = version


@dataclass(frozen=True, slots=True)
class Scene:
    """Which rules hold, up to when time may act, how many shards the outbox has, how new leads get
    their ids, what this process has read of identities, and which events it has seen lately.
    """

    ruleset: Ruleset
    watermark_ms: int
    shards: int
    new_id: Callable[[int], UUID]
    # Do hand-offs that come of a recalculation go out?
    hand_off: bool = False
    identities: IdentityCache = field(default_factory=IdentityCache)
    resends: Resends = field(default_factory=Resends)
    # How companies are scored; None: not at all.
    accounts: AccountRules | None = None
    # How many identifiers a lead may have, and people an anonymous id.
    limits: Limits = field(default_factory=Limits)
    # Of keyed hashes, as in settings.
    hash_key: bytes = b""
    # Events before this instant are refused: their like is deleted.
    oldest_ms: int = 0
    partings: Partings = field(default_factory=Partings)
