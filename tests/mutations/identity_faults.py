"""Faults in telling who is who."""

from __future__ import annotations

from tests.mutations.fault import Fault

SCORER = "services/scorer"
BELONGING = "tests/unit/scorer/test_belonging.py"
ASSIGNMENT = "tests/unit/scorer/test_assignment.py"
WHO = "tests/integration/scorer/test_who_is_who.py"
MERGING = "tests/integration/scorer/test_merging.py"

IDENTITY_FAULTS = (
    Fault(
        "a merge taken back stays for the aliases",
        f"{SCORER}/belonging.py",
        "                self._joined[pair] = False\n",
        "                pass\n",
        BELONGING,
    ),
    Fault(
        "a claim taken back stays",
        f"{SCORER}/belonging.py",
        "if not across(browser, one.name)]",
        "if one]",
        BELONGING,
    ),
    Fault(
        "a kiosk is never quarantined",
        f"{SCORER}/belonging.py",
        "if len(people) > self._most_people and (",
        "if len(people) > 99 and (",
        BELONGING,
    ),
    Fault(
        "who parts doesn't get the former lead back",
        f"{SCORER}/assignment.py",
        "        if free:\n            return self._take(free[0][1], known=True)\n",
        "",
        ASSIGNMENT,
    ),
    Fault(
        "a name that was seen alone earlier stays with whom it came to",
        f"{SCORER}/doubts.py",
        "        return len(owners) > 1 or any(map(directory.hangs, late))\n",
        "        return len(owners) > 1\n",
        WHO,
    ),
    Fault(
        "an alias that comes after an operator's word about it merges",
        f"{SCORER}/doubts.py",
        "        if joined and all(map(self._spoken_of, (mention.names[0], *joined))):\n",
        "        if not joined and mention.apart:\n",
        MERGING,
    ),
    Fault(
        "others don't learn that a review changed their leads",
        f"{SCORER}/scoring.py",
        "    touched = switched | (plan.review.touched & leads.keys() if plan.review else set())\n",
        "    touched = switched\n",
        MERGING,
    ),
    Fault(
        "what sales was told of one is told again of the union",
        f"{SCORER}/merging.py",
        "        journey.handed_off = [*before, *journey.handed_off]\n",
        "",
        MERGING,
    ),
    Fault(
        "content is handed over again after a merge",
        f"{SCORER}/history.py",
        'if change.handoff == "content" and (change.journey, change.to_stage) in told',
        "if not told and change.handoff is None",
        MERGING,
    ),
)
