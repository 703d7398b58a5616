"""Rulesets as commands name them: a file, the name of a shipped one, a published version, live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from services.scorer.shipped import shipped_names, shipped_text
from shared.ruleset.condition_words import counted

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from shared.ruleset.document import RulesetDocument

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Source:
    """A ruleset's text. label: what to call it in messages · version: of a published one."""

    label: str
    text: str
    version: int | None = None


def source_named(name: str) -> Source:
    """Find a ruleset: a file, a shipped one's name, a version's number, or "live".

    Ends the command with exit code 1 when there is none.
    """
    if Path(name).is_file():
        return Source(name, _file_text(Path(name)))
    if name in shipped_names():
        return Source(name, shipped_text(name))
    if name == LIVE or name.isdecimal():
        version, text = asyncio.run(_stored(None if name == LIVE else int(name)))
        if text is None:
            raise ended(f"there is no version {version}" if version else "no ruleset is live")
        return Source(f"version {version}", text, version)
    shipped = ", ".join(shipped_names())
    raise ended(f"{name} is neither a file nor a shipped ruleset (shipped are: {shipped})")


def read(source: Source) -> RulesetDocument:
    """Read and check it. A ruleset with faults ends the command with exit code 1: all are told."""
    from shared.ruleset.reading import RulesetErrors, read_ruleset

    try:
        return read_ruleset(source.text)
    except RulesetErrors as found:
        for error in found.errors:
            typer.echo(f"{source.label}: {error}", err=True)
        raise ended(counted(len(found.errors), "fault")) from None


def ended(message: str) -> typer.Exit:
    """Says it on stderr; raise what comes back, and the command ends with exit code 1."""
    typer.echo(message, err=True)
    return typer.Exit(1)


def engine() -> AsyncEngine:
    """A connection pool by the settings of this checkout's stack, or of the environment."""
    from deploy.local.state import load_settings
    from shared.database import create_engine

    return create_engine(load_settings())


def _file_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ended(f"{file}: not UTF-8 (save the file as UTF-8)") from None


async def _stored(version: int | None) -> tuple[int | None, str | None]:
    from shared.ruleset import store

    pool = engine()
    try:
        async with pool.connect() as connection:
            number = version or await store.live_version(connection)
            if number is None:
                return None, None
            return number, await store.source_of(connection, number)
    finally:
        await pool.dispose()
