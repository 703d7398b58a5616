"""Faults in telling signals from confirmations, and machines from people."""

from __future__ import annotations

from tests.mutations.fault import Fault

CORE = "services/scorer/core"
TESTS = "tests/unit/scorer/test_signals_and_machines.py"

SIGNAL_FAULTS = (
    Fault(
        "a signal confirmed late counts again",
        f"{CORE}/signals.py",
        "not same.within_ms or at_ms - first_ms <= same.within_ms",
        "same.within_ms and at_ms - first_ms <= same.within_ms",
        TESTS,
    ),
    Fault(
        "signals of two types with one key are one",
        f"{CORE}/signals.py",
        "number = fingerprint([event.type, *named])",
        "number = fingerprint(named)",
        TESTS,
    ),
    Fault(
        "signals are never forgotten",
        f"{CORE}/signals.py",
        "if len(state.signals) > MOST_SIGNALS:",
        "if len(state.signals) > MOST_SIGNALS * 99:",
        TESTS,
    ),
    Fault(
        "the same link clicked often is a machine's",
        f"{CORE}/machines.py",
        "if len(urls) >= limits.links:",
        "if len([ms for ms, _ in near if ms >= first_ms]) >= limits.links:",
        TESTS,
    ),
    Fault(
        "a click after an opening is a machine's, if the delivery was just before",
        f"{CORE}/machines.py",
        "return not any(kind == OPENED and since <= ms <= at_ms for ms, kind, _, _ in mails)",
        "return True",
        TESTS,
    ),
    Fault(
        "a trap tells of what came after it alone",
        f"{CORE}/machines.py",
        "if any(abs(trap - at_ms) <= NEAR_MS for trap in traps):",
        "if any(0 <= at_ms - trap <= NEAR_MS for trap in traps):",
        TESTS,
    ),
    Fault(
        "the first word of an operator stands, not the last",
        f"{CORE}/machines.py",
        "said = {**_word(event, place), **said}",
        "said = {**said, **_word(event, place)}",
        TESTS,
    ),
    Fault(
        "anybody may judge events",
        f"{CORE}/machines.py",
        "        if event.type == EVENTS_JUDGED and event.source == OPERATOR:\n            said",
        "        if event.type == EVENTS_JUDGED:\n            said",
        TESTS,
    ),
    Fault(
        "what a machine did counts all the same",
        f"{CORE}/machines.py",
        '        return _changed(event, Verdict("bot", why))',
        "        return event",
        TESTS,
    ),
)
