"""The examples of docs/beacon.md, as they stand there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from shared.settings import Settings
from tests.ingest_server import reading_events, serving_ingest

DOCS = (Path(__file__).parents[3] / "docs/beacon.md").read_text()
KEY = "test-write-key"


def examples(language: str) -> list[str]:
    """The code blocks in this language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


class _Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


async def test_the_commands_work_as_written(settings: Settings) -> None:
    """Each curl is answered with success, and its event arrives."""
    if not shutil.which("curl"):
        pytest.skip("not run: curl is missing")
    commands = examples("sh")
    async with serving_ingest(settings) as url, reading_events(settings) as written:
        for command in commands:
            process = await asyncio.create_subprocess_shell(
                command.replace("curl ", "curl -sS "),
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "INGEST_URL": url, "WRITE_KEY": KEY},
            )
            out, _ = await process.communicate()
            assert out == b'{"success": true}', command
        await written.until(lambda events: len(events) == len(commands), "every example")
    assert len(commands) >= 2


async def test_the_form_and_the_pixel_work_as_written(settings: Settings) -> None:
    """The hidden fields of the form, and the address of the image."""
    html = "".join(examples("html")).replace("YOUR_WRITE_KEY", KEY)
    tags = _Tags(html[html.index("/v1/forms/ebook") - 60 :]).tags
    fields = {str(a["name"]): a.get("value") or "" for tag, a in tags if tag == "input"}
    image = next(str(a["src"]) for tag, a in tags if tag == "img")
    allowing = settings.model_copy(update={"redirect_origins": "https://www.example.com"})
    async with (
        serving_ingest(allowing) as url,
        httpx.AsyncClient(base_url=url) as client,
        reading_events(settings) as written,
    ):
        form = await client.post("/v1/forms/ebook", data={**fields, "email": "s@example.com"})
        assert form.status_code == 303, form.text
        assert form.headers["location"] == fields["_redirect"]
        download = await written.one("content_downloaded")
        assert download.properties["content_title"] == "Your Guide to a Secure Retirement"
        pixel = await client.get("/v1/pixel.gif", params=parse_qsl(urlsplit(image).query))
        assert pixel.status_code == 200
        opened = await written.one("email_opened", content_id="retirement-guide")
        assert opened.identifiers.user_id == "42"
