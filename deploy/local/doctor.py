"""Looks at everything a stack stands on, local or not, and says how to mend what is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from deploy.local import services
from deploy.local.claim import is_running
from deploy.local.listeners import held_by_another
from deploy.local.report import Check
from deploy.local.state import LocalState, NoStackError, find_folder, load_settings, read_state
from shared.settings import Settings

CLOCK_SKEW_LIMIT_SECONDS = 2.0
ANSWER_SECONDS = 10.0


def all_checks() -> Iterator[Check]:
    """Every check, each made when it is asked for."""
    try:
        settings = load_settings()
    except NoStackError as error:
        yield Check("settings", False, str(error))
        return
    yield Check("settings", True, _where_from())
    yield from broker_checks(settings)
    yield from database_checks(settings)
    folder = find_folder()
    if folder is not None:
        yield from process_checks(read_state(folder))


def _where_from() -> str:
    folder = find_folder()
    return f"the environment, then {folder}/local.json" if folder else "the environment"


def process_checks(state: LocalState) -> Iterator[Check]:
    """The local stack's processes, whether each service is ready, and who holds their ports."""
    if not (state.supervisor_pid and is_running(state.supervisor_pid)):
        yield Check(
            "local stack", False, "is not running", "Start it with `leadscore up --detach`."
        )
        yield from _ports_of_last_time(state)
        return
    yield Check("local stack", True, f"runs (pid {state.supervisor_pid})")
    for name in ("postgres", "kafka"):
        if name in state.ports and (name in state.pids or not _given(state, name)):
            yield _taken(state, name) or _process(state, name)
    urls = {"ingest": state.ingest_url, "console": state.api_url, "router": state.router_url}
    urls |= {f"scorer-{number}": url for number, url in enumerate(state.scorer_urls, 1)}
    for name, url in urls.items():
        yield _taken(state, name) or _service(state, name, url)


def _given(state: LocalState, name: str) -> bool:
    """Whether that server is not the stack's own."""
    address = state.kafka_bootstrap_servers if name == "kafka" else state.database_url
    return f":{state.ports.get(name)}" not in address


def _process(state: LocalState, name: str) -> Check:
    pid = state.pids.get(name, 0)
    runs = bool(pid) and is_running(pid)
    where = f"port {state.ports.get(name)}"
    return Check(
        name,
        runs,
        f"runs (pid {pid}, {where})" if runs else "has ended",
        f"Its log: {state.logs}/{name}.log. It is started again by itself.",
    )


def _service(state: LocalState, name: str, url: str) -> Check:
    why = services.away(url)
    return Check(
        name,
        not why,
        f"{why or 'ready'} at {url} (pid {state.pids.get(name, 'none')})",
        f"Its log says more: {state.logs}/{name}.log. A process that ended is started again by "
        "itself.",
    )


def _taken(state: LocalState, name: str) -> Check | None:
    """The finding that another program listens on the port of one of ours."""
    port = state.ports.get(name, 0)
    holder = held_by_another(port, frozenset({state.pids.get(name, 0)}))
    if not holder:
        return None
    return Check(
        name,
        False,
        f"its port {port} is taken by {holder}",
        f"Stop that program: {name} is then started by itself. Or `leadscore down` and "
        "`leadscore up`, which takes another port.",
    )


def _ports_of_last_time(state: LocalState) -> Iterator[Check]:
    """Those that another program has by now: the next start would have to take others."""
    left = frozenset(state.pids.values())  # of a stack whose parent was killed
    for name, port in state.ports.items():
        if name in ("kafka", "postgres") and _given(state, name):
            continue
        holder = held_by_another(port, left)
        if holder:
            yield Check(
                f"port {port}",
                False,
                f"{name}'s, is taken by {holder}",
                "Stop that program before `leadscore up`, which else takes another port: what "
                "names this one, such as a snippet in a page, would have to change.",
            )


