"""A broker of a test's own, to be stopped and started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from deploy.local import ports
from deploy.local.process import Child, Program, Watchdog
from deploy.local.servers import ServerPorts, prepare_kafka, wait_until


class Broker:
    """Kafka in a folder, started with the object."""

    def __init__(self, folder: Path) -> None:
        taken: set[int] = set()
        self.where = ServerPorts(ports.choose(taken=taken), ports.choose(taken=taken), 0)
        self._watchdog = Watchdog()
        self._program: Program = prepare_kafka(folder, folder / "logs", self.where)
        self.start()

    def start(self) -> None:
        self._child = Child(self._program, self._watchdog)
        wait_until(lambda: ports.answers(self.where.kafka), self._child, "Kafka")

    def pause(self) -> None:
        os.kill(self._child.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._child.pid, signal.SIGCONT)

    def kill(self) -> None:
        """It ends at once, and closes nothing."""
        os.kill(self._child.pid, signal.SIGKILL)
        self._child.stop()

    def stop(self) -> None:
        self._child.stop()

    def close(self) -> None:
        self.stop()
        self._watchdog.close()
