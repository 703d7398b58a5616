"""A real Kafka and Postgres for a benchmark run; a fresh database and topics for each round."""

from __future__ import annotations

import json
import math
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import psutil

from deploy.local.postgres import create_database
from deploy.local.process import Child, Program, Watchdog
from deploy.local.servers import Servers, start_servers
from shared.database import migrate
from shared.settings import Settings

RULESET = Path(__file__).parents[2] / "services" / "scorer" / "rulesets" / "b2b-software.yaml"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process until now; 0 when it has ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


class BenchStack:
    """Starts the servers, or uses those that LEADSCORE_BENCH_STACK names (a file with `kafka` and
    `admin`), so that a developer can keep them running.
    """

    def __init__(self) -> None:
        self._servers: Servers | None = None
        self._kafka = ""
        self._admin = ""

    def __enter__(self) -> BenchStack:
        self._folder = Path(tempfile.mkdtemp(prefix="leadscore-bench-"))
        self._folder.chmod(0o711)
        self._watchdog = Watchdog()
        if known := os.environ.get("LEADSCORE_BENCH_STACK"):
            said = json.loads(Path(known).read_text())
            self._kafka, self._admin = said["kafka"], said["admin"]
            return self
        try:
            self._servers = start_servers(self._folder, self._watchdog)
        except BaseException:
            self.close()
            raise
        self._kafka = self._servers.kafka_bootstrap_servers
        self._admin = self._servers.admin_database_url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop what was started, and remove what it wrote."""
        if self._servers is not None:
            self._servers.stop()
        self._watchdog.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, name: str, arguments: Sequence[str], environment: dict[str, str]) -> Child:
        """A Python process that ends with us, whatever becomes of us; the caller stops it."""
        log = self._folder / "logs" / f"{name}.log"
        program = Program(name, (sys.executable, *arguments), log, environment)
        return Child(program, self._watchdog)

    def fresh_settings(self) -> Settings:
        """Settings over a new, migrated database and a new prefix for topics (not made yet)."""
        name = f"bench_{secrets.token_hex(4)}"
        create_database(self._admin, name)
        url = f"{self._admin.rpartition('/')[0]}/{name}"
        migrate(url)
        return Settings.model_validate(
            {
                "kafka_bootstrap_servers": self._kafka,
                "database_url": url,
                "topic_prefix": f"{name}-",
                "hash_key": "a key for benchmarks, 32 bytes..",
                "write_keys": "web:bench-write-key",
                "secret_keys": "server:bench-secret-key",
                "api_token": "bench-token",
            }
        )

    def environment(self, settings: Settings) -> dict[str, str]:
        """The settings as a child process's environment."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "LEADSCORE_TOPIC_PREFIX": settings.topic_prefix,
            "LEADSCORE_HASH_KEY": settings.hash_key.get_secret_value(),
            "LEADSCORE_WRITE_KEYS": settings.write_keys.get_secret_value(),
            "LEADSCORE_SECRET_KEYS": settings.secret_keys.get_secret_value(),
            "LEADSCORE_API_TOKEN": settings.api_token.get_secret_value(),
            "LEADSCORE_LOG_LEVEL": "warning",
            # One client is all there is: its limits are looked at, and never reached.
            **{f"LEADSCORE_RATE_PER_{name}": "1000000000" for name in ("KEY", "ADDRESS", "LEAD")},
        }

    def postgres_cpu_seconds(self) -> float:
        """CPU time of all of Postgres until now; NaN when it isn't ours."""
        if self._servers is None:
            return math.nan
        postmaster = psutil.Process(self._servers.children[-1].pid)
        ended = postmaster.cpu_times()
        return float(ended.children_user + ended.children_system) + sum(
            cpu_seconds(process.pid) for process in (postmaster, *postmaster.children())
        )

    def default_ruleset(self) -> str:
        return RULESET.read_text()
