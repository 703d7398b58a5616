"""Likely duplicates: found in a real database, listed, dismissed, accepted over Kafka."""

from __future__ import annotations

from typing import Any

from services.console.duplicates.finding import Finder
from shared.database import create_engine
from shared.envelope import Event, Identifiers, instant
from tests.integration.console.test_merging_by_hand import merged_into
from tests.integration.console.test_stage_by_hand import Desk, desk, now_ms, until

__all__ = ["desk"]  # the fixture


async def known(desk: Desk, email: str, **traits: Any) -> str:
    """A lead with traits."""
    lead_id = await desk.lead(email=email)
    at = instant(now_ms())
    await desk.sender.send(
        Event(
            id=f"traits-{email}-{at}", source="web", type="lead_identified",
            occurred_at=at, received_at=at, identifiers=Identifiers(email=email), traits=traits,
        )
    )  # fmt: skip

    async def there() -> bool:
        lead = (await desk.api.get(f"/v1/leads/{lead_id}")).json()
        return bool(traits.items() <= lead["traits"].items())

    await until(there)
    return lead_id


async def found(desk: Desk, status: str = "open") -> list[tuple[list[str], list[str]]]:
    """(the two, signals) as listed."""
    page = await desk.api.get("/v1/duplicates", params={"status": status})
    return [
        ([pair["lead_a"], pair["lead_b"]], [reason["signal"] for reason in pair["reasons"]])
        for pair in page.json()["items"]
    ]


async def test_pairs_are_found_dismissed_for_good_and_accepted(desk: Desk) -> None:
    """A dismissed pair comes back only when something new speaks for it; an accepted one is merged
    and gone.
    """
    one = await known(desk, "ada@acme.example", name="Ada Lovelace", company="Acme Ltd")
    two = await known(desk, "lovelace@home.example", name="Ada Lovelace", company="ACME")
    await known(desk, "bob@acme.example", name="Bob Byron", company="Acme Ltd")
    engine = create_engine(desk.settings)
    finder = Finder(engine)
    assert len((await finder.find(keep=False)).pairs) == 1
    assert await found(desk) == []
    await finder.find()
    pair = ([one, two], ["name_same", "company_same"])
    assert await found(desk) == [pair]
    dismissed = await desk.api.post(f"/v1/duplicates/{two}/{one}/dismiss", json={"actor": "kim"})
    assert (dismissed.status_code, dismissed.json()["decided_by"]) == (200, "kim")
    await finder.find()
    assert (await found(desk), await found(desk, "dismissed")) == ([], [pair])
    for email in ("ada@acme.example", "lovelace@home.example"):
        await known(desk, email, phone="0151 1234 5678")
    await finder.find()
    assert await found(desk) == [([one, two], ["phone", "name_same", "company_same"])]
    accepted = await desk.api.post(f"/v1/duplicates/{one}/{two}/accept", json={"actor": "kim"})
    assert accepted.status_code == 202

    async def is_merged() -> bool:
        return bool(await merged_into(desk, two) == one)

    await until(is_merged)
    await finder.find()
    assert await found(desk) == []
    missing = await desk.api.post(f"/v1/duplicates/{one}/{one}/dismiss", json={})
    assert missing.status_code == 404
    await engine.dispose()
