"""Ruleset versions as they are shown, kept in memory: a stored version never changes."""

from __future__ import annotations

from collections import OrderedDict

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.ruleset_view import RulesetView, view_of
from shared.ruleset.store import live_version, load

KEPT_VERSIONS = 32


class RulesetCache:
    """Views of the versions last asked for."""

    def __init__(self) -> None:
        self._views: OrderedDict[int, RulesetView] = OrderedDict()

    async def version(self, connection: AsyncConnection, version: int) -> RulesetView:
        """The view of a version. Raises LookupError if there is no such version."""
        view = self._views.get(version)
        if view is None:
            stored = await load(connection, version)
            view = view_of(stored.version, stored.document, stored.rule_numbers)
            self._views[version] = view
            if len(self._views) > KEPT_VERSIONS:
                self._views.popitem(last=False)
        self._views.move_to_end(version)
        return view

    async def live(self, connection: AsyncConnection) -> RulesetView | None:
        """The live version's view; None before the first version is published."""
        version = await live_version(connection)
        return None if version is None else await self.version(connection, version)
