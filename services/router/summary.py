"""One sentence for people: who the lead is, and why it is handed over now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.router.messages import Stage, Who
from services.router.who import called
from services.router.wording import day_near
from shared.facts import Cause

SUMMARY_MAX: Final = 400
DEEDS_MAX: Final = 2

# How a lead came to its stage; an event's doing needs no word.
BY: Final[dict[Cause, str]] = {
    "time": " as time passed",
    "history": " by what was learned late",
    "merge": " when two records were found to be one person",
    "unmerge": " when two records were found to be two people",
    "recalculation": " under new rules",
    "manual": " by hand",
}


def summary_of(
    who: Who,
    stage: Stage,
    since_ms: int,
    story: Sequence[str],
    again: bool,
    now_ms: int,
    row: str = "",
) -> str:
    """Such as: Sarah, Teacher at Acme, reached validate (MQL) on 3 May: downloaded “…” on 1 May;
    viewed “Pricing” on 3 May. again: it was at the stage before · row: what the row of the hand-off
    table is called that hands it over: Sarah, Teacher at Acme (Back at the prices, on 3 May).
    """
    someone = called(who) or ("A known lead" if who.known else "An anonymous visitor")
    label = f" ({stage.labels[0]})" if stage.labels else ""
    back = " again" if again else ""
    told = f"{someone} reached {stage.name}{label}{back} on {day_near(since_ms, now_ms)}"
    told += BY.get(stage.cause, "")
    if row:
        told = f"{someone} ({row}, on {day_near(since_ms, now_ms)})"
    elif "," in someone:
        told = told.replace(f"{someone} reached", f"{someone}, reached", 1)
    whole = f"{told}: {'; '.join(story[:DEEDS_MAX])}" if story else told
    return f"{whole}." if len(whole) < SUMMARY_MAX else whole[: SUMMARY_MAX - 1] + "…"
