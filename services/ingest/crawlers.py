"""User agents that say themselves that no person is behind them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from services.ingest.mail_agents import IMAGE_PROXIES, SCANNERS
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


def _any_of(table: tuple[tuple[str, tuple[str, ...]], ...]) -> re.Pattern[str]:
    return re.compile(
        "|".join(
            f"(?P<g{index}>{'|'.join(re.escape(word) for word in words)})"
            for index, (_, words) in enumerate(table)
        )
    )


# In this order: a table of words, and what follows of one that is found.
_TABLES = (
    (IMAGE_PROXIES, _any_of(IMAGE_PROXIES), "unknown", ""),
    (SCANNERS, _any_of(SCANNERS), "bot", "mail scanner: "),
    (CRAWLERS, _any_of(CRAWLERS), "bot", "user agent: "),
)
_UNKNOWN = Verdict()
_LONGEST = 512


@lru_cache(maxsize=8192)
def judge_user_agent(user_agent: str) -> Verdict:
    """The verdict bot with its reason, or unknown: that an agent doesn't say bot proves nothing."""
    if not user_agent:
        return _UNKNOWN
    folded = user_agent[:_LONGEST].lower()
    for table, pattern, judgement, prefix in _TABLES:
        found = pattern.search(folded)
        if found is not None and found.lastgroup is not None:
            why = f"{prefix}{table[int(found.lastgroup[1:])][0]}"
            return Verdict("bot", why) if judgement == "bot" else Verdict("unknown", why)
    if _known_crawlers().search(user_agent[:_LONGEST]):
        return Verdict("bot", "user agent: known crawler")
    return _UNKNOWN


@cache
def _known_crawlers() -> Any:
    """All patterns of the list that the web keeps of crawlers (crawler-user-agents), in one
    expression of linear time.
    """
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    pattern = "|".join(f"(?:{one['pattern']})" for one in CRAWLER_USER_AGENTS_DATA)
    return re2.compile(pattern, options)