def broker_checks(settings: Settings) -> Iterator[Check]:
    """The broker answers, and has the topics with the partitions that the settings name."""
    from aiokafka.errors import KafkaError

    address = settings.kafka_bootstrap_servers
    try:
        partitions = asyncio.run(asyncio.wait_for(_partitions(settings), ANSWER_SECONDS))
    except (KafkaError, OSError, TimeoutError) as error:
        yield Check(
            "broker",
            False,
            f"{address} does not answer ({type(error).__name__})",
            "Is it running, and is KAFKA_BOOTSTRAP_SERVERS right? Locally: `leadscore up`.",
        )
        return
    yield Check("broker", True, f"{address} answers")
    for topic in settings.topics.table(settings.event_partitions):
        found = partitions.get(topic.name, 0)
        if not found:
            yield Check(
                f"topic {topic.name}",
                False,
                "is missing",
                f"Make it with {topic.partitions} partitions, or run `leadscore up`, which does.",
            )
        else:
            yield Check(
                f"topic {topic.name}",
                found == topic.partitions,
                f"{found} partitions"
                + ("" if found == topic.partitions else f", {topic.partitions} expected"),
                "Set LEADSCORE_EVENT_PARTITIONS to what the topic has, or add partitions while "
                "nothing is sent: a key's events move when the number changes.",
            )


async def _partitions(settings: Settings) -> dict[str, int]:
    from shared.bus import admin_client

    async with admin_client(settings) as admin:
        present = set(await admin.list_topics())
        names = [topic.name for topic in settings.topics.table() if topic.name in present]
        described = await admin.describe_topics(names) if names else []
    return {each["topic"]: len(each["partitions"]) for each in described}


def database_checks(settings: Settings, now: Callable[[], float] = time.time) -> Iterator[Check]:
    """The database answers, its schema is current, a valid ruleset is live, the clocks agree.

    now: our clock, in seconds since 1970.
    """
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError

    from shared.database import NewerSchemaError, pending_migrations

    where = settings.database_url.get_secret_value().rpartition("@")[2]
    errors = (OSError, TimeoutError, asyncpg.PostgresError, SQLAlchemyError, ValueError)
    try:
        pending = pending_migrations(settings.database_url.get_secret_value())
    except errors as error:
        yield Check(
            "database",
            False,
            f"{where} can't be used ({type(error).__name__}: {error})",
            "Is it running, and is DATABASE_URL right? Locally: `leadscore up`.",
        )
        return
    except NewerSchemaError as error:
        yield Check("database", True, f"{where} answers")
        yield Check("migrations", False, str(error), "Install the newer leadscore.")
        return
    yield Check("database", True, f"{where} answers")
    yield Check(
        "migrations",
        not pending,
        "to run: " + ", ".join(pending) if pending else "all applied",
        "Run `leadscore migrate`.",
    )
    if not pending:
        yield _ruleset(settings)
    yield _clock(settings, now)


def _ruleset(settings: Settings) -> Check:
    from shared.ruleset.reading import RulesetErrors

    remedy = "Publish one: `leadscore rules publish FILE` (`leadscore up` publishes the default)."
    try:
        version = asyncio.run(_live(settings))
    except RulesetErrors as error:
        return Check("ruleset", False, f"the live one has faults: {error}", remedy)
    return Check(
        "ruleset", version is not None, f"version {version}" if version else "none", remedy
    )


async def _live(settings: Settings) -> int | None:
    from shared.database import create_engine
    from shared.ruleset import store

    engine = create_engine(settings, pool_size=1)
    try:
        async with engine.connect() as connection:
            version = await store.live_version(connection)
            if version is not None:
                await store.load(connection, version)  # raises when it is not valid
            return version
    finally:
        await engine.dispose()


def _clock(settings: Settings, now: Callable[[], float]) -> Check:
    import asyncpg

    from shared.database import dsn

    async def ask() -> float:
        connection = await asyncpg.connect(dsn(settings), timeout=ANSWER_SECONDS)
        try:
            before = now()
            theirs = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())")
            return float(theirs) - (before + now()) / 2
        finally:
            await connection.close()

    skew = asyncio.run(ask())
    return Check(
        "clock",
        abs(skew) <= CLOCK_SKEW_LIMIT_SECONDS,
        f"{skew:+.3f} s between the database's clock and ours",
        "Set both machines' clocks by NTP: timers and clock-skew correction trust them.",
    )
