"""The pages name what there is: paths, links, settings, metrics."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase
from pydantic_core import PydanticUndefined

from shared.settings import Settings
from shared.topics import Topics

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = (ROOT / "docs/operations.md").read_text()

_PATH = re.compile(r"`((?:services|shared|deploy|tests|docs)/[\w./-]+)`")
# `services/x.py` (`name`, `other`): names that stand in that file.
_NAMES_IN = re.compile(r"`((?:services|shared|deploy)/[\w./-]+\.py)` \((`[\w.]+`(?:, `[\w.]+`)*)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_METRIC_ROW = re.compile(r"^\| `(leadscore_\w+)` \| (\w+) \| ([^|]*)\|", re.MULTILINE)
_SETTING_ROW = re.compile(r"^\| `LEADSCORE_(\w+)` \| ([^|]+?) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
_TOPIC_ROW = re.compile(r"^\| `([a-z-]+)` \| (\d+) \| (\d+) days \|", re.MULTILINE)

# Every page, by its path from the root.
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(text)
    }


@by_page
def test_paths_that_a_page_names_exist(page: Path) -> None:
    """A file that is renamed or removed is renamed or removed in the pages, too."""
    missing = [name for name in _PATH.findall(page.read_text()) if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["flow.md", "promises.md"])
def test_the_pages_about_code_name_files(name: str) -> None:
    """The two pages that lead through the code are found to name it."""
    assert len(_PATH.findall((ROOT / "docs" / name).read_text())) > 30


@by_page
def test_names_stand_in_the_files_that_a_page_puts_them_in(page: Path) -> None:
    """`services/x.py` (`name`): the name is there."""
    missing = [
        f"{path}: {name}"
        for path, names in _NAMES_IN.findall(page.read_text())
        for name in re.findall(r"`([\w.]+)`", names)
        if not re.search(rf"\b{name.rpartition('.')[2]}\b", (ROOT / path).read_text())
    ]
    assert missing == []


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is to a file that exists, and to a heading that it has."""
    broken = []
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    """docs/README.md names each page, docs/decisions/README.md each record."""
    for folder in (ROOT / "docs", ROOT / "docs/decisions"):
        index = (folder / "README.md").read_text()
        pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
        assert {name for name in pages if f"({name})" not in index} == set()


def test_the_settings_table_is_the_settings() -> None:
    """Each setting has its row, with its default, and nothing else has one."""
    told = {name.lower(): default for name, default in _SETTING_ROW.findall(OPERATIONS)}
    assert told == {
        name: _shown(field.get_default(call_default_factory=False))
        for name, field in Settings.model_fields.items()
    }


def _shown(default: object) -> str:
    if default is PydanticUndefined:
        return "needed"
    value = default.get_secret_value() if hasattr(default, "get_secret_value") else default
    return f"`{value}`" if value != "" else '`""`'


def test_the_topics_table_is_the_topics() -> None:
    """Names, partitions and retention are those in force."""
    assert [
        (name, int(partitions), int(days) * 86_400_000)
        for name, partitions, days in _TOPIC_ROW.findall(OPERATIONS)
    ] == [
        (topic.name, topic.partitions, int(topic.config["retention.ms"]))
        for topic in Topics().table()
    ]


def test_the_metrics_table_is_the_metrics() -> None:
    """Names as Prometheus shows them, kinds and labels are those that the code defines."""
    told = {
        name: (kind, re.findall(r"`(\w+)`", labels))
        for name, kind, labels in _METRIC_ROW.findall(OPERATIONS)
    }
    assert told == dict(_metrics())


def _metrics() -> list[tuple[str, tuple[str, list[str]]]]:
    """(name, (kind, labels)) of every metric in the modules that use prometheus_client."""
    found = []
    for folder in ("services", "shared", "deploy"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "prometheus_client" not in path.read_text():
                continue
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for metric in vars(module).values():
                if isinstance(metric, MetricWrapperBase):
                    [family] = metric.describe()
                    name = family.name + ("_total" if family.type == "counter" else "")
                    found.append((name, (family.type, list(metric._labelnames))))
    return found
