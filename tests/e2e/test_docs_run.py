"""What README and docs show is run, and answers as they say.

A block marked `sh run` is run, block after block in one shell for each document, in the folder of a
running stack. A block marked `json answer` after it is what its last line of output must be.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import Local, environment

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```(\w+) (run|answer)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "----- end of block -----"
BLOCKS_SECONDS = 240

# What local.json tells, by the names that the documents use.
VARIABLES = {
    "INGEST_URL": "ingest_url",
    "API_URL": "api_url",
    "WRITE_KEY": "write_key",
    "SECRET_KEY": "secret_key",
    "API_TOKEN": "api_token",
}


@dataclass(frozen=True)
class Shown:
    """A block that is run, and the answer that the document shows, if it shows one."""

    script: str
    answer: str | None


def shown_in(text: str) -> list[Shown]:
    """The runnable blocks of a document, in order."""
    found: list[Shown] = []
    for language, mark, content in _BLOCK.findall(text):
        if (language, mark) == ("sh", "run"):
            found.append(Shown(content, None))
        elif (language, mark) == ("json", "answer") and found:
            found[-1] = Shown(found[-1].script, content)
    return found


RUNNABLE = [path for path in DOCUMENTS if shown_in(path.read_text())]


def test_there_is_something_to_run() -> None:
    """The marks are found: README and the API's page show commands."""
    names = {path.name for path in RUNNABLE}
    assert {"README.md", "api.md", "ingest.md"} <= names


@pytest.mark.parametrize("path", RUNNABLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_document_shows_works(local: Local, path: Path) -> None:
    """Every block ends without an error, and answers what is shown below it."""
    blocks = shown_in(path.read_text())
    script = "".join(f"{block.script}\necho; echo '{_END}'\n" for block in blocks)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=local.folder,
        env={**environment(), **{name: local[key] for name, key in VARIABLES.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BLOCKS_SECONDS,
        check=False,
    )
    outputs = done.stdout.split(f"\n{_END}\n")
    assert done.returncode == 0, (outputs[-1], done.stderr)
    for block, output in zip(blocks, outputs, strict=False):
        if block.answer is not None:
            told = json.loads(output.strip().splitlines()[-1])
            assert told == json.loads(block.answer), block.script
