"""Examines leads: reads what is stored of them, and finds what differs; repairs it when asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any
from uuid import UUID

from services.scorer.audit.comparison import Difference, differences, unreadable
from services.scorer.audit.repair import Repair, Repairer
from services.scorer.audit.stored import StoredLead, leads_between, one_lead
from services.scorer.audit.yardstick import Yardstick, load_yardstick
from shared.database import create_engine
from shared.ruleset.errors import RulesetErrors
from shared.ruleset.expressions import NoLibraryError
from shared.settings import Settings

UNUSABLE = (LookupError, RulesetErrors, NoLibraryError)


@dataclass(frozen=True, slots=True)
class Finding:
    """A lead that isn't stored as its events say. repair: what came of it, if it was asked for."""

    lead_id: UUID
    ruleset_version: int
    differences: tuple[Difference, ...]
    repair: Repair | None = None

    @property
    def is_mended(self) -> bool:
        return self.repair is not None and self.repair.is_done


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to become of a lead that differs: nothing, a repair, or a repair that is undone."""

    repair: bool = False
    dry_run: bool = False


class Examiner:
    """Over one connection. Remembers the ruleset versions that leads stand under."""

    def __init__(self, connection: Any, settings: Settings, asked: Asked) -> None:
        self._connection = connection
        self._settings = settings
        self._asked = asked
        self._yardsticks: dict[int, Yardstick] = {}
        self._repairer = Repairer(
            connection, settings, self._yardstick, self._differences, dry_run=asked.dry_run
        )

    async def examine_range(self, after: UUID, upto: UUID) -> tuple[int, list[Finding]]:
        """(how many leads there are after one id and up to another, those that differ)."""
        leads = await leads_between(self._connection, after, upto)
        findings = []
        for lead in leads:
            found = await self._differences(lead)
            if found:
                findings.append(await self._finding(lead, found))
        return len(leads), findings

    async def examine(self, lead_id: UUID) -> tuple[int, list[Finding]]:
        """The same for one lead. Raises LookupError when there is none by that id."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            lead = await one_lead(self._connection, lead_id)
        if lead is None:
            raise LookupError(f"there is no lead {lead_id}")
        found = await self._differences(lead)
        return 1, [await self._finding(lead, found)] if found else []

    async def _finding(self, lead: StoredLead, found: list[Difference]) -> Finding:
        repaired = await self._repairer.repair(lead.id) if self._asked.repair else None
        return Finding(lead.id, lead.ruleset_version, tuple(found), repaired)

    async def _differences(self, lead: StoredLead) -> list[Difference]:
        try:
            yardstick = await self._yardstick(lead.ruleset_version)
        except UNUSABLE as error:
            why = f"ruleset version {lead.ruleset_version}: {type(error).__name__}"
            return [unreadable(why)]
        try:
            return differences(lead, yardstick)
        except Exception as error:  # noqa: BLE001 - one lead doesn't end the audit of all others
            return [unreadable(_named(error))]

    async def _yardstick(self, version: int) -> Yardstick:
        known = self._yardsticks.get(version)
        if known is None:
            engine = create_engine(self._settings, pool_size=1, max_overflow=0)
            try:
                known = self._yardsticks[version] = await load_yardstick(engine, version)
            finally:
                await engine.dispose()
        return known


def _named(error: Exception) -> str:
    """Its class and place; its message may quote the lead."""
    place = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
