"""Nothing is kept of people that docs/privacy.md doesn't name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.router import messages
from shared.envelope import Event
from shared.tables import metadata

PAGE = (Path(__file__).parents[3] / "docs/privacy.md").read_text()
_NAMES = re.compile(r"`([\w]+)`")


def told(heading: str, first: int) -> dict[str, list[str]]:
    """The names in three cells of each row of a section's table, from the cell `first` on: those
    that are personal, that refer to a person, and neither. By the name in the row's first cell.
    """
    section = PAGE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {
        name: _NAMES.findall(" ".join(re.sub(r"\([^)]*\)", "", cell) for cell in row[first:][:3]))
        for row in rows
        for name in _NAMES.findall(row[0])
    }


def published() -> Iterator[tuple[str, list[str]]]:
    """The messages that are about one lead: name and fields."""
    for name, model in vars(messages).items():
        fields = getattr(model, "model_fields", {}) if isinstance(model, type) else {}
        if "lead_id" in fields and not name.startswith("_"):
            yield name, list(fields)


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_column_is_listed_once_as_personal_or_not(table: str) -> None:
    """A new column wants a thought: is it somebody's?"""
    assert sorted(told("Postgres", 1).get(table, [])) == sorted(metadata.tables[table].c.keys())


def test_no_table_is_listed_that_isnt_there() -> None:
    """The page grows old from both ends."""
    assert told("Postgres", 1).keys() == metadata.tables.keys()


def test_every_field_on_a_topic_is_listed_once() -> None:
    """The envelope, and each message that the router publishes."""
    fields = {"Event": list(Event.__struct_fields__), **dict(published())}
    assert {name: sorted(names) for name, names in told("Kafka", 2).items()} == {
        name: sorted(names) for name, names in fields.items()
    }
