"""What a local stack remembers: its folder, and local.json in it, which tells tools what runs."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from shared.settings import Settings

FOLDER = ".leadscore"
FILE = "local.json"


class NoStackError(Exception):
    """No local stack was started here, and the environment names no servers either."""


@dataclass(slots=True)
class LocalState:
    """What local.json holds. Keys are made at the first start and kept; so are ports, if free.

    `pids` and `ready` speak of the run in progress; both are empty when nothing runs.
    """

    ingest_url: str = ""
    api_url: str = ""
    scorer_urls: list[str] = field(default_factory=list)
    router_url: str = ""
    kafka_bootstrap_servers: str = ""
    database_url: str = ""
    topics: dict[str, str] = field(default_factory=dict)
    topic_prefix: str = ""
    write_key: str = ""
    secret_key: str = ""
    api_token: str = ""
    hash_key: str = ""
    sendgrid_private_key_pem: str = ""
    sendgrid_public_key: str = ""
    postgres_password: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    logs: str = ""
    supervisor_pid: int = 0
    pids: dict[str, int] = field(default_factory=dict)
    ready: bool = False

    def make_keys(self) -> None:
        """Make the keys that are missing."""
        self.write_key = self.write_key or "wk_" + secrets.token_urlsafe(24)
        self.secret_key = self.secret_key or "sk_" + secrets.token_urlsafe(24)
        self.api_token = self.api_token or "at_" + secrets.token_urlsafe(24)
        self.hash_key = self.hash_key or secrets.token_urlsafe(32)
        self.postgres_password = self.postgres_password or secrets.token_urlsafe(24)
        if not self.sendgrid_private_key_pem:
            self.sendgrid_private_key_pem, self.sendgrid_public_key = _signing_keys()

    def settings(self) -> dict[str, Any]:
        """The settings that it stands for, by their names in shared.settings."""
        return {
            "kafka_bootstrap_servers": self.kafka_bootstrap_servers,
            "database_url": self.database_url,
            "topic_prefix": self.topic_prefix,
            "hash_key": self.hash_key,
            "write_keys": f"web:{self.write_key}",
            "secret_keys": f"server:{self.secret_key}",
            "api_token": self.api_token,
            "sendgrid_public_key": self.sendgrid_public_key,
        }


def _signing_keys() -> tuple[str, str]:
    """A key pair such as SendGrid signs with: (private PEM, public base64 of DER)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    der = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode(), base64.b64encode(der).decode()


def find_folder(start: Path | None = None) -> Path | None:
    """The `.leadscore` of this folder or of the nearest one above that has a local.json."""
    start = start or Path.cwd()
    for folder in (start, *start.parents):
        if (folder / FOLDER / FILE).is_file():
            return folder / FOLDER
    return None


def read_state(folder: Path) -> LocalState:
    """The state in `folder`; an empty one when there is none. Fields it doesn't know are left."""
    path = folder / FILE
    if not path.is_file():
        return LocalState()
    told = json.loads(path.read_text(encoding="utf-8"))
    known = {each.name for each in fields(LocalState)}
    return LocalState(**{name: value for name, value in told.items() if name in known})


def write_state(folder: Path, state: LocalState) -> None:
    """Write local.json whole or not at all, readable by its owner alone."""
    unfinished = folder / (FILE + ".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=2)
        file.write("\n")
    unfinished.replace(folder / FILE)


def load_settings(start: Path | None = None) -> Settings:
    """Settings from the environment; what it doesn't say comes from the local stack, if there is
    one. Raises NoStackError when neither names the servers.
    """
    folder = find_folder(start)
    told = read_state(folder).settings() if folder else {}
    values = {name: value for name, value in told.items() if value and not _in_environment(name)}
    for name, variable in (
        ("kafka_bootstrap_servers", "KAFKA_BOOTSTRAP_SERVERS"),
        ("database_url", "DATABASE_URL"),
        ("hash_key", "LEADSCORE_HASH_KEY"),
    ):
        if name not in values and not _in_environment(name):
            raise NoStackError(
                f"{variable} is not set, and no stack was started here: start one with "
                "`leadscore up`, or set the variable."
            )
    return Settings(**values)


def _in_environment(name: str) -> bool:
    names = {f"LEADSCORE_{name}".upper()}
    if name in ("kafka_bootstrap_servers", "database_url"):
        names.add(name.upper())
    return any(os.environ.get(each) for each in names)
