"""What is left of a user agent when only its family is kept: "Chrome on Windows". Pure."""

from __future__ import annotations

from functools import lru_cache

# The first whose mark stands in the user agent (lower case) counts: most name their forebears, too.
BROWSERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mail image proxy", ("googleimageproxy", "yahoomailproxy")),
    ("Outlook", ("microsoft outlook", "ms-office", "msoffice")),
    ("Thunderbird", ("thunderbird/",)),
    ("Edge", ("edg/", "edga/", "edgios/", "edge/")),
    ("Opera", ("opr/", "opera", "opt/")),
    ("Samsung Internet", ("samsungbrowser/",)),
    ("Vivaldi", ("vivaldi/",)),
    ("Yandex Browser", ("yabrowser/",)),
    ("UC Browser", ("ucbrowser/",)),
    ("DuckDuckGo", ("duckduckgo/", "ddg/")),
    ("Firefox", ("firefox/", "fxios/")),
    ("Chrome", ("chrome/", "crios/", "chromium/")),
    ("Internet Explorer", ("trident/", "msie ")),
    ("Safari", ("safari/",)),
    ("WebKit", ("applewebkit/",)),
)
SYSTEMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("iOS", ("iphone", "ipad", "ipod")),
    ("Android", ("android",)),
    ("Windows", ("windows",)),
    ("ChromeOS", ("cros ",)),
    ("macOS", ("mac os x", "macintosh")),
    ("Linux", ("linux", "x11")),
)
OTHER = "other"


@lru_cache(8192)
def agent_family(user_agent: str) -> str:
    """Browser and system without versions and models; "other" for what isn't known; "" of ""."""
    text = user_agent.lower()
    browser = _first(BROWSERS, text)
    system = _first(SYSTEMS, text)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or (OTHER if text else "")


def _first(table: tuple[tuple[str, tuple[str, ...]], ...], text: str) -> str:
    return next((name for name, marks in table if any(mark in text for mark in marks)), "")
