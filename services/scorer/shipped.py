"""The rulesets that leadscore is shipped with, by name."""

from __future__ import annotations

from importlib.resources import files

DEFAULT = "b2b-software"
_ENDING = ".yaml"
_FOLDER = files("services.scorer").joinpath("rulesets")


def shipped_names() -> list[str]:
    """Every shipped ruleset's name: the default first, the others by alphabet."""
    names = [
        file.name.removesuffix(_ENDING) for file in _FOLDER.iterdir() if file.name.endswith(_ENDING)
    ]
    return sorted(names, key=lambda name: (name != DEFAULT, name))


def shipped_text(name: str) -> str:
    """A shipped ruleset as YAML. Raises LookupError when there is none of that name."""
    if name not in shipped_names():
        raise LookupError(f"there is no shipped ruleset {name}")
    return _FOLDER.joinpath(name + _ENDING).read_text(encoding="utf-8")
