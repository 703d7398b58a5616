"""Dates and times as people and spreadsheets write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.ingest.refusal import Refusal, invalid
from services.ingest.timestamps import read_timestamp

_EPOCH: Final = re.compile(r"\d{10}|\d{13}")
_CLOCK: Final = r"(?:[ ,T]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?: ?Uhr)?)?"
# Written so, nobody can take the day for the month.
_DAY_FIRST: Final = re.compile(rf"(\d{{1,2}})\. ?(\d{{1,2}})\. ?(\d{{4}}){_CLOCK}")
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})/(\d{{1,2}})/(\d{{1,2}}){_CLOCK}")
_SLASHES: Final = re.compile(r"\d{1,2}[/\-]\d{1,2}[/\-]\d{2,4}.*", re.DOTALL)
_CHARACTERS: Final = 64


def zone_named(name: str) -> tzinfo:
    """A time zone such as Europe/Berlin. Raises Refusal (400)."""
    if name.upper() in ("", "UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(
            "zone_unknown", "A zone is named as Europe/Berlin or America/New_York.", "zone"
        ) from None


def read_moment(given: object, path: str, zone: tzinfo, written: str = "") -> datetime:
    """The instant, in UTC. A text without a zone is of `zone`, a day alone its midnight there.

    given: ISO 8601, 3.5.2026 14:30, 2026/05/03, seconds or milliseconds since 1970 · written: as
    strptime writes it, for all others. Raises Refusal (400, `path`).
    """
    if isinstance(given, datetime):
        return read_timestamp(_in_zone(given, zone).isoformat(), path)
    if not isinstance(given, str):
        return read_timestamp(given, path)
    text = given.strip()
    if len(text) > _CHARACTERS:
        raise _unreadable(path)
    if _EPOCH.fullmatch(text):
        return read_timestamp(int(text), path)
    try:
        moment = datetime.strptime(text, written) if written else _by_itself(text, path)
        return read_timestamp(_in_zone(moment, zone).isoformat(), path)
    except (ValueError, OverflowError):
        raise _unreadable(path) from None


def check_format(written: str) -> None:
    """Raises Refusal (400) where a format for times can't be one."""
    if len(written) > _CHARACTERS:
        raise invalid("time_format_wrong", "This format is too long.", "time_format")
    try:
        said = datetime(2026, 5, 3, 14, 30, tzinfo=UTC).strftime(written)
        datetime.strptime(said, written)
    except (ValueError, re.error):
        raise invalid(
            "time_format_wrong", "A format is written as %d/%m/%Y %H:%M.", "time_format"
        ) from None


def _by_itself(text: str, path: str) -> datetime:
    day = _DAY_FIRST.fullmatch(text)
    if day:
        return _moment(day[3], day[2], day[1], day[4], day[5], day[6])
    year = _YEAR_FIRST.fullmatch(text)
    if year:
        return _moment(year[1], year[2], year[3], year[4], year[5], year[6])
    if _SLASHES.fullmatch(text):
        raise invalid(
            "timestamp_ambiguous",
            "Is this the third of April or the fourth of March? Say how times are written: "
            "%d/%m/%Y or %m/%d/%Y.",
            path,
        )
    return datetime.fromisoformat(text)


def _moment(*parts: str | None) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    return datetime(year, month, day, hour, minute, second)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _unreadable(path: str) -> Refusal:
    return invalid(
        "timestamp_unreadable",
        "Give a date as 2026-05-03 or 3.5.2026, or say how it is written.",
        path,
    )
