"""Receivers that fail, hang, lie and lead astray: nothing lost, nothing leaked, others unharmed."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
import pytest
from starlette.responses import Response

from shared.outbound import destinations, posting
from shared.outbound.addresses import RefusedAddressError
from shared.outbound.posting import Outbound
from shared.outbound.resolving import Resolver
from shared.settings import Settings
from tests.integration.router import bad_receivers as bad
from tests.integration.router.outbox_rows import ask, fact, new_lead, put, until
from tests.integration.router.receiver import Posted, receiver
from tests.integration.router.router_process import running
from tests.integration.router.test_webhooks import add, arrived, waiting

QUICK = 0.002  # 5 s between attempts become 10 ms, 5 min 0.6 s
LEADS, CHANGES = 30, 3
PUBLIC = "93.184.215.14"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is given a second and a half, the rest of an answer half a second."""
    monkeypatch.setattr(posting, "REQUEST_SECONDS", 1.5)
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.5)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names lead to, besides those of the system: may be changed at any time."""
    known: dict[str, list[str]] = {}
    real = Resolver._ask

    async def look_up(self: Resolver, host: str, port: int) -> list[str]:
        return known[host] if host in known else await real(self, host, port)

    monkeypatch.setattr(Resolver, "_ask", look_up)
    return known


@pytest.mark.usefixtures("impatient")
async def test_bad_receivers_all_together_harm_nobody(
    settings: Settings, database_url: str, names: dict[str, list[str]]
) -> None:
    """The good one has everything, in order and at once; the bad ones' messages are kept."""
    behaviours: dict[str, bad.Behaviour] = {
        "fails": bad.status("500 Oops"),
        "hangs": bad.hang,
        "endless": bad.endless,
        "unfinished": bad.unfinished,
        "shorter": bad.shorter,
        "nonsense": bad.nonsense,
        "busy": bad.status("429 Busy", "retry-after: 3600"),
        "gone": bad.status("410 Gone"),
    }
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(receiver())
        inside = await stack.enter_async_context(receiver())
        behaviours["redirects"] = bad.status("307 There", f"location: {inside.url}")
        heads: dict[str, list[bytes]] = {}
        for name, behaviour in behaviours.items():
            url, heads[name] = await stack.enter_async_context(bad.misbehaving(behaviour))
            await add(database_url, name, url)
        names["changing.example"] = [PUBLIC]
        changing = f"https://changing.example:{inside.port}/hook"
        await add(database_url, "changes", changing, allow_private=False)
        names["changing.example"] = ["127.0.0.1"]
        good.secret = await add(database_url, "good", good.url)

        leads = [new_lead() for _ in range(LEADS)]
        changes = [fact(lead, seq) for seq in range(1, CHANGES + 1) for lead in leads]
        async with running(settings, webhook_retry_scale=QUICK):
            await put(database_url, changes)
            await arrived(good, LEADS * CHANGES)
            # Nothing that hangs or fails was waited for: theirs are all there yet.
            behind = {name: await waiting(database_url, name) for name in ("fails", "hangs")}

            async def all_tried() -> bool:
                return not await untried(database_url)

            await until(all_tried, "each destination has been tried")
            for name in ("endless", "unfinished", "shorter"):

                async def taken(name: str = name) -> bool:
                    return await waiting(database_url, name, "delivered") == LEADS * CHANGES

                await until(taken, f"what {name} answered with 200 is delivered")
        answers = await told(database_url)
        assert set(behind.values()) == {LEADS * CHANGES}
        assert good.faults == []
        assert len({each.id for each in good.posted}) == LEADS * CHANGES
        assert inside.posted == []
        for name in ("fails", "hangs", "nonsense", "busy", "redirects", "changes"):
            count = await waiting(database_url, name)
            assert count == LEADS * CHANGES, f"{name}: {count}"
        assert answers["fails"] == {"HTTP 500"}
        assert answers["hangs"] == {"no answer within 2 s"}
        assert answers["redirects"] == {"HTTP 307"}
        assert answers["changes"] == {"refused: the address is loopback"}
        assert answers["gone"] == {"HTTP 410"}
        everything = " ".join(each for found in answers.values() for each in found)
        for secret in ("we-hold-leads", "of-the-query", "whsec_", "token"):
            assert secret not in everything
        why = await ask(database_url, "SELECT disabled_why FROM destination WHERE name = 'gone'")
        assert why == "it answered 410 Gone"


