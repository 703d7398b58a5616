"""How many leads each persona and segment has."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from services.console import segment_counts
from tests.integration.console.conftest import Rows


async def test_leads_are_counted_by_persona_and_segment(
    api: httpx.AsyncClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that nobody fits count 0; leads that were absorbed don't count."""
    monkeypatch.setattr(segment_counts, "LEADS_AT_ONCE", 2)
    survivor = await rows.lead(traits={"title": "chief", "size": 300})
    await rows.lead(traits={"title": "chief"})
    await rows.lead(traits={"size": 300})
    await rows.lead()
    await rows.lead(traits={"title": "chief"}, merged_into=UUID(str(survivor)))
    told = (await api.get("/v1/segments")).json()
    assert told["total"] == 4
    assert told["personas"] == [{"name": "boss", "leads": 2}, {"name": "nobody", "leads": 0}]
    assert told["segments"] == [{"name": "large", "leads": 2}]
    await rows.lead()
    again = (await api.get("/v1/segments")).json()
    assert again == told  # kept for a minute
