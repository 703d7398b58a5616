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


class ModelState(msgspec.Struct, array_like=True):
    """One score model of one lead.

    sums: by half-life in ms (0: never decays) · limits: by rule number, [bucket, count] for times
    per period and once, a list of 8-byte hashes for once per field · holding: by trait rule's
    number, the points granted while it holds.
    """

    sums: dict[int, Sum] = {}
    limits: dict[int, list[Any]] = {}
    holding: dict[int, float] = {}


class ScoreState(msgspec.Struct, array_like=True):
    """All of a lead's scores after its newest event. Never holds a stage: scores don't depend on
    what was published.
    """

    format: int = 1
    last: Position | None = None
    events: int = 0
    traits: dict[str, Any] = {}
    models: dict[str, ModelState] = {}


class JourneyState(msgspec.Struct, array_like=True):
    """A lead's place on one ladder.

    since_ms: when it entered · ladder_at_ms: up to where the ladder has been walked (an event
    before it can't be stepped) · handed_off: stages whose sales hand-off went out in this episode ·
    waiting_seq: sequence number of a sales hand-off that waits until the lead is known, else 0.
    """

    name: str
    stage: str
    since_ms: int
    ladder_at_ms: int
    seq: int = 0
    episode: int = 1
    handed_off: list[str] = []
    waiting_seq: int = 0


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
