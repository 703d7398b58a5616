"""The circuit breaker of a destination: one that fails again and again is left alone, but probed.

Pure. Closed: all goes. Open, until `open_until`: nothing goes. After that, half open: one goes as
a probe; if it is taken the circuit closes, if not it is open again, for longer. A probe that fails
uses up no attempt: it isn't the message's fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

BREAK_AFTER = 10  # failures in a row
COOLDOWN_S = 30.0
COOLDOWN_MAX_S = 900.0
JITTER = 0.2

# healthy: the receiver works, whatever it thinks of the message · broken: it doesn't.
Health = Literal["healthy", "broken"]

# Of the receiver's own: it understood the request, and doesn't want this message.
_ABOUT_THE_MESSAGE = frozenset((400, 409, 411, 413, 414, 415, 422, 431))


@dataclass(frozen=True, slots=True)
class Circuit:
    """failures: in a row · openings: in a row, without one success · hold_s: so long from now it is
    open; None: closed, or its time stands as it was (is_open).
    """

    failures: int = 0
    openings: int = 0
    is_open: bool = False
    hold_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt. retry_after_s: what the receiver asked for, if it did."""

    health: Health
    was_probe: bool = False
    retry_after_s: float | None = None


def health_of(status: int | None, ok: bool, about_message: bool) -> Health:
    """about_message: the answer is about the message by what else it says."""
    if ok or about_message or status in _ABOUT_THE_MESSAGE:
        return "healthy"
    return "broken"


def after(circuit: Circuit, outcomes: Iterable[Outcome], chance: float) -> Circuit:
    """The circuit after attempts, in the order they ended. chance: 0 to 1."""
    for outcome in outcomes:
        if outcome.health == "healthy":
            circuit = Circuit()
        elif circuit.is_open and not outcome.was_probe:
            continue  # it was under way when the circuit opened
        elif circuit.is_open or circuit.failures + 1 >= BREAK_AFTER:
            openings = circuit.openings + 1
            hold = max(cooldown_s(openings, chance), min(outcome.retry_after_s or 0, 86_400))
            circuit = Circuit(circuit.failures + 1, openings, True, hold)
        else:
            circuit = Circuit(circuit.failures + 1, circuit.openings)
    return circuit


def cooldown_s(openings: int, chance: float) -> float:
    """30 s at first, twice as long each time, 15 minutes at most."""
    wait: float = min(COOLDOWN_S * 2.0 ** min(openings - 1, 10), COOLDOWN_MAX_S)
    return wait * (1 + JITTER * chance)
