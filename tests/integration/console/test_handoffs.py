"""What sales does with hand-offs, from the API to the scorer and back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from shared.database import create_engine
from shared.handoff_links import Answer, links_of, write_link
from shared.ruleset.store import publish
from shared.settings import Settings
from shared.tables import lead
from tests.integration.console.sales_desk import RULES, SECRET, SalesDesk, sales_desk, until
from tests.integration.router.outbox_rows import read_topic
from tests.processes import environment


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[SalesDesk]:
    async with sales_desk(settings) as made:
        yield made


async def test_a_rejection_recycles_the_lead_and_a_second_hand_off_is_a_new_episode(
    desk: SalesDesk,
) -> None:
    """Handed over with an owner and a time to answer; turned down with a reason; back when it asks
    for a demo, to the same owner.
    """
    await desk.does("sarah@example.com")
    (first,) = await desk.handed()
    assert (first["status"], first["stage"], first["episode"]) == ("open", "hot", 1)
    assert (first["owner"], first["bands"]) == ("ann", {"interest": "hot"})
    assert first["rules"] == ["interest/visit"]
    assert first["due_at"] is not None
    refused = await desk.acts(first["id"], "reject", reason="no such reason")
    assert (refused.status_code, refused.json()["error"]["path"]) == (400, "body.reason")
    answer = await desk.acts(first["id"], "reject", reason="not_now", note="call in May")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "rejected"
    await desk.stage(first["lead_id"], "recycled")
    again = await desk.acts(first["id"], "reject", reason="not_now")
    assert [act["note"] for act in again.json()["acts"]] == ["call in May"]
    late = await desk.acts(first["id"], "accept")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "handoff_state")

    await desk.does("sarah@example.com")
    await desk.does("sarah@example.com", "demo_requested")
    second, _ = await desk.handed(2)
    assert (second["status"], second["episode"], second["owner"]) == ("open", 2, "ann")
    assert second["id"] != first["id"]
    won = await desk.acts(second["id"], "won", amount=1200.5, currency="EUR", actor="ann")
    assert (won.json()["status"], won.json()["amount"]) == ("won", 1200.5)

    async def told() -> bool:
        path = f"/v1/leads/{first['lead_id']}/timeline"
        items = (await desk.api.get(path)).json()["items"]
        done = {each["type"] for each in items if each["source"] == "operator"}
        return done == {"deal_won", "sales_rejected"}

    await until(told)


async def test_a_lead_that_is_recycled_is_left_alone_until_its_date(desk: SalesDesk) -> None:
    """Whatever it does meanwhile: its stage is locked until then."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    missing = await desk.acts(handed["id"], "recycle")
    assert missing.json()["error"]["path"] == "body.until"
    until_then = f"{time.gmtime().tm_year + 1}-06-01T00:00:00Z"
    answer = await desk.acts(handed["id"], "recycle", until=until_then)
    assert answer.json()["status"] == "recycled", answer.text
    await desk.stage(handed["lead_id"], "recycled")

    async def locked() -> bool:
        lead = (await desk.api.get(f"/v1/leads/{handed['lead_id']}")).json()
        return bool(lead["journeys"]["main"]["until"] == until_then.replace("Z", ".000Z"))

    await until(locked)


