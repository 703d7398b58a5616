"""A message as people read it, whichever way it comes to them."""

from __future__ import annotations

from typing import Any, Protocol


class Words(Protocol):
    """html: a whole document."""

    @property
    def subject(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def html(self) -> str: ...


def link_of(body: dict[str, Any]) -> str | None:
    """The lead in the console, if the body names a web address that can be shown as a link."""
    data = body.get("data")
    link = data.get("link") if isinstance(data, dict) else None
    if not isinstance(link, str) or not link.startswith(("https://", "http://")):
        return None
    fit = len(link) <= 2_000 and link.isprintable() and not set(link) & set(' <>"|\\')
    return link if fit else None
