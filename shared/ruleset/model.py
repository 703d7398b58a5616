"""Score models as people write them: rules, what they give, and how that fades and is bounded."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from shared.ruleset.condition import Condition
from shared.ruleset.part import (
    MAX_POINTS,
    Duration,
    Name,
    Number,
    Part,
    Path,
    Points,
    Text,
    Texts,
    as_list,
    refuse,
)

MAX_RULES = 5000
MAX_DISTINCT_VALUES = 200
MAX_FORMULA = 1000

Period = Literal["hour", "day", "week", "month", "ever"]
CapPeriod = Literal["hour", "day", "week", "month"]
Positive = Annotated[float, Field(gt=0, le=MAX_POINTS, allow_inf_nan=False)]
CapPer = Annotated[dict[CapPeriod, Positive], Field(min_length=1)]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _decay(value: Any) -> Any:
    return {} if value == "none" else value


def _limit(value: Any) -> Any:
    return {"times": 1} if value == "once" else value


def instant_ms(value: Any) -> int:
    """Milliseconds of a date (its midnight, UTC) or an RFC 3339 instant. Raises
    PydanticCustomError.
    """
    try:
        if not isinstance(value, str) or not _DATE.match(value):
            raise ValueError(value)
        at = datetime.fromisoformat(value + "T00:00:00Z" if _DATE.fullmatch(value) else value)
        if at.tzinfo is None:
            raise ValueError(value)
    except ValueError:
        raise refuse(
            "instant",
            f"{value!r} is neither a date nor an instant",
            "write 2026-04-01 or 2026-04-01T09:00:00Z",
        ) from None
    return (at - _EPOCH) // (datetime.resolution * 1000)


Instant = Annotated[int, BeforeValidator(instant_ms)]


class Linear(Part):
    """Points fade evenly and are gone after so long."""

    to_zero_in: Duration


class Decay(Part):
    """How points fade: none, {half_life: 30d}, {linear: {to_zero_in: 60d}} or {window: 90d}: whole
    so long, and then gone. All in ms; none of the three means that nothing fades.
    """

    half_life: Duration | None = None
    linear: Linear | None = None
    window: Duration | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Decay:
        given = [k for k in ("half_life", "linear", "window") if getattr(self, k) is not None]
        if len(given) > 1:
            raise refuse("decay", f"points can't fade by {' and '.join(given)}", "keep one of them")
        return self


class Limit(Part):
    """How often a rule may score: `limit: once`, {times: 3, per: day}, {once_per: FIELD}, or
    {once_per: FIELD, times: 5, per: day}: each value once, and at most five values a day.
    """

    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    per: Period = "ever"
    once_per: Path | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Limit:
        if self.times is None and self.once_per is None:
            raise refuse(
                "limit",
                "a limit needs times or once_per",
                "write once, {times: 3, per: day} or {once_per: properties.content_id}",
            )
        return self


class PointsFrom(Part):
    """Points that the event or a trait decides: {field: properties.amount, times: 0.1, min: 0,
    max: 50}, a number multiplied and kept between bounds, or {table: traits.seniority, values:
    {chief: 20}}, points by a text (upper and lower case are the same). default: where there is no
    number, or no such text.
    """

    field: Path | None = None
    times: Number = 1.0
    min: Points = -MAX_POINTS
    max: Points = MAX_POINTS
    table: Path | None = None
    values: Annotated[dict[Text, Points], Field(min_length=1, max_length=1000)] | None = None
    default: Points = 0.0

    @model_validator(mode="after")
    def _one_kind(self) -> PointsFrom:
        if (self.field is None) == (self.table is None) or (self.table is None) != (
            self.values is None
        ):
            raise refuse(
                "points",
                "points come from a field or from a table",
                "write {field: FIELD, times: 0.1} or {table: FIELD, values: {TEXT: 10}}",
            )
        if self.table is not None and self.model_fields_set & {"times", "min", "max"}:
            raise refuse(
                "points", "times, min and max don't go with a table", "write the points out"
            )
        if self.min > self.max:
            raise refuse("points", "min is above max", "swap the two")
        return self


def _points_kind(value: Any) -> str:
    return "<from>" if isinstance(value, dict | PointsFrom) else "<number>"


AnyPoints = Annotated[
    Annotated[Points, Tag("<number>")] | Annotated[PointsFrom, Tag("<from>")],
    Discriminator(_points_kind),
]


class Valid(Part):
    """When a rule counts: from ≤ occurred < to, in ms; either may be left out."""

    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Valid:
        if self.from_ is None and self.to is None:
            raise refuse("valid", "no date is given", "give from:, to:, or both")
        if self.from_ is not None and self.to is not None and self.from_ >= self.to:
            raise refuse("valid", "it ends before it begins", "set to: after from:")
        return self


class After(Part):
    """A silence: so long without a matching event (any, without on) since the newest one."""

    quiet: Duration
    on: Texts | None = None


class Rule(Part):
    """Points for events of some types (on); for a silence (after); or, without either, for as long
    as a condition holds.

    say: the reason in words, with {properties.title} and the like filled in from the event ·
    effort: 1 (nothing) to 5, what it takes to make this happen.
    """

    id: Name
    on: Texts | None = None
    after: After | None = None
    when: Condition | None = None
    points: AnyPoints
    limit: Annotated[Limit, BeforeValidator(_limit)] | None = None
    decay: Annotated[Decay, BeforeValidator(_decay)] | None = None
    group: Name | None = None
    tags: Annotated[list[Name], BeforeValidator(as_list)] = Field([], max_length=20)
    valid: Valid | None = None
    effort: Annotated[int, Field(ge=1, le=5)] = 3
    say: Text = ""

    @property
    def holds(self) -> bool:
        """Is it given while a condition holds, and taken back when it ceases?"""
        return self.on is None and self.after is None


class Group(Part):
    """Rules that share bounds. cap: what their points never exceed together · cap_per: what they
    may give in a calendar period, UTC.
    """

    title: Text = ""
    cap: Positive | None = None
    cap_per: CapPer | None = None


class Combined(Part):
    """A score made of others: a weighted sum, or a formula."""

    weights: Annotated[dict[Name, Number], Field(min_length=1, max_length=20)] | None = None
    formula: Annotated[str, Field(min_length=1, max_length=MAX_FORMULA)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Combined:
        if (self.weights is None) == (self.formula is None):
            raise refuse(
                "combined",
                "a combined score needs weights or a formula",
                'write weights: {engagement: 0.6, fit: 0.4} or formula: "engagement + fit / 2"',
            )
        return self


class Model(Part):
    """One score. cap, floor: what it never exceeds, or falls below, by new points · cap_per: what
    all rules may give in a calendar period, UTC · combined: made of other scores, without rules.
    """

    title: Text = ""
    decay: Annotated[Decay, BeforeValidator(_decay)] = Decay()
    cap: Positive | None = None
    floor: Points | None = None
    cap_per: CapPer | None = None
    groups: dict[Name, Group] = Field({}, max_length=100)
    rules: Annotated[list[Rule], Field(max_length=MAX_RULES)] = Field([])
    combined: Combined | None = None

    @model_validator(mode="after")
    def _has_a_source(self) -> Model:
        if self.combined is None and "rules" not in self.model_fields_set:
            raise refuse("model", "the model has no rules", "add rules:, or combined:")
        return self


def _texts(value: Any) -> Any:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else value


class Grade(Part):
    """A letter for one score and a number for another: A1 to C3. Bounds are the least scores."""

    fit: Name
    engagement: Name
    fit_bounds: Annotated[dict[Literal["A", "B"], Number], Field(min_length=2)]
    engagement_bounds: Annotated[
        dict[Literal["1", "2"], Number], BeforeValidator(_texts), Field(min_length=2)
    ]


class Band(Part):
    """A name for scores from `from` on; the lowest band has none."""

    name: Name
    from_: Number | None = Field(None, alias="from")