async def test_a_link_acts_once_and_only_by_its_button(desk: SalesDesk) -> None:
    """Scanners follow links: nothing happens by that. A cut-off, an altered and an old link say so;
    one that was used is used.
    """
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    key = desk.settings.hash_key.get_secret_value().encode()
    links = links_of(UUID(handed["id"]), key, "http://api", int(time.time()))
    for _ in range(3):
        page = await desk.public.get(links["reject"])
        assert (page.status_code, "not now" in page.text) == (200, True)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
        assert (await desk.public.head(links["accept"])).status_code == 200
    assert (await desk.handoffs())[0]["status"] == "open"
    for bad in (links["accept"][:-2], links["accept"].replace("/h/", "/h/A")):
        assert (await desk.public.post(bad)).status_code == 410
    old = write_link(Answer(UUID(handed["id"]), "accept", int(time.time()) - 1), key)
    assert (await desk.public.post(f"/h/{old}")).status_code == 410
    snoozed = await desk.public.post(links["snooze"], data={"days": "3"})
    assert snoozed.status_code == 200
    assert (await desk.handoffs())[0]["status"] == "snoozed"
    done = await desk.public.post(links["reject"], data={"reason": "wrong", "note": "<b>no</b>"})
    assert (done.status_code, "Thank you" in done.text) == (200, True)
    detail = (await desk.api.get(f"/v1/handoffs/{handed['id']}")).json()
    assert [(act["act"], act["via"]) for act in detail["acts"]] == [
        ("snooze", "link"), ("reject", "link"),
    ]  # fmt: skip
    assert (await desk.public.post(links["reject"], data={"reason": "wrong"})).status_code == 409
    assert "rejected by now" in (await desk.public.get(links["accept"])).text


async def test_a_deal_is_told_by_links(desk: SalesDesk) -> None:
    """What can't be read is told, and uses no link up; an amount needs its currency."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    key = desk.settings.hash_key.get_secret_value().encode()
    links = links_of(UUID(handed["id"]), key, "http://api", int(time.time()))
    assert (await desk.public.post(links["accept"])).status_code == 200
    page = await desk.public.get(links["won"])
    assert 'name="amount"' in page.text
    for wrong in (
        {"amount": "much"}, {"amount": "nan", "currency": "EUR"}, {"amount": "-1"},
        {"amount": "5"}, {"amount": "5", "currency": "€€€"},
    ):  # fmt: skip
        assert (await desk.public.post(links["won"], data=wrong)).status_code == 400, wrong
    done = await desk.public.post(links["won"], data={"amount": "1200.50", "currency": "eur"})
    assert done.status_code == 200, done.text
    detail = (await desk.api.get(f"/v1/handoffs/{handed['id']}")).json()
    assert (detail["status"], detail["amount"], detail["currency"]) == ("won", 1200.5, "EUR")
    assert "won by now" in (await desk.public.get(links["lost"])).text


async def test_a_lead_is_recycled_by_link_until_a_day(desk: SalesDesk) -> None:
    """One that lies ahead."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    key = desk.settings.hash_key.get_secret_value().encode()
    links = links_of(UUID(handed["id"]), key, "http://api", int(time.time()))
    assert 'type="date"' in (await desk.public.get(links["recycle"])).text
    for wrong in ("", "soon", "2001-01-01"):
        answer = await desk.public.post(links["recycle"], data={"until": wrong})
        assert answer.status_code == 400, wrong
    day = f"{time.gmtime().tm_year + 1}-06-01"
    done = await desk.public.post(links["recycle"], data={"until": day, "note": "after the summer"})
    assert done.status_code == 200, done.text
    detail = (await desk.api.get(f"/v1/handoffs/{handed['id']}")).json()
    assert (detail["status"], detail["until"]) == ("recycled", f"{day}T00:00:00.000Z")


def signed(body: str, secret: str, name: str, at: int) -> dict[str, str]:
    signature = Webhook(secret).sign(name, datetime.fromtimestamp(at, UTC), body)
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature}


