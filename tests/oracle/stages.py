"""Where a lead stands on a ladder: decided anew at every instant that could matter."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.fading import in_ms
from tests.oracle.lead import NEARLY, Oracle


@dataclass
class Claim:
    """A move that the core says it made."""

    from_stage: str
    to_stage: str
    at_ms: int
    cause: str


def stage_after(oracle: Oracle, stage: str, since: int, ms: int, known: int) -> str:
    """Where a lead that stands in a stage since an instant belongs at another. known: how many
    entries there are by then.
    """
    ladder = oracle.ruleset["stages"]["ladder"]
    names = [str(rung["name"]) for rung in ladder]
    here = names.index(stage)

    def reached(thresholds: dict[str, float]) -> bool:
        return all(
            oracle.score(name, ms, known) >= least - NEARLY for name, least in thresholds.items()
        )

    for rung in reversed(ladder[here + 1 :]):
        if reached(rung["enter"]):
            return str(rung["name"])
    dwell = in_ms(ladder[here].get("dwell", "0s"))
    if reached(ladder[here].get("leave", {})) or ms - since < dwell:
        return stage
    for rung in reversed(ladder[:here]):
        if reached(rung.get("leave", {})):
            return str(rung["name"])
    return names[0]


def check_walk(oracle: Oracle, claims: list[Claim], times: list[int], begun: int) -> None:
    """Walk these instants, those of events and of claims and the ms before them: wherever the
    oracle moves the lead, the claims must, and nowhere else. Raises AssertionError.
    """
    stage, since, pending = str(oracle.ruleset["stages"]["ladder"][0]["name"]), begun, list(claims)
    by_time = {c.at_ms for c in claims} | {c.at_ms - 1 for c in claims}
    by_time |= {one.ms for one in oracle.entries} | {event["ms"] for event in oracle.line}
    by_time |= {one.ms + 1 for one in oracle.entries} | set(times)
    moments = [(ms, 0, 0) for ms in by_time if ms >= begun]
    moments += [(event["ms"], 1, number) for number, event in enumerate(oracle.line)]
    for ms, of_event, number in sorted(moments):
        known, cause = oracle.known_before(ms), "time"
        if of_event:
            event, cause = oracle.line[number], "event"
            place = (event["ms"], event["source"], event["id"])
            known += sum(one.ms == ms and one.by is not None and one.by <= place
                         for one in oracle.entries)  # fmt: skip
            if not any(one.by == place and one.points for one in oracle.entries):
                continue
        to = stage_after(oracle, stage, since, ms, known)
        if to != stage:
            assert pending, f"the core missed {stage} → {to} at {ms} ({cause})"
            assert pending.pop(0) == Claim(stage, to, ms, cause)
            stage, since = to, ms
    assert not pending, f"the core invented {pending[0]}"
