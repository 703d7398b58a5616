"""The whole system on one machine: start it, keep it running, stop it in order."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from deploy.local import jars, ports, postgres, services
from deploy.local.claim import TakenError, claimed
from deploy.local.process import Child, ChildEndedError, Watchdog
from deploy.local.ruleset import publish_default
from deploy.local.servers import ServerPorts, prepare_kafka, wait_until
from deploy.local.state import load_settings, read_state, write_state
from deploy.local.steps import Steps
from deploy.local.summary import print_summary
from deploy.local.supervisor import Supervisor
from shared.bus import ensure_topics
from shared.database import migrate, pending_migrations
from shared.errors import TryAgainError
from shared.ruleset.reading import RulesetErrors
from shared.settings import Settings

STOP_ORDER = ("ingest", "console", "router", "scorer", "kafka", "postgres")
DEFAULT_PORTS = {"kafka": 9092, "controller": 9093, "postgres": 5432}
SERVICE_READY_SECONDS = 60.0
KEPT_WHEN_FRESH = ("local.json", "lock", ".gitignore", "logs")
TOPICS_TRY_SECONDS = 20.0
_REASONS = (
    *(ChildEndedError, TakenError, jars.JarsMissingError, TryAgainError, RulesetErrors),
    *(SQLAlchemyError, asyncpg.PostgresError, TimeoutError, RuntimeError, OSError),
)


class CannotStartError(Exception):
    """The stack can't start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    scorers: int
    fresh: bool = False


