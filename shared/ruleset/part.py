"""What the parts of a ruleset document are made of: strictness, and the kinds of values."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

MAX_POINTS = 1_000_000.0
MAX_HALF_LIFE_DAYS = 3650

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])")


def refuse(code: str, message: str, remedy: str = "") -> PydanticCustomError:
    """An error of a validator; `remedy` says how to mend it."""
    context = {"remedy": remedy, "text": message}
    return PydanticCustomError(code, "{text}", context)


def duration_ms(value: Any) -> int:
    """Milliseconds of "30d", "12h", "90m", "45s", "2w". Raises PydanticCustomError."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise refuse(
            "duration",
            f"{value!r} is not a duration",
            "write a whole number and a unit: 45s, 90m, 12h, 30d or 2w",
        )
    milliseconds = int(found[1]) * _UNITS_MS[found[2]]
    if not 0 < milliseconds <= MAX_HALF_LIFE_DAYS * _UNITS_MS["d"]:
        raise refuse(
            "duration",
            f"{value} is out of range",
            f"use a duration from 1s to {MAX_HALF_LIFE_DAYS}d",
        )
    return milliseconds


def as_list(value: Any) -> Any:
    """One value is as good as a list of one."""
    return value if isinstance(value, list) or value is None else [value]


Duration = Annotated[int, BeforeValidator(duration_ms)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Path = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=500)]
Points = Annotated[float, Field(ge=-MAX_POINTS, le=MAX_POINTS, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Texts = Annotated[list[Text], BeforeValidator(as_list), Field(min_length=1, max_length=1000)]


class Part(BaseModel):
    """A part of the document: unknown keys are refused, values are not bent to fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
