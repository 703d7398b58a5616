"""Debian's Chromium for the browser tests: found, or installed where apt works, else not run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from functools import cache

import pytest
from playwright.async_api import Browser, async_playwright

INSTALL_SECONDS = 600
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
# Without these, Chromium asks hosts of its maker in the background, which no test should.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names that are no localhost, for pages that browsers don't take for secure.
    "--host-resolver-rules=MAP site.test 127.0.0.1,MAP *.site.test 127.0.0.1",
    # Else pages see navigator.webdriver, and every event is a machine's.
    "--disable-blink-features=AutomationControlled",
    # Beacons of a page that is left bear the browser's own, not that of its profile.
    f"--user-agent={USER_AGENT}",
)


@cache
def chromium_path() -> str | None:
    """Where Chromium is; None when it is missing and can't be installed."""
    found = shutil.which("chromium")
    if found or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with contextlib.suppress(subprocess.SubprocessError):
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(
                ["apt-get", "-qq", *command],
                check=True,
                timeout=INSTALL_SECONDS,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
    return shutil.which("chromium")


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser, closed afterwards. The test is skipped where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip("not run: Chromium is missing and apt could not install it")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()
