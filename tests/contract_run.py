"""schemathesis against a served API: requests made from its OpenAPI document, good and bad."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("schemathesis")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
OPTIONS = (
    "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "15",
    "--seed", "7", "--continue-on-failure", "--no-shrink", "--warnings", "off",
)  # fmt: skip
SECONDS = 300


async def told_of_contract(
    schema_url: str, headers: dict[str, str], part: str, known: dict[str, str] | None = None
) -> tuple[int, str]:
    """(exit code, what it said), with some dozen requests for each operation.

    part: of the paths, a regular expression · known: parameters with a value that exists.
    """
    given = [part for name, value in headers.items() for part in ("-H", f"{name}:{value}")]
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in (known or {}).items())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "schemathesis.toml")
        await asyncio.to_thread(config.write_text, "[parameters]\n" + "".join(lines))
        process = await asyncio.create_subprocess_exec(
            str(PROGRAM), "run", schema_url, *OPTIONS, *given, "--include-path-regex", part,
            cwd=folder, env={**os.environ, "NO_COLOR": "1"}, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return process.returncode or 0, said.decode()
