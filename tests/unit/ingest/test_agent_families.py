"""A user agent reduced to its family."""

from __future__ import annotations

import pytest

from services.ingest.agent_families import agent_family

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


AGENTS = {
    f"{WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36": "Chrome on Windows",
    f"{WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": "Firefox on Linux",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1": "Safari on iOS",
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/26.0 Chrome/122.0.0.0 "
    "Mobile Safari/537.36": "Samsung Internet on Android",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com "
    "GoogleImageProxy)": "mail image proxy on Windows",
    "curl/8.1": "other",
    "": "",
}


@pytest.mark.parametrize(("user_agent", "family"), AGENTS.items())
def test_browser_and_system_stay_and_versions_and_models_go(user_agent: str, family: str) -> None:
    """Enough for reports, too little to know somebody by."""
    assert agent_family(user_agent) == family
