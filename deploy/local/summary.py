"""How to use the stack that was just started."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from deploy.local.state import LocalState

TEXT = """
leadscore is up ({seconds:.1f} s)

  ingest     {ingest_url}
  read API   {api_url}
  Kafka      {kafka_bootstrap_servers}
  Postgres   {database}
  write key  {write_key}   (public: browsers)
  secret key {secret_key}   (server to server)
  API token  {api_token}   (read API)

Into a page:
  <script async src="{ingest_url}/beacon.js" data-write-key="{write_key}" data-consent="granted"></script>

Try it:
  curl -u {secret_key}: {ingest_url}/v1/track -d \\
    '{{"userId":"u1","event":"Demo Requested","context":{{"traits":{{"email":"ada@example.com"}}}}}}'
  curl -H "Authorization: Bearer {api_token}" "{api_url}/v1/leads/find" -H "Content-Type: application/json" -d '{{"email":"ada@example.com"}}'

All of this is in {folder}/local.json. Logs: {logs}/
{stop}"""  # noqa: E501 - lines to copy


def print_summary(console: Console, state: LocalState, folder: Path, seconds: float) -> None:
    """Print addresses, keys, a snippet and a call to try."""
    shown = _near(folder)
    console.print(
        TEXT.format(
            seconds=seconds,
            ingest_url=state.ingest_url,
            api_url=state.api_url,
            kafka_bootstrap_servers=state.kafka_bootstrap_servers,
            database=state.database_url.rpartition("@")[2],
            write_key=state.write_key,
            secret_key=state.secret_key,
            api_token=state.api_token,
            folder=shown,
            logs=shown / "logs",
            stop="Ctrl-C or `leadscore down` stops everything; the data stays.",
        ),
        markup=False,
        soft_wrap=True,  # else lines to copy are cut at the terminal's width
    )


def _near(path: Path) -> Path:
    """The path from here, when that is shorter."""
    return Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path
