"""What a lead row holds of its scores and stages: compact, versioned structs, as msgpack."""

from __future__ import annotations

from typing import Any

import msgspec

# (occurred_at in ms, source, event id): the order in which events are folded.
Position = tuple[int, str, str]


class Sum(msgspec.Struct, array_like=True):
    """Points that decay alike, added up as of one instant: the value at t is
    amount · 2^(-(t - ref_ms) / half_life), or amount where nothing decays.
    """

    ref_ms: int = 0
    amount: float = 0.0


# Points that fade alike by steps: (end of the step, points), oldest first.
Amounts = list[tuple[int, float]]


class PartState(msgspec.Struct, array_like=True):
    """Points of a model by how they fade, and how long that takes, in ms: see shared.decay."""

    sums: dict[int, Sum] = {}
    windows: dict[int, Amounts] = {}
    lines: dict[int, Amounts] = {}


class ModelMore(msgspec.Struct, array_like=True):
    """What only some models need.

    parts: by group that has a cap, its points; at "" those of no group that fade by window or line
    (ModelState.sums has the others) · periods: by "group/period", [bucket, points given in it] ·
    raws: by the number of a rule that holds, what it gives uncut, where that varies.
    """

    parts: dict[str, PartState] = {}
    periods: dict[str, tuple[int, float]] = {}
    raws: dict[int, float] = {}


class ModelState(msgspec.Struct, array_like=True):
    """One score model of one lead.

    sums: by half-life in ms (0: never decays) · limits: by rule number, [bucket, count] for times
    per period and once, a list of 8-byte hashes for once per field · holding: by the number of a
    rule that holds, the points granted while it does.
    """

    sums: dict[int, Sum] = {}
    limits: dict[int, list[Any]] = {}
    holding: dict[int, float] = {}
    more: ModelMore | None = None


class Watch(msgspec.Struct, array_like=True):
    """What conditions over time need to know of a lead's events, those of robots left out.

    first_ms: of the first event, -1 before it · tallies: by the tally's place in the ruleset,
    [how many ever, instants of the newest ones in order] · chains: by the sequence's place, the
    newest beginning of each run of its first steps, -1 for none · armed: by the number of a
    rule on silence, when it is due · until_ms: of the newest points that time gave ·
    next_ms: when time gives or takes points next, -1 for never.
    """

    first_ms: int = -1
    tallies: dict[int, list[int]] = {}
    chains: dict[int, list[int]] = {}
    armed: dict[int, int] = {}
    until_ms: int = -1
    next_ms: int = -1


class Consent(msgspec.Struct, array_like=True, frozen=True):
    """What a person last said about one purpose.

    at_ms: when · source: where it was said · text: the version of the text that was shown, "" for
    unknown.
    """

    granted: bool
    at_ms: int
    source: str = ""
    text: str = ""


# What happened to a mail: (at_ms, kind, message, url), the latter two as hashes of 6 bytes.
Mail = tuple[int, int, int, int]


class ScoreState(msgspec.Struct, array_like=True):
    """All of a lead's scores after its newest event. Never holds a stage: scores don't depend on
    what was published. watch: None while the ruleset asks for nothing of it · consent: by purpose,
    what was said · carried_ms: events up to this instant are deleted (retention), -1 for none ·
    region: of the consent policy, "" for none · signals: hash of each signal seen, and when it was
    first, in that order · mails: of the last minute, see services/scorer/core/machines.py.
    """

    format: int = 2
    last: Position | None = None
    events: int = 0
    traits: dict[str, Any] = {}
    models: dict[str, ModelState] = {}
    watch: Watch | None = None
    consent: dict[str, Consent] = {}
    carried_ms: int = -1
    region: str = ""
    signals: dict[int, int] = {}
    mails: list[Mail] = []


class JourneyState(msgspec.Struct, array_like=True):
    """A lead's place on one ladder.

    since_ms: when it entered · ladder_at_ms: up to where the ladder has been walked (an event
    before it can't be stepped) · handed_off: stages whose sales hand-off went out in this episode ·
    waiting_seq: sequence number of a sales hand-off that waits until the lead is known, else 0 ·
    locked_ms: until when the stage stands by hand: -1 not at all, 0 for good, -2 until the next
    points.
    """

    name: str
    stage: str
    since_ms: int
    ladder_at_ms: int
    seq: int = 0
    episode: int = 1
    handed_off: list[str] = []
    waiting_seq: int = 0
    locked_ms: int = -1


_scores_decoder = msgspec.msgpack.Decoder(ScoreState)
_journeys_decoder = msgspec.msgpack.Decoder(list[JourneyState])
_encoder = msgspec.msgpack.Encoder()


def encode_scores(state: ScoreState) -> bytes:
    return _encoder.encode(state)


def decode_scores(value: bytes) -> ScoreState:
    return _scores_decoder.decode(value)


def encode_journeys(journeys: list[JourneyState]) -> bytes:
    return _encoder.encode(journeys)


def decode_journeys(value: bytes) -> list[JourneyState]:
    return _journeys_decoder.decode(value)
