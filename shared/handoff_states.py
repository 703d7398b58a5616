"""What becomes of a hand-off: its states, and what sales may do in which. A table.

waiting (for a name), withheld (by a recalculation) and suppressed ones were never sent; told is
the end of one to content. Those to sales begin open, and end rejected, recycled, won or lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

State = Literal[
    "open", "accepted", "snoozed", "rejected", "recycled", "won", "lost", "told", "waiting",
    "withheld", "suppressed", "dropped",
]  # fmt: skip
STATES: Final[tuple[State, ...]] = get_args(State)
Act = Literal["accept", "reject", "recycle", "won", "lost", "snooze", "release", "drop"]

# While one of these holds, a person is at it: automation leaves the lead alone.
ACTIVE: Final[tuple[State, ...]] = ("open", "accepted", "snoozed")
ENDED: Final[tuple[State, ...]] = ("rejected", "recycled", "won", "lost", "dropped")


@dataclass(frozen=True, slots=True)
class Move:
    """One act. of: the states it is possible in · event: the type of the event that says so, "" for
    none · needs: what must come with it.
    """

    of: frozenset[State]
    to: State
    event: str = ""
    needs: tuple[str, ...] = ()


MOVES: Final[dict[Act, Move]] = {
    "accept": Move(frozenset({"open", "snoozed"}), "accepted", "sales_accepted"),
    "reject": Move(
        frozenset({"open", "accepted", "snoozed"}), "rejected", "sales_rejected", ("reason",)
    ),
    "recycle": Move(
        frozenset({"open", "accepted", "snoozed"}), "recycled", "sales_rejected", ("until",)
    ),
    "won": Move(frozenset({"open", "accepted", "snoozed"}), "won", "deal_won"),
    "lost": Move(frozenset({"open", "accepted", "snoozed"}), "lost", "deal_lost", ("reason",)),
    "snooze": Move(frozenset({"open", "accepted", "snoozed"}), "snoozed", "", ("until",)),
    "release": Move(frozenset({"withheld"}), "open"),
    "drop": Move(frozenset({"withheld", "waiting"}), "dropped"),
}
# What a salesperson does with a lead.
SALES_ACTS: Final[tuple[Act, ...]] = ("accept", "reject", "recycle", "won", "lost", "snooze")


def possible(state: str) -> list[Act]:
    """What may be done in a state."""
    return [act for act, move in MOVES.items() if state in move.of]
