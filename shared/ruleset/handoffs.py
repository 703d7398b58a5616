"""The hand-off table as people write it: what must happen to a lead, and what is done then."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.condition import Condition
from shared.ruleset.part import Duration, Name, Part, Text, Texts, as_list, refuse
from shared.ruleset.stages import MAIN, Names, Receiver

MAX_ROWS = 100
# Rows that sequences make of how they are entered begin so.
SEQUENCE_ROW = "sequence-"
DAY_MS = 86_400_000
AGAIN_AFTER_MS = DAY_MS
# How long somebody who comes back after a silence counts as one who does.
AWAKE_MS = DAY_MS

AtLeastGrade = Literal["A1", "A2", "A3", "B1", "B2", "B3", "C1", "C2"]
Tags = Annotated[list[Name], BeforeValidator(as_list), Field(min_length=1, max_length=20)]
RowKind = Literal["stage", "band", "grade", "segment", "signal", "account"]
KINDS: tuple[RowKind, ...] = ("stage", "band", "grade", "segment", "signal", "account")


class BandRow(Part):
    """A score reaches a band from below."""

    model: Name
    name: Name


class SignalRow(Part):
    """An event of some types. event_when: only those for which it holds · after_silence: only where
    the lead did nothing for so long before it came back, within a day of that.
    """

    on: Texts
    event_when: Condition | None = None
    after_silence: Duration | None = None


class Do(Part):
    """What follows. handoff: who gets the lead · alert: people are told, without a hand-off ·
    start, stop: sequences · tag, untag: the lead.
    """

    handoff: Receiver | None = None
    alert: bool = False
    start: Names | None = None
    stop: Names | None = None
    tag: Tags | None = None
    untag: Tags | None = None


class HandoffRow(Part):
    """One row: one of stage, band, grade, segment, signal or account, which must come to hold;
    when: what must hold of the lead beside it · again_after: it counts once in so long.
    """

    id: Name
    title: Text = ""
    stage: Names | None = None
    journey: Name = MAIN
    band: BandRow | None = None
    grade: AtLeastGrade | None = None
    segment: Name | None = None
    signal: SignalRow | None = None
    account: Names | None = None
    when: Condition | None = None
    again_after: Duration | None = None
    do: Do

    @property
    def kind(self) -> RowKind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @model_validator(mode="after")
    def _one_kind(self) -> HandoffRow:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise refuse(
                "handoff",
                f"a row asks for one of {', '.join(KINDS)}"
                + (f", not for {' and '.join(given)}" if given else ""),
                "write, for instance, stage: validate, or make two rows of it",
            )
        if not self.do.model_fields_set:
            raise refuse("handoff", "nothing is done", "add handoff:, alert:, start: or tag:")
        return self


HandoffRows = Annotated[list[HandoffRow], Field(max_length=MAX_ROWS)]