def run(folder: Path, wish: Wish, steps: Steps) -> None:
    """Start everything in `folder`, print how to use it, and stay until SIGINT or SIGTERM.

    Raises CannotStartError, with everything stopped again.
    """
    began = time.monotonic()
    folder.mkdir(mode=0o711, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with claimed(folder, steps.say) as lock:
            if wish.fresh:
                empty(folder)
            close_to_others(folder)
            stack = _Stack(folder, steps, Watchdog((lock,)))
            try:
                stack.start(wish)
                print_summary(steps.console, stack.state, folder, time.monotonic() - began)
                stack.keep()
            finally:
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                steps.say("stopping")
                stack.stop()
    except KeyboardInterrupt:
        steps.say(f"stopped; the data stays in {folder}")
    except _REASONS as error:
        raise CannotStartError(f"{error}\n`leadscore doctor` looks at everything.") from error


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def empty(folder: Path) -> None:
    """Forget all data; keys and ports stay, so that snippets go on working."""
    for each in folder.iterdir():
        if each.name in KEPT_WHEN_FRESH:
            continue
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()


def close_to_others(folder: Path) -> None:
    """Logs, where `up --detach` writes the keys, and Kafka's data are for their owner alone. (The
    folder itself must let Postgres's user through; its data shuts others out by itself.)
    """
    for name in ("logs", "kafka"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name).chmod(0o700)


def given_servers() -> tuple[str, str]:
    """(Kafka, Postgres) as the environment names them; "" where we start our own."""
    kafka, database = (
        os.environ.get(f"LEADSCORE_{name}") or os.environ.get(name) or ""
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
    )
    return kafka, database


class _Stack:
    """The stack while it runs."""

    def __init__(self, folder: Path, steps: Steps, watchdog: Watchdog) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.steps = steps
        self.state = read_state(folder)
        self.watchdog = watchdog
        self.supervisor = Supervisor(watchdog, self._note)
        self.taken: set[int] = set()

    def start(self, wish: Wish) -> None:
        self.logs.mkdir(exist_ok=True)
        self.state.make_keys()
        self.state.logs = str(self.logs)
        self.state.supervisor_pid = os.getpid()
        self.state.pids, self.state.ready = {}, False
        self.state.topic_prefix = os.environ.get("LEADSCORE_TOPIC_PREFIX", "")
        self._save()
        self._start_servers()
        settings = load_settings(self.folder.parent)
        self._make_topics(settings)
        self._migrate(settings)
        self._publish_ruleset(settings)
        self._start_services(wish.scorers)
        self.state.ready = True
        self._save()

    def keep(self) -> None:
        """Until a signal ends it."""
        while True:
            if self.supervisor.look():
                self._save()
            time.sleep(0.2)

    def stop(self) -> None:
        self.supervisor.stop(_stop_order)
        self.watchdog.close()
        self.state.pids, self.state.ready, self.state.supervisor_pid = {}, False, 0
        write_state(self.folder, self.state)

    def _start_servers(self) -> None:
        kafka, database = given_servers()
        where = self._server_ports(not kafka, not database)
        broker = None if kafka else self._start_kafka(where)
        self.state.kafka_bootstrap_servers = kafka or f"{ports.HOST}:{where.kafka}"
        password = self.state.postgres_password
        self.state.database_url = database or postgres.database_url(where.postgres, password)
        if database:
            self.steps.say("Postgres: the one that DATABASE_URL names")
        else:
            self._start_postgres(where)
        if broker is None:
            self.steps.say("Kafka: the one that KAFKA_BOOTSTRAP_SERVERS names")
        else:
            with self.steps.step("Kafka answers") as tell:
                wait_until(lambda: ports.answers(where.kafka), broker, "Kafka")
                tell(self.state.kafka_bootstrap_servers)
        self._save()

    def _server_ports(self, kafka: bool, database: bool) -> ServerPorts:
        known = self.state.ports
        for name, default in DEFAULT_PORTS.items():
            if database if name == "postgres" else kafka:
                known[name] = ports.choose(known.get(name, 0), default, taken=self.taken)
        return ServerPorts(*(known.get(name, 0) for name in ("kafka", "controller", "postgres")))

    def _start_kafka(self, where: ServerPorts) -> Child:
        if not jars.all_there():
            with (
                self.steps.step("Kafka's jars, downloaded once"),
                self.steps.downloading("Kafka's jars") as progress,
            ):
                jars.fetch(progress)
        with self.steps.step("Kafka's storage"):
            program = prepare_kafka(self.folder, self.logs, where)
        return self.supervisor.start(program)

    def _start_postgres(self, where: ServerPorts) -> None:
        password = self.state.postgres_password
        server = postgres.database_url(where.postgres, password, "postgres")
        with self.steps.step("Postgres answers") as tell:
            program = postgres.prepare(
                self.folder / "postgres",
                self.logs / "postgres.log",
                where.postgres,
                password,
                self.steps.warn,
            )
            child = self.supervisor.start(program)
            wait_until(lambda: postgres.answers(server), child, "Postgres")
            postgres.create_database(server, postgres.DATABASE)
            tell(f"{ports.HOST}:{where.postgres}")

    def _make_topics(self, settings: Settings) -> None:
        with self.steps.step("topics") as tell:
            made = asyncio.run(_ensure_topics(settings))
            tell(f"{len(made)} made" if made else "all there")
        names = ("lead_events", "dead_letter", "stage_changed", "handoff_content", "handoff_sales")
        self.state.topics = {name: getattr(settings.topics, name) for name in names}

    def _migrate(self, settings: Settings) -> None:
        url = settings.database_url.get_secret_value()
        with self.steps.step("migrations") as tell:
            pending = pending_migrations(url)
            if pending:
                migrate(url)
            tell(", ".join(pending) if pending else "none to run")

    def _publish_ruleset(self, settings: Settings) -> None:
        with self.steps.step("ruleset") as tell:
            tell(asyncio.run(publish_default(settings)))

    def _start_services(self, scorers: int) -> None:
        table = services.table(self.state, scorers, self.taken)
        urls = {service.name: service.url for service in table}
        self.state.ports |= {service.name: service.port for service in table}
        self.state.ingest_url, self.state.api_url = urls["ingest"], urls["console"]
        self.state.router_url = urls["router"]
        self.state.scorer_urls = [url for name, url in urls.items() if name.startswith("scorer")]
        self._save()
        with self.steps.step("services ready") as tell:
            children = [
                (service, self.supervisor.start(services.program(service, self.state, self.logs)))
                for service in table
            ]
            for service, child in children:
                wait_until(
                    lambda url=service.url: not services.away(url),  # type: ignore[misc]
                    child,
                    service.name,
                    SERVICE_READY_SECONDS,
                )
            tell(", ".join(service.name for service in table))

    def _save(self) -> None:
        self.state.pids = self.supervisor.pids
        write_state(self.folder, self.state)

    def _note(self, text: str) -> None:
        """What the supervisor did: for whoever watches, and for the record."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with (self.logs / "supervisor.log").open("a") as log:
            log.write(f"{stamp} {text}\n")
        self.steps.warn(text)


async def _ensure_topics(settings: Settings) -> list[str]:
    """A broker that has just started needs a moment more after it listens."""
    until = time.monotonic() + TOPICS_TRY_SECONDS
    while True:
        try:
            return await ensure_topics(settings)
        except TryAgainError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.5)


def _stop_order(name: str) -> int:
    return STOP_ORDER.index(name.partition("-")[0])
