"""The commands that pages show are commands there are, with the arguments and options they take.

Blocks marked `sh run` are run against a started stack by `tests/e2e/test_docs_run.py`. The others
name other people's servers, start or stop whole systems or take minutes: here the program's own
parser reads each of their lines, and nothing is run.
"""

from __future__ import annotations

import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from standardwebhooks.webhooks import WebhookVerificationError

from services.cli import app
from shared.outbound.signing import new_secret, signed_headers
from tests.bench.__main__ import _options as bench_options

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(leadscore [^`|…]+)`")
_TARGET = re.compile(r"^([a-z0-9-]+):.*## ", re.MULTILINE)


def shown(program: str) -> list[str]:
    """Every line of a block of commands that calls the program; sorted, each once."""
    blocks = [block for page in PAGES for block in _BLOCK.findall(page.read_text())]
    lines = [line for kind, text in blocks if kind in ("", "sh") for line in text.splitlines()]
    return sorted(
        {
            re.split(r" +#| +>", line)[0].strip()  # no comment, no redirection
            for line in lines
            if line.startswith(f"{program} ")
        }
    )


def mentioned() -> list[str]:
    """Every `leadscore …` within a sentence; sorted, each once."""
    found = (each for page in PAGES for each in _INLINE.findall(page.read_text()))
    return sorted({" ".join(re.split(r" +>", each)[0].split()) for each in found})


@pytest.mark.parametrize("line", shown("leadscore"))
def test_leadscore_takes_what_a_page_shows(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command, arguments and options parse; files that are named exist, for their sake."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    for word in words:
        if word.endswith(".yaml"):
            (tmp_path / word).touch()
    parse(words)


@pytest.mark.parametrize("line", mentioned())
def test_leadscore_has_what_a_sentence_mentions(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above; a sentence may leave out an argument, and write N for a number."""
    monkeypatch.chdir(tmp_path)
    words = ["1" if word == "N" else word for word in line.split()[1:]]
    for word in words:
        if word == "FILE" or word.endswith(".yaml"):
            (tmp_path / word).touch()
    try:
        parse(words)
    except Exception as error:
        if type(error).__name__ != "MissingParameter":
            raise


def test_a_command_that_is_not_there_is_seen() -> None:
    """So that the test above means something."""
    for words in (["upp"], ["up", "--detatch"], ["rules", "chek"], ["up", "--scorers", "many"]):
        with pytest.raises(Exception, match=r"No such|valid integer"):
            parse(words)


def test_the_pages_on_running_it_show_commands() -> None:
    """The lines are found."""
    found = shown("leadscore")
    assert {"leadscore up --fresh", "leadscore destinations test crm", "leadscore down"} <= set(
        found
    )
    assert any(line.startswith("leadscore sources add") for line in found)


def parse(words: list[str]) -> None:
    """Read the words as `leadscore` would, without doing anything. Raises what it would say."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="leadscore")
    while hasattr(command, "resolve_command") and words:
        name, command, words = command.resolve_command(context, words)
        context = command.context_class(command, info_name=name, parent=context)
    if not hasattr(command, "resolve_command"):
        command.make_context(context.info_name, list(words), parent=context.parent)


@pytest.mark.parametrize("line", shown("make"))
def test_make_has_the_target_that_a_page_shows(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And `make bench` takes the ARGS."""
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    _, target, *given = shlex.split(line)
    assert target in targets
    for each in given:
        name, _, value = each.partition("=")
        assert (target, name) == ("bench", "ARGS")
        monkeypatch.setattr(sys, "argv", ["bench", *shlex.split(value)])
        bench_options()


def test_the_snippet_of_handoffs_verifies_what_we_sign() -> None:
    """It takes our signature, and raises when the body is another."""
    page = (ROOT / "docs/handoffs.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    secret, body = new_secret(), '{"type": "handoff.sales", "data": {"lead_id": "1"}}'
    names: dict[str, Any] = {"secret": secret, "body": body}
    names["headers"] = signed_headers([secret], "m1", int(time.time()), body.encode())
    exec(snippet, names)
    assert names["data"] == {"lead_id": "1"}
    names["body"] = body.replace('"1"', '"2"')
    with pytest.raises(WebhookVerificationError):
        exec(snippet, names)