async def test_a_receiver_that_heals_gets_all_it_missed_in_order(
    settings: Settings, database_url: str
) -> None:
    """Its circuit opens, is probed, and closes; no message has failed meanwhile."""
    async with receiver() as to:
        healed = asyncio.Event()

        def answer(_posted: Posted) -> Response:
            return Response(status_code=200 if healed.is_set() else 503)

        to.answer = answer
        await add(database_url, "crm", to.url)
        leads = [new_lead() for _ in range(LEADS)]
        await put(
            database_url, [fact(lead, seq) for seq in range(1, CHANGES + 1) for lead in leads]
        )
        async with running(settings, webhook_retry_scale=QUICK):

            async def probed() -> bool:
                found = await ask(database_url, "SELECT openings FROM destination")
                return bool(found and found >= 3)

            await until(probed, "the circuit was open, and probed in vain")
            most = await ask(database_url, "SELECT max(spent) FROM delivery")
            before = len(to.posted)
            healed.set()

            async def all_there() -> bool:
                return await waiting(database_url, "crm", "delivered") == LEADS * CHANGES

            await until(all_there, "all is delivered in the end")
        row = await ask(
            database_url, "SELECT (failures, openings, open_until)::text FROM destination"
        )
    assert row == "(0,0,)"
    assert most <= 2, "attempts were used up while the circuit was open"
    assert before < LEADS + 20, "an open circuit was knocked at like a closed one"
    for lead in leads:
        taken = [e.body["data"]["sequence"] for e in to.posted[before:]
                 if e.body["data"]["lead_id"] == lead]  # fmt: skip
        assert taken == sorted(taken)


async def test_retry_after_is_waited_for(settings: Settings, database_url: str) -> None:
    """A busy receiver says when; its first message isn't sent before, and others' are."""
    async with receiver() as to, receiver() as other:
        at: list[float] = []

        def answer(_posted: Posted) -> Response:
            at.append(time.monotonic())
            return Response(
                status_code=429 if len(at) == 1 else 200, headers={"retry-after": "1000"}
            )

        to.answer = answer
        await add(database_url, "busy", to.url)
        await add(database_url, "other", other.url)
        await put(database_url, [fact(new_lead(), 1)])
        async with running(settings, webhook_retry_scale=QUICK):
            await arrived(other, 1)

            async def twice() -> bool:
                return len(at) == 2

            await until(twice, "it is sent again")
    assert at[1] - at[0] >= 2.0  # 1,000 s at this scale


async def test_the_address_checked_is_the_one_connected_to() -> None:
    """A name that leads elsewhere each time it is asked is asked once for a connection."""
    asked: list[str] = []

    async with receiver() as to:

        async def turning(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

        outbound = Outbound(Resolver(turning))
        try:
            url = f"http://turning.example:{to.port}/hook"
            headers = {"webhook-id": "1", "webhook-timestamp": "1"}
            answer = await outbound.post(url, True, headers, b"{}")
        finally:
            await outbound.close()
    assert (answer.ok, asked) == (True, ["turning.example"])
    assert to.posted[0].host == f"turning.example:{to.port}"


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    """Nobody hides a private address behind a public one."""

    async def mixed(_host: str, _port: int) -> list[str]:
        return [PUBLIC, "10.0.0.7"]

    resolver = Resolver(mixed)
    with pytest.raises(RefusedAddressError):
        await resolver.resolve("mixed.example", 443, False)
    resolver.close()


async def test_a_name_server_that_hangs_holds_up_its_name_alone() -> None:
    """Of many who ask for it one lookup is made; others get their answers."""
    lookups: list[str] = []

    async def slow(host: str, _port: int) -> list[str]:
        lookups.append(host)
        if host == "slow.example":
            await asyncio.sleep(3600)
        return [PUBLIC]

    resolver = Resolver(slow)
    hanging = [asyncio.create_task(resolver.resolve("slow.example", 443, False)) for _ in range(50)]
    async with asyncio.timeout(5):
        assert await resolver.resolve("quick.example", 443, False) == [PUBLIC]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    resolver.close()
    assert sorted(lookups) == ["quick.example", "slow.example"]


async def untried(database_url: str) -> list[str]:
    """Destinations for which no attempt is noted."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        found = await told(database_url)
        return [each.name for each in await destinations.listed(pool) if each.name not in found]


async def told(database_url: str) -> dict[str, set[str]]:
    """All answers in the log, by destination."""
    found: dict[str, set[str]] = {}
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        for row in await pool.fetch(
            "SELECT t.name, a.answer FROM delivery_attempt a"
            " JOIN delivery d ON d.id = a.delivery_id JOIN destination t ON t.id = d.destination_id"
        ):
            found.setdefault(row["name"], set()).add(row["answer"])
    return found


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "localhost"],
)
async def test_an_address_is_refused_however_it_is_written(host: str) -> None:
    """Whether somebody looks the name up or it is an address already, nobody is connected to."""
    connected: list[str] = []

    async def noted(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append("")
        writer.close()

    async with await asyncio.start_server(noted, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outbound = Outbound()
        try:
            answer = await outbound.post(f"https://{host}:{port}/hook", False, {}, b"{}")
        finally:
            await outbound.close()
    assert answer.status is None
    assert answer.why.startswith("refused: "), answer.why
    assert not connected


async def test_a_name_in_other_letters_is_looked_up_in_ascii() -> None:
    """As its owner has registered it."""
    asked: list[str] = []

    async def noted(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiver() as to:
        outbound = Outbound(Resolver(noted))
        try:
            answer = await outbound.post(f"http://bücher.example:{to.port}/hook", True, {}, b"{}")
        finally:
            await outbound.close()
    assert (answer.status, asked) == (204, ["xn--bcher-kva.example"])
