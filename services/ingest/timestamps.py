"""When it happened: reading timestamps, and correcting the sender's clock by sentAt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.ingest.limits import EARLIEST_YEAR, FUTURE_SECONDS, SKEW_IGNORED_SECONDS
from services.ingest.refusal import Refusal, invalid
from shared.envelope import instant

# Numbers from here on are milliseconds (1973 as such, the year 5138 as seconds).
_MILLISECONDS_FROM = 100_000_000_000
_LAST_MS = 253_402_300_799_999
_FUTURE = timedelta(seconds=FUTURE_SECONDS)
_LATENCY = timedelta(seconds=SKEW_IGNORED_SECONDS)
_EARLIEST = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)


def read_timestamp(value: object, path: str) -> datetime:
    """ISO 8601 (without a zone: UTC), or a number of seconds or milliseconds since 1970, as UTC
    with milliseconds. Raises Refusal (400) when it can't be read or lies outside 2000 … 9998.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            if not EARLIEST_YEAR - 1 <= moment.year <= 9998:
                raise _absurd(path)
            if moment.tzinfo is not UTC:
                zoned = moment.tzinfo is not None
                moment = moment.astimezone(UTC) if zoned else moment.replace(tzinfo=UTC)
            if moment.microsecond % 1000:
                moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            at_ms = int(value if abs(value) >= _MILLISECONDS_FROM else value * 1000)
            if not 0 <= at_ms <= _LAST_MS:
                raise _absurd(path)
            moment = instant(at_ms)
        else:
            raise ValueError  # noqa: TRY004 - read by the except below
    except (ValueError, OverflowError):
        raise invalid("timestamp_unreadable", "Give an ISO 8601 date and time.", path) from None
    if moment < _EARLIEST:
        raise _absurd(path)
    return moment


def corrected(occurred: datetime, sent: datetime | None, received: datetime, path: str) -> datetime:
    """The moment by our clock: received - (sent - occurred), never after `received`.

    A difference between sent and received under 10 s is the network's and is left alone. Without
    `sent` nothing is corrected. Raises Refusal (400) for a moment before 2000 or more than a day
    ahead.
    """
    if sent is not None and abs(received - sent) >= _LATENCY:
        occurred = received - (sent - occurred)
    if occurred > received:
        if occurred - received > _FUTURE:
            raise _absurd(path)
        return received
    if occurred < _EARLIEST:
        raise _absurd(path)
    return occurred


def _absurd(path: str) -> Refusal:
    return invalid(
        "timestamp_absurd",
        f"The time is before {EARLIEST_YEAR} or more than a day in the future.",
        path,
    )