async def test_a_webhook_that_comes_again_later_changes_nothing(desk: SalesDesk) -> None:
    """Neither does an old one, nor one whose signature was cut off."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    until_then = f"{time.gmtime().tm_year + 1}-01-01T00:00:00Z"
    snooze = json.dumps({"handoff_id": handed["id"], "act": "snooze", "until": until_then})
    lost = json.dumps({"handoff_id": handed["id"], "act": "lost", "reason": "wrong"})

    async def post(body: str, name: str, at: int, cut: int | None = None) -> tuple[int, str]:
        headers = signed(body, SECRET, name, at)
        headers["webhook-signature"] = headers["webhook-signature"][:cut]
        answer = await desk.public.post("/v1/hooks/sales", content=body, headers=headers)
        return answer.status_code, answer.json().get("status", "")

    now = int(time.time())
    assert (await post(snooze, "msg_1", now - 3_600))[0] == 401
    assert (await post(snooze, "msg_1", now, 20))[0] == 401
    assert await post(snooze, "msg_1", now) == (200, "snoozed")
    assert await post(lost, "msg_2", now) == (200, "lost")
    assert await post(snooze, "msg_1", now) == (200, "lost")
    assert await post(lost, "msg_2", now) == (200, "lost")
    detail = (await desk.api.get(f"/v1/handoffs/{handed['id']}")).json()
    assert [act["act"] for act in detail["acts"]] == ["snooze", "lost"]


async def test_the_same_with_other_words_is_not_the_same(desk: SalesDesk) -> None:
    """A snooze is moved; what has ended isn't said again otherwise."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()
    year = time.gmtime().tm_year + 1
    for month in ("01", "02", "02"):
        answer = await desk.acts(handed["id"], "snooze", until=f"{year}-{month}-01T00:00:00Z")
        assert answer.json()["until"].startswith(f"{year}-{month}-01"), answer.text
    assert len(answer.json()["acts"]) == 2
    assert (await desk.acts(handed["id"], "won")).status_code == 200
    assert (await desk.acts(handed["id"], "won")).status_code == 200
    late = await desk.acts(handed["id"], "won", amount=12_000, currency="EUR")
    assert late.json()["error"]["code"] == "handoff_state"


async def test_nobody_is_recycled_where_there_is_nowhere_to_wait(settings: Settings) -> None:
    """Rather than be handed over again at once."""
    bare = RULES.replace("name: recycled", "name: turned-down")
    async with sales_desk(settings, bare) as desk:
        await desk.does("sarah@example.com")
        (handed,) = await desk.handed()
        until_then = f"{time.gmtime().tm_year + 1}-06-01T00:00:00Z"
        answer = await desk.acts(handed["id"], "recycle", until=until_then)
        assert answer.json()["error"]["code"] == "nowhere_to_wait"
        assert (await desk.handoffs())[0]["status"] == "open"


