"""The services of the local stack, as a table, and what each is told."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.local import ports
from deploy.local.process import Program
from deploy.local.state import LocalState


@dataclass(frozen=True, slots=True)
class Service:
    """One process: its name in the state, its module, its port, where people find it."""

    name: str
    module: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"


# In the order in which they stop. Scorers get ports from 8091 on.
DEFAULT_PORTS = {"ingest": 8080, "console": 8081, "router": 8082, "scorer": 8091}


def table(state: LocalState, scorers: int, taken: set[int]) -> list[Service]:
    """The services with their ports: those of last time where they are free."""
    wanted = [("ingest", 0), ("console", 0), ("router", 0)]
    wanted += [("scorer", number) for number in range(1, scorers + 1)]
    services = []
    for kind, number in wanted:
        name = f"{kind}-{number}" if number else kind
        default = DEFAULT_PORTS[kind] + max(0, number - 1)
        port = ports.choose(state.ports.get(name, 0), default, taken=taken)
        services.append(Service(name, f"services.{kind}", port))
    return services


def program(service: Service, state: LocalState, logs: Path) -> Program:
    """What to run for a service."""
    environment = {
        f"LEADSCORE_{name}".upper(): str(value) for name, value in state.settings().items()
    }
    environment |= {
        "LEADSCORE_HOST": ports.HOST,
        "LEADSCORE_PORT": str(service.port),
        "LEADSCORE_INSTANCE": service.name,
        "LEADSCORE_PUBLIC_URL": state.api_url,
        "PYTHONUNBUFFERED": "1",
    }
    return Program(
        name=service.name,
        # -P: a folder named `services` where the user stands must not shadow ours.
        command=(sys.executable, "-P", "-m", service.module),
        log=logs / f"{service.name}.log",
        environment=environment,
    )


def away(url: str, timeout_seconds: float = 2.0) -> str:
    """Why a service is not ready, in words; "" when it is."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=timeout_seconds):  # noqa: S310
            return ""
    except urllib.error.HTTPError as error:
        try:
            told = json.load(error).get("away", {})
        except ValueError:
            return f"answers {error.code}"
        return "; ".join(f"{name}: {why}" for name, why in told.items()) or "not ready"
    except OSError as error:
        return f"does not answer ({getattr(error, 'reason', error)})"
