"""Content a person took up: which events count as that, told once each with how often."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.router.messages import Content
from services.router.wording import page_of, title_of, url_of
from shared.envelope import Event, milliseconds, rfc3339

CONTENT_MAX = 20

KIND_OF_TYPE: dict[str, str] = {
    "content_downloaded": "download",
    "video_watched": "video",
    "webinar_registered": "webinar",
    "webinar_attended": "webinar",
    "seminar_attended": "webinar",
}

# What a form is filled in for: fields that name the content it gives.
GIVEN_BY_FORM = ("content_title", "content", "ebook", "download", "whitepaper", "asset")

# Pages that are content rather than shop window, by a part of their path.
_ARTICLE_PATH = re.compile(
    r"/(blog|articles?|guides?|resources|insights|learn|library|news|stories|case-stud(y|ies)"
    r"|customers|whitepapers?|e-?books?|knowledge|academy|posts?|testimonials?)(/|$)"
)


def kind_of(event: Event) -> str | None:
    """download, video, webinar or article; None where an event isn't about content."""
    if found := KIND_OF_TYPE.get(event.type):
        return found
    if event.type == "form_submitted" and any(event.properties.get(name) for name in GIVEN_BY_FORM):
        return "download"
    if event.type in {"page_viewed", "page_left"}:
        path = page_of(event).get("path")
        marked = event.properties.get("content_id") or event.properties.get("content_type")
        if marked or (isinstance(path, str) and _ARTICLE_PATH.search(path.lower())):
            return "article"
    return None


def content_of(events: Sequence[Event]) -> list[Content]:
    """Content engaged with, the newest first, each once: the same kind and title are the same.

    events: the newest first.
    """
    found: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        kind, title = kind_of(event), title_of(event)
        if kind and title:
            found.setdefault((kind, title), []).append(event)
    return [
        Content(
            kind=kind,
            title=title,
            url=next((url for event in same if (url := url_of(event))), None),
            times=len([event for event in same if event.type != "page_left"]) or 1,
            last_at=rfc3339(milliseconds(same[0].occurred_at)),
        )
        for (kind, title), same in list(found.items())[:CONTENT_MAX]
    ]
