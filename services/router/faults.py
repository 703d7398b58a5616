"""Named points at which a test may kill this process, as kill -9 would."""

from __future__ import annotations

import os
import signal

AFTER_COMMIT = "router-after-commit"  # Kafka has the chunk, Postgres doesn't know yet
BEFORE_COMMIT = "router-before-commit"  # acknowledged inside an open Kafka transaction


def fault_point(point: str, asked_for: str) -> None:
    """Die here if settings.fault (LEADSCORE_FAULT) asks for it: "point:exit"."""
    if asked_for == f"{point}:exit":
        os.kill(os.getpid(), signal.SIGKILL)
