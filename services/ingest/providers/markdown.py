"""The table of providers as it stands in docs/sources.md."""

from __future__ import annotations

from collections.abc import Iterable

from services.ingest.providers.contract import Provider

_HEAD = (
    "| provider | `NAME` | proof | batch | dedupe key | machine opens | retries | tested with |",
    "|---|---|---|---|---|---|---|---|",
)


def as_markdown(providers: Iterable[Provider]) -> str:
    """A row each, in the order of their titles."""
    rows = [
        f"| {one.title} | `{one.name}` | {one.signature} | {one.batch} | {one.dedupe} "
        f"| {one.machine_open or '–'} | {one.retries} | {one.tested_with} |"
        for one in sorted(providers, key=lambda one: one.title.lower())
    ]
    return "\n".join((*_HEAD, *rows))
