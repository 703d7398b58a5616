"""The examples of docs/ingest.md, run as they stand; and its lists, checked against the code."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from services.ingest import metrics
from services.ingest.app import ROUTES
from services.ingest.privacy import EXPLICIT_TYPES
from services.ingest.providers.sendgrid import EVENT_TYPES
from shared.settings import Settings
from tests.ingest_server import serving_ingest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "ingest.md").read_text()
PAGES = TEXT + "".join(
    (ROOT / "docs" / name).read_text()
    for name in ("beacon.md", "sources.md", "commerce.md", "sdks.md")
)
EXAMPLES = [
    example
    for name in ("ingest.md", "commerce.md")
    for example in re.findall(
        r"```sh run\n(.*?)```\s+```json answer\n(.*?)```",
        (ROOT / "docs" / name).read_text(),
        re.DOTALL,
    )
]


async def test_the_examples_answer_what_the_page_says(settings: Settings) -> None:
    """Each command is given to a shell; the answer is the JSON after it."""
    assert len(EXAMPLES) >= 6
    async with serving_ingest(settings) as url:
        environment = {
            "PATH": os.environ["PATH"],
            "INGEST_URL": url,
            "WRITE_KEY": "test-write-key",
            "SECRET_KEY": "test-secret-key",
        }
        for command, answer in EXAMPLES:
            process = await asyncio.create_subprocess_shell(
                command, env=environment, stdout=asyncio.subprocess.PIPE
            )
            output, _ = await process.communicate()
            assert json.loads(output) == json.loads(answer), command


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_every_route_is_in_the_page(path: str) -> None:
    """A new endpoint wants words."""
    short = path.removeprefix("/v1/webhooks/{provider}/").removeprefix("/v1")
    assert short in TEXT


def test_metrics_codes_and_tables_are_in_the_page() -> None:
    """Whatever the code can say, the page explains."""
    for name in vars(metrics):
        found = getattr(metrics, name) if name.isupper() else {}
        for metric in found.values() if isinstance(found, dict) else [found]:
            described = metric.describe()[0].name
            assert described.removesuffix("_bytes") in TEXT, described
    for kind, event_type in EVENT_TYPES.items():
        assert f"`{kind}`" in TEXT
        assert event_type is None or f"`{event_type}`" in TEXT
    for event_type in EXPLICIT_TYPES - {"lead_identified", "lead_grouped", "lead_aliased"}:
        assert f"`{event_type}`" in TEXT, event_type
    for path in (ROOT / "services" / "ingest").rglob("*.py"):
        source = path.read_text()
        codes = re.findall(r'(?:invalid|_busy|refused)\(\s*"([a-z_]+)"', source)
        codes += re.findall(r'Refusal\(\s*4\d\d, "([a-z_]+)"', source)
        for code in codes:
            assert f"`{code}`" in PAGES, (code, path.name)
