"""What an audit tells of the leads that differ."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.scorer.audit.comparison import Difference
from services.scorer.audit.examiner import Finding
from services.scorer.audit.repair import Repair
from services.scorer.audit.report import MOST_TOLD, Telling, summary, told
from services.scorer.audit.runs import BEFORE_ALL, Run

LEAD = UUID(int=5)
SCORE = Difference("score engagement", "2026-05-04T09:00:00.000Z", "41.000000", "40.000000")


def a_run() -> Run:
    return Run(1, BEFORE_ALL, LEAD, leads=2000, checked=0, differing=0, repaired=0)


def test_a_lead_is_told_with_what_is_stored_and_what_should_be() -> None:
    """A line for the lead, one for each difference."""
    assert list(told(Finding(LEAD, 3, (SCORE,)))) == [
        f"lead {LEAD} differs (ruleset version 3)",
        "  score engagement 2026-05-04T09:00:00.000Z: stored 41.000000, recomputed 40.000000",
    ]


@pytest.mark.parametrize(
    ("repair", "line"),
    [
        (Repair(rewritten=2),
         "repaired, and equal now: entries of 2 events change, the stage stays"),
        (Repair(moves=("a → b",), undone=True),
         "a repair would do: entries of 0 events change, the stage a → b"),
        (Repair(left=(SCORE,)), "after the repair it still differs:"),
        (Repair(failed="ZstdError"), "not repaired: ZstdError"),
    ],
)  # fmt: skip
def test_what_became_of_a_repair_is_told(repair: Repair, line: str) -> None:
    """Done, tried, in vain, or not possible; only the first counts as mended."""
    finding = Finding(LEAD, 3, (SCORE,), repair)
    assert f"  {line}" in list(told(finding))
    assert finding.is_mended is (line.startswith("repaired"))


def test_many_leads_that_differ_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """The first of them are told in full."""
    run = a_run()
    with Telling(run) as telling:
        for _ in range(MOST_TOLD + 2):
            found = [Finding(LEAD, 3, (SCORE,))]
            run.take(LEAD, 50, found)
            telling.findings(found)
        telling.rest()
    out = capsys.readouterr().out
    assert out.count("differs") == MOST_TOLD
    assert out.endswith("and 2 leads more\n")
    assert (run.checked, run.differing, run.is_through) == (1100, 22, True)


def test_the_summary_counts_and_says_whether_all_is_well() -> None:
    """Repaired leads are differences, too."""
    run = a_run()
    run.take(LEAD, 2000, [])
    assert summary(run, 4.0, 1000) == "2000 leads checked; 250 a second: all equal"
    run.take(LEAD, 0, [Finding(LEAD, 1, (SCORE,), Repair()), Finding(LEAD, 1, (SCORE,))])
    assert summary(run, 4.0, 1000).endswith(": 2 differ, 1 of them repaired")
    assert run.differs_still == 1
