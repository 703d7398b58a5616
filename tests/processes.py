"""Services as processes of a test: started with its settings, waited for, always ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from deploy.local import ports
from shared.settings import Settings

DEADLINE_SECONDS = 90.0


def wait_for(condition: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait until the condition holds. Raises AssertionError saying what did not come."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def environment(settings: Settings, **over: str) -> dict[str, str]:
    """The settings as a child's environment."""
    return os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "LEADSCORE_TOPIC_PREFIX": settings.topic_prefix,
        "LEADSCORE_EVENT_PARTITIONS": str(settings.event_partitions),
        "LEADSCORE_CONSUMER_GROUP": settings.consumer_group,
        "LEADSCORE_HASH_KEY": settings.hash_key.get_secret_value(),
        "LEADSCORE_WRITE_KEYS": settings.write_keys.get_secret_value(),
        "LEADSCORE_SECRET_KEYS": settings.secret_keys.get_secret_value(),
        "LEADSCORE_API_TOKEN": settings.api_token.get_secret_value(),
        "LEADSCORE_LOG_FORMAT": "json",
        **over,
    }


@dataclass
class Service:
    """A running service and its log."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; (0, "") while nothing listens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def away(self) -> dict[str, str]:
        return dict(json.loads(self.answer("/readyz")[1] or '{"away": {"process": "?"}}')["away"])

    def wait_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            return self.answer("/readyz")[0] == 200

        wait_for(ready, f"{self.name} ready: {self.away()}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def service(name: str, settings: Settings, **over: str) -> Iterator[Service]:
    """Run `python -m services.NAME`; killed at the end if it still runs."""
    port = ports.choose(taken=set())
    with NamedTemporaryFile(prefix=f"leadscore-{name}-", suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"],
            env=environment(settings, LEADSCORE_PORT=str(port), **over),
            stdout=log,
            stderr=log,
        )
        running = Service(name, process, port, Path(log.name))
        try:
            yield running
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
