"""Rulesets in Postgres: immutable numbered versions, one of them live."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ruleset.document import RulesetDocument
from shared.ruleset.reading import read_ruleset
from shared.tables import rule_number, ruleset_live, ruleset_version

_LIVE_ROW = 1
# Serialises publishers, so that versions go live in the order of their numbers.
_PUBLISH_LOCK = 0x6C73_7275_6C65


@dataclass(frozen=True, slots=True)
class StoredRuleset:
    """A published version. rule_numbers: by "model/rule", for its own rules at least · hand_off:
    whether hand-offs that come of taking it up go out.
    """

    version: int
    document: RulesetDocument
    rule_numbers: dict[str, int]
    hand_off: bool = False


async def publish(
    connection: AsyncConnection, text: str, note: str = "", *, hand_off: bool = False
) -> int:
    """Store a ruleset as a new version, make it live, and return its number.

    hand_off: leads that its recalculation moves are handed over; else that is withheld.

    Runs in the caller's transaction and doesn't commit. Raises RulesetErrors. A text that is live
    already is not stored again: its number is returned.
    """
    document = read_ruleset(text)
    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PUBLISH_LOCK)))
    live = await live_version(connection)
    if live is not None and await source_of(connection, live) == text:
        return live
    await number_rules(connection, document.rule_names())
    version: int = (
        await connection.execute(
            sa.insert(ruleset_version)
            .values(source=text, note=note, hand_off=hand_off)
            .returning(ruleset_version.c.version)
        )
    ).scalar_one()
    row = insert(ruleset_live).values(id=_LIVE_ROW, version=version)
    await connection.execute(
        row.on_conflict_do_update(index_elements=["id"], set_={"version": row.excluded.version})
    )
    return version


async def number_rules(connection: AsyncConnection, names: list[str]) -> None:
    """Give every new rule a number; a rule keeps its number over versions."""
    if not names:
        return
    await connection.execute(
        sa.text(
            "INSERT INTO rule_number (name) "
            "SELECT wanted.name FROM unnest(CAST(:names AS text[])) WITH ORDINALITY "
            "AS wanted(name, place) "
            "WHERE NOT EXISTS (SELECT FROM rule_number known WHERE known.name = wanted.name) "
            "ORDER BY wanted.place ON CONFLICT (name) DO NOTHING"
        ),
        {"names": names},
    )


async def live_version(connection: AsyncConnection) -> int | None:
    """The version that is live, None before the first is published."""
    found: int | None = (
        await connection.execute(
            sa.select(ruleset_live.c.version).where(ruleset_live.c.id == _LIVE_ROW)
        )
    ).scalar_one_or_none()
    return found


async def source_of(connection: AsyncConnection, version: int) -> str | None:
    """The text of a version as it was published, None when there is none."""
    found: str | None = (
        await connection.execute(
            sa.select(ruleset_version.c.source).where(ruleset_version.c.version == version)
        )
    ).scalar_one_or_none()
    return found


async def load(connection: AsyncConnection, version: int) -> StoredRuleset:
    """A published version. Raises LookupError when there is none by that number."""
    text = await source_of(connection, version)
    if text is None:
        raise LookupError(f"there is no ruleset version {version}")
    document = read_ruleset(text)
    rows = await connection.execute(sa.select(rule_number.c.name, rule_number.c.number))
    numbers = {row.name: row.number for row in rows}
    hand_off = await connection.scalar(
        sa.select(ruleset_version.c.hand_off).where(ruleset_version.c.version == version)
    )
    return StoredRuleset(version, document, numbers, bool(hand_off))
