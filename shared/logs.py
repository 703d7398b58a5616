"""Structured logs: JSON for machines, plain lines for a terminal, and no addresses in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

from shared.settings import Settings
from shared.tracebacks import format_exception

# Databases and libraries quote data in their errors; an address must not get out that way.
_ADDRESS = re.compile(r"[^\s@\"'(<=,;:]+@[^\s@\"')>,;]+\.[A-Za-z]{2,}")
_SELDOM_SECONDS = 10.0
# Below these levels libraries tell what passes through them: addresses, headers, bodies.
_LIBRARIES = logging.INFO
_QUIET = {"aiokafka": logging.WARNING, "httpx": logging.WARNING, "uvicorn.access": logging.WARNING}
_OURS = ("services", "shared", "deploy")


def mask_addresses(
    _logger: object, _method: str, record: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace email addresses in every text of a log record by `[address]`."""
    for name, value in record.items():
        if isinstance(value, str) and "@" in value:
            record[name] = _ADDRESS.sub("[address]", value)
    return record


class _SeldomFromKafka(logging.Filter):
    """While a broker is away aiokafka says so many times a second: once in a while is enough."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != "aiokafka":
            return True
        said = str(record.msg)
        if record.created - self._last.get(said, 0.0) < _SELDOM_SECONDS:
            return False
        self._last[said] = record.created
        return True


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """What ends the process is logged like the rest, with addresses masked: Postgres quotes whole
    rows in its errors.
    """
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("shared.logs").critical(
        "ended by an error", error_class=kind.__name__, exc_info=(kind, error, trace)
    )


def configure_logs(settings: Settings, service: str) -> None:
    """Send structlog and the standard library's logs, and the error that ends the process, to
    standard error, in one form.
    """
    sys.excepthook = _log_uncaught
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        format_exception,
        mask_addresses,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_SeldomFromKafka())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(max(level, _LIBRARIES))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name, at_least in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, at_least))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    if settings.instance:
        structlog.contextvars.bind_contextvars(instance=settings.instance)
