"""User agents that say themselves that no person is behind them."""

from __future__ import annotations

import re
from functools import lru_cache

from shared.envelope import Verdict

# name: what the verdict gives as reason · words: any of them, in lower case, is enough.
CRAWLERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("crawler", ("bot/", "bot;", "bot)", "bot ", "googlebot", "bingbot", "crawler", "spider",
                 "slurp", "facebookexternalhit", "mediapartners-google", "yandex.com/bots")),
    ("headless browser", ("headlesschrome", "phantomjs", "puppeteer", "playwright", "selenium")),
    ("monitoring", ("pingdom", "uptimerobot", "statuscake", "site24x7", "lighthouse",
                    "gtmetrix", "newrelicpinger", "datadogsynthetics")),
    ("library", ("curl/", "wget/", "python-requests", "python-urllib", "python-httpx", "aiohttp/",
                 "go-http-client", "okhttp", "java/", "libwww-perl", "scrapy", "axios/")),
)  # fmt: skip

_PATTERN = re.compile(
    "|".join(
        f"(?P<g{index}>{'|'.join(re.escape(word) for word in words)})"
        for index, (_, words) in enumerate(CRAWLERS)
    )
)
_UNKNOWN = Verdict()


@lru_cache(maxsize=4096)
def judge_user_agent(user_agent: str) -> Verdict:
    """The verdict bot with its reason, or unknown: that an agent doesn't say bot proves nothing."""
    found = _PATTERN.search(user_agent.lower()) if user_agent else None
    if found is None or found.lastgroup is None:
        return _UNKNOWN
    return Verdict("bot", f"user agent: {CRAWLERS[int(found.lastgroup[1:])][0]}")