async def test_answers_come_by_webhook_if_they_are_signed(desk: SalesDesk) -> None:
    """Without our token, but with our secret; the same twice changes nothing."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()

    async def post(body: str, secret: str = SECRET, name: str = "msg_1") -> httpx.Response:
        headers = signed(body, secret, name, int(time.time()))
        return await desk.public.post("/v1/hooks/sales", content=body, headers=headers)

    body = json.dumps({"handoff_id": handed["id"], "act": "accept", "actor": "crm"})
    other = "whsec_b3RoZXIgc2VjcmV0IG9mIHNvbWVib2R5"
    assert (await post(body, other)).status_code == 401
    assert (await desk.public.post("/v1/hooks/sales", content=body)).status_code == 401
    assert (await post('{"act": "accept"}')).json()["error"]["path"] == "body.handoff_id"
    assert (await post("{" + " " * 20_000)).status_code == 413
    unknown = json.dumps({"handoff_id": str(uuid4()), "act": "accept"})
    assert (await post(unknown)).status_code == 404
    released = json.dumps({"handoff_id": handed["id"], "act": "release"})
    assert (await post(released)).status_code == 400
    for _ in range(2):
        answer = await post(body)
        assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert len(answer.json()["acts"]) == 1


async def test_the_command_shows_answers_and_dry_runs(desk: SalesDesk) -> None:
    """`leadscore handoffs …`."""
    await desk.does("sarah@example.com")
    (handed,) = await desk.handed()

    async def command(*words: str) -> tuple[int, str]:
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services.cli", "handoffs", *words],
            env=environment(desk.settings),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ran.returncode, ran.stdout + ran.stderr

    code, text = await command("list", "--status", "open")
    assert (code, handed["id"] in text, "ann" in text) == (0, True, True)
    assert "nothing is changed" in (await command("accept", handed["id"], "--dry-run"))[1]
    assert (await desk.handoffs())[0]["status"] == "open"
    code, text = await command("reject", handed["id"])
    assert (code, "not_now, wrong" in text) == (1, True)
    code, text = await command("accept", handed["id"], "--actor", "kim")
    assert (code, text.strip().endswith("is accepted")) == (0, True)
    assert '"actor": "kim"' in (await command("show", handed["id"]))[1]


async def test_what_a_recalculation_withholds_is_listed_and_released_or_dropped(
    settings: Settings,
) -> None:
    """A new version would hand two leads over: nobody is told until a person says so; then once."""
    mild = RULES.replace("enter: {interest: 10}, leave: {interest: 5}", "enter: {interest: 500}")
    async with sales_desk(settings, mild) as desk:
        for email in ("sarah@example.com", "tom@example.com"):
            await desk.does(email)

        async def both() -> bool:
            return len((await desk.api.get("/v1/leads")).json()["items"]) == 2

        await until(both)
        engine = create_engine(settings)
        async with engine.begin() as connection:
            await publish(connection, RULES)
        await engine.dispose()
        one, other = await desk.handed(2, status="withheld")
        assert one["possible"] == ["release", "drop"]
        dropped = await desk.acts(one["id"], "drop", note="no")
        assert dropped.json()["status"] == "dropped"
        assert (await desk.acts(one["id"], "release")).status_code == 409
        assert (await desk.acts(other["id"], "release")).status_code == 200
        again = await desk.acts(other["id"], "release")
        assert again.status_code in {200, 409}
        (sent,) = await desk.handed(1, status="open")
        assert (sent["id"], sent["owner"]) == (other["id"], "ann")
        packets = await read_topic(settings, settings.topics.handoff_sales)
        assert [record.key.decode() for record in packets] == [other["lead_id"]]


async def test_a_lead_that_a_row_handed_over_is_recycled_on_its_journey(settings: Settings) -> None:
    """The row's own ladder has nowhere to wait; people know the lead's."""
    row = "handoffs: [{id: hot, band: {model: interest, name: hot}, do: {handoff: sales}}]\n"
    async with sales_desk(settings, RULES.replace(", handoff: sales}", "}") + row) as desk:
        await desk.does("sarah@example.com")
        (handed,) = await desk.handed()
        assert handed["journey"] == "band:hot"
        until_then = f"{time.gmtime().tm_year + 1}-06-01T00:00:00Z"
        answer = await desk.acts(handed["id"], "recycle", until=until_then)
        assert answer.json()["status"] == "recycled", answer.text
        await desk.stage(handed["lead_id"], "recycled")


async def test_what_was_withheld_of_a_lead_that_was_merged_since_can_be_released(
    settings: Settings,
) -> None:
    """Sales gets the person, under the id that it was withheld for."""
    mild = RULES.replace("enter: {interest: 10}, leave: {interest: 5}", "enter: {interest: 500}")
    async with sales_desk(settings, mild) as desk:
        for email in ("sarah@example.com", "tom@example.com"):
            await desk.does(email)

        async def both() -> bool:
            return len((await desk.api.get("/v1/leads")).json()["items"]) == 2

        await until(both)
        engine = create_engine(settings)
        async with engine.begin() as connection:
            await publish(connection, RULES)
        await desk.handed(2, status="withheld")
        one, other = [each["lead_id"] for each in await desk.handoffs(status="withheld")]
        asked = {"with": other, "actor": "kim"}
        answer = await desk.api.post(f"/v1/leads/{one}/merge", json=asked)
        assert answer.status_code == 202, answer.text

        async def merged() -> Any:
            async with engine.connect() as connection:
                query = sa.select(lead.c.id).where(lead.c.merged_into.is_not(None))
                return (await connection.execute(query)).scalar()

        absorbed = str(await until(merged))
        withheld = {each["lead_id"]: each["id"] for each in await desk.handoffs(status="withheld")}
        answer = await desk.acts(withheld[absorbed], "release")
        assert answer.status_code == 200, answer.text
        (sent,) = await desk.handed(1, status="open")
        assert sent["id"] == withheld[absorbed]
        (packet,) = await read_topic(settings, settings.topics.handoff_sales)
        told = json.loads(packet.value)
        assert told["lead_id"] == absorbed
        assert set(told["who"]["emails"]) == {"sarah@example.com", "tom@example.com"}
        await engine.dispose()
