"""The table of providers in docs/sources.md is the table of providers."""

from __future__ import annotations

from pathlib import Path

from services.ingest.providers.markdown import as_markdown
from services.ingest.providers.table import PROVIDERS

PAGE = Path(__file__).parents[3] / "docs" / "sources.md"


def test_the_table_of_providers_is_up_to_date() -> None:
    """Paste what `leadscore sources kinds --markdown` prints when this fails."""
    page = PAGE.read_text("utf-8")
    shown = page.partition("<!-- providers -->\n")[2].partition("<!-- /providers -->")[0]
    assert shown.strip() == as_markdown(PROVIDERS.values())
