"""End-to-end tests know the system from outside alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OURS = {"services", "shared", "deploy"}
# What end-to-end tests may take from the rest of the tests; it is looked at, too.
BESIDE = {"tests.browser": TESTS / "browser.py"}
FILES = [*sorted((TESTS / "e2e").rglob("*.py")), *BESIDE.values()]


def imported(source: str) -> set[str]:
    """The modules that a file imports, wherever in it the import stands."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where things come from"
            found |= {node.module or ""}
            found |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return found


def strangers(source: str) -> list[str]:
    """What an end-to-end test must not import: ours, and tests that might import ours."""
    return sorted(
        name
        for name in imported(source)
        if name.partition(".")[0] in OURS
        or (
            name.startswith("tests.")
            and not any(f"{name}.".startswith(f"{each}.") for each in ("tests.e2e", *BESIDE))
        )
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_end_to_end_tests_import_nothing_of_ours(path: Path) -> None:
    """They would hold for any other implementation behind the same front doors."""
    assert strangers(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        *("import shared", "from shared.settings import Settings", "import deploy.local.state"),
        *("from services import ingest", "from tests.ingest_server import served"),
        *("def f():\n    import shared.bus", "importlib.import_module('services.cli')"),
    ],
)
def test_each_way_to_import_ours_is_seen(line: str) -> None:
    """So that the test above means something."""
    assert strangers(line) != []
