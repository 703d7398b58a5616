"""The JSON Schema for editors: valid, committed as it is made, with words for every key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.ruleset.schema import DIALECT, ruleset_schema, schema_text
from shared.ruleset.yaml_tree import read_tree

COMMITTED = Path(__file__).parents[4] / "docs" / "ruleset.schema.json"
SCHEMA = ruleset_schema()
JUDGE = jsonschema.Draft202012Validator(SCHEMA)
START = "stages: {ladder: [{name: inform}]}\nmodels:\n  engagement:\n"
RULE = "    rules: [{id: a, on: page_viewed, points: 1%s}]\n"


def refused(text: str) -> list[str]:
    return [error.message for error in JUDGE.iter_errors(read_tree(START + text).value)]


def test_it_is_a_schema_of_draft_2020_12() -> None:
    """By the meta-schema itself."""
    assert SCHEMA["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_committed_one_is_the_one_that_is_made() -> None:
    """Mend with: leadscore rules schema --out docs/ruleset.schema.json."""
    assert COMMITTED.read_text(encoding="utf-8") == schema_text()


def test_every_key_has_words() -> None:
    """An editor shows them beside the key."""
    parts: dict[str, Any] = {"RulesetDocument": SCHEMA, **SCHEMA["$defs"]}
    wordless = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, value in part.get("properties", {}).items()
        if not value.get("description")
    ]
    assert wordless == []
    assert [name for name, part in parts.items() if not part.get("title")] == []


@pytest.mark.parametrize(
    "written",
    [
        ", limit: once",
        ", limit: {times: 3, per: day}",
        ", decay: none",
        ", decay: {half_life: 2w}",
        ", tags: [mail, web]",
        ", tags: mail",
        ", valid: {from: 2026-01-01}",
        ", when: {field: type, in: [a, b]}",
        ", when: {count: {on: page_viewed, within: 7d, at_least: 3}}",
    ],
)
def test_every_way_of_writing_is_accepted(written: str) -> None:
    """Short forms, too: what the reader turns into something else is shown as it is written."""
    assert refused(RULE % written) == []


@pytest.mark.parametrize(
    "written",
    [
        ", limit: twice",
        ", decay: {half_life: 30}",
        ", decay: {half_live: 30d}",
        ", on_: x",
        ", when: {field: type, eq: [a]}",
        ", effort: 9",
    ],
)
def test_what_can_not_stand_there_is_refused(written: str) -> None:
    """While it is typed."""
    assert refused(RULE % written) != []


def test_it_reads_the_same_every_time() -> None:
    """Two makings are one text, so that the committed file changes only with the document."""
    assert schema_text() == schema_text()
    assert json.loads(schema_text()) == SCHEMA
