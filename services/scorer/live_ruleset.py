"""The live ruleset: loaded at start, and taken up within a second when another is published."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scorer.accounts import AccountRules, compile_accounts
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.metrics import RULESET_VERSION
from shared.errors import TryAgainError
from shared.ruleset.store import live_version, load

log = structlog.get_logger()
POLL_SECONDS = 1.0


class LiveRuleset:
    """Holds the compiled live version; `refresh` looks whether there is a newer one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._current: Ruleset | None = None
        self._lock = asyncio.Lock()
        self.hand_off = False
        self.accounts: AccountRules | None = None

    @property
    def current(self) -> Ruleset:
        if self._current is None:
            raise TryAgainError("no ruleset is live: publish one by `leadscore rules publish FILE`")
        return self._current

    async def refresh(self) -> None:
        """Load the live version if it isn't the current one. Raises TryAgainError if none is."""
        async with self._lock, self._engine.connect() as connection:
            version = await live_version(connection)
            if version is None:
                raise TryAgainError(
                    "no ruleset is live: publish one by `leadscore rules publish FILE`"
                )
            if self._current is not None and self._current.version == version:
                return
            stored = await load(connection, version)
            self._current = compile_ruleset(stored.document, stored.rule_numbers, version)
            self.hand_off = stored.hand_off
            self.accounts = compile_accounts(stored.document)
            RULESET_VERSION.set(version)
            log.info("ruleset taken up", version=version)
