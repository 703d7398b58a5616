"""What an answer means: delivered, failed for good, or another attempt in so many seconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.router.breaker import Outcome, health_of
from services.router.retries import GIVE_UP_S, read_retry_after, wait_s
from shared.outbound.posting import Answer

GONE = 410


@dataclass(frozen=True, slots=True)
class Verdict:
    """spent: attempts that count, this one too if it does · disables: the destination is gone."""

    status: Literal["delivered", "failed", "waiting"]
    spent: int
    outcome: Outcome
    wait_s: float = 0.0
    disables: bool = False


def judge(
    answer: Answer,
    spent: int,
    age_s: float,
    now: datetime,
    chance: float,
    scale: float = 1.0,
    is_probe: bool = False,
) -> Verdict:
    """spent: attempts that count, this one included · age_s: since it was queued · chance: 0 to 1 ·
    scale: of waits, 1 but in tests · is_probe: of a circuit that is half open.
    """
    asked = read_retry_after(answer.retry_after, now)
    health = health_of(answer.status, answer.ok, answer.give_up)
    outcome = Outcome(health, is_probe, asked)
    if answer.ok:
        return Verdict("delivered", spent, outcome)
    gone = answer.status == GONE
    if gone or answer.give_up:
        return Verdict("failed", spent, outcome, disables=gone)
    if is_probe and health == "broken":
        spent -= 1  # not the message's fault
    wait = wait_s(max(spent, 1), chance, scale, asked)
    if wait is None or age_s > GIVE_UP_S * scale:
        return Verdict("failed", spent, outcome)
    return Verdict("waiting", spent, outcome, wait)
