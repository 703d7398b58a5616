"""The faults: what text of which file is replaced by what, what that breaks, and who catches it."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "services/scorer/core"
ORACLE = "tests/unit/scorer/test_against_oracle.py"
GIVEN = "test_entries_scores_and_grades_are_those_of_the_oracle"
STEPS = "tests/unit/scorer/test_next_steps.py"
WALK = "test_no_move_is_missed_and_none_invented"


@dataclass(frozen=True)
class Fault:
    """One fault. text: stands exactly once in the file · caught_by: a test file, or one test."""

    breaks: str
    file: str
    text: str
    planted: str
    caught_by: str


FAULTS = (
    Fault(
        "a limit lets one too many through",
        f"{CORE}/granting.py",
        "if used[1] >= rule.most:",
        "if used[1] > rule.most:",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "once per field counts one value too few",
        f"{CORE}/granting.py",
        "if len(used) > rule.most or value in used:",
        "if len(used) >= rule.most or value in used:",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "weeks begin on Sunday",
        f"{CORE}/compile_rule.py",
        '"week": (7 * _DAY, 3 * _DAY)',
        '"week": (7 * _DAY, 4 * _DAY)',
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "the cap is compared with what the model was worth before it decayed",
        f"{CORE}/granting.py",
        "value, valued = score_at(model, at_ms), model",
        "value, valued = sum(one.amount for one in model.sums.values()), model",
        "tests/unit/scorer/test_granting.py",
    ),
    Fault(
        "the cap isn't asked where there are groups or periods",
        f"{CORE}/granting.py",
        "if rule.cap != _ENDLESS:\n        room",
        "if rule.cap != _ENDLESS and not rule.bounds:\n        room",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "the floor is ignored",
        f"{CORE}/granting.py",
        "if rule.floor != -_ENDLESS:",
        "if rule.floor > _ENDLESS:",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "periods count raw points, as if caps were asked before",
        f"{CORE}/granting.py",
        "model.more.periods[bound.key] = (bucket, given + points)",
        "model.more.periods[bound.key] = (bucket, given + raw)",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a group's cap is compared with the whole model",
        f"{CORE}/granting.py",
        "(0.0 if part is None else part_at(part, at_ms))",
        "score_at(model, at_ms)",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "what ceases to hold is not taken back",
        f"{CORE}/granting.py",
        'add_fading(model, rule.part, "half_life", 0, at_ms, -held)',
        "pass",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "points that follow a trait stay as they were",
        f"{CORE}/matching.py",
        "return rule.points_of(None, traits) != raws.get(rule.number)",
        "return False",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a rule still counts at the instant it ends",
        f"{CORE}/granting.py",
        "elif not rule.simple and not rule.valid_from <= at_ms < rule.valid_to:",
        "elif not rule.simple and not rule.valid_from <= at_ms <= rule.valid_to:",
        "tests/unit/scorer/test_bounds.py",
    ),
    Fault(
        "a window still counts at its end",
        "shared/decay.py",
        "            if at_ms < end + length:",
        "            if at_ms <= end + length:",
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "windows and lines begin at once, and not at the end of their step",
        "shared/decay.py",
        "return (at_ms // step + 1) * step if step > 1 else at_ms",
        "return at_ms",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a half-life is taken for the time to a third",
        "shared/decay.py",
        "value += total.amount * 2.0 ** ((total.ref_ms - at_ms) / half_life)",
        "value += total.amount * 3.0 ** ((total.ref_ms - at_ms) / half_life)",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "new points are added as if nothing had decayed since the first ones",
        "shared/decay.py",
        "total.amount += points * 2.0**passed",
        "total.amount += points",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a count's window holds an event at its far end",
        f"{CORE}/timed.py",
        "kept[-least] > moment.at_ms - window",
        "kept[-least] >= moment.at_ms - window",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a silence is over one millisecond late",
        f"{CORE}/watching.py",
        "watch.armed[rule.number] = at_ms + rule.silence_ms",
        "watch.armed[rule.number] = at_ms + rule.silence_ms + 1",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a robot's event counts as activity, and arms silences",
        f"{CORE}/matching.py",
        "    matched = ruleset.index.matching(event, state.traits)\n    if matched and ruleset.sif",
        "    if ruleset.watching:\n        take_in(ruleset, state, event, at_ms)\n"
        "    matched = ruleset.index.matching(event, state.traits)\n    if matched and ruleset.sif",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "one event is two steps of a sequence",
        f"{CORE}/watching.py",
        "for number in reversed(numbers):",
        "for number in numbers:",
        "tests/unit/scorer/test_by_time.py",
    ),
    Fault(
        "a sequence that took exactly as long as it may doesn't count",
        f"{CORE}/watching.py",
        "if begun[-1] >= at_ms - chain.within and",
        "if begun[-1] > at_ms - chain.within and",
        "tests/unit/scorer/test_by_time.py",
    ),
    Fault(
        "a formula reads scores without their bounds",
        f"{CORE}/combined.py",
        "return value if shown.plain else min(shown.cap, max(shown.floor, value))",
        "return value if shown.formula is None else min(shown.cap, max(shown.floor, value))",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "a rule that silence begins runs after the event of the same millisecond",
        f"{CORE}/fold.py",
        "if watch is not None and 0 <= watch.next_ms <= at_ms:\n            out.time_entries",
        "if watch is not None and 0 <= watch.next_ms < at_ms:\n            out.time_entries",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "traits in an event of a robot are taken in",
        f"{CORE}/matching.py",
        "    return refused(state, event, at_ms, matched) if matched else []",
        "    fold_traits(ruleset, state, event.traits)\n"
        "    return refused(state, event, at_ms, matched) if matched else []",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "stages see the time before an event as if it had happened already",
        f"{CORE}/fold.py",
        "        elif rich or (matched :=",
        "        elif rich and not matched_rules(ruleset, state, event, at_ms) and False:\n"
        "            pass\n        elif rich or (matched :=",
        "tests/unit/scorer/test_side_stages.py",
    ),
    Fault(
        "a stage that may be entered from some stages only is entered from all",
        f"{CORE}/sides.py",
        "if here >= 0 and rung.come_from is not None and",
        "if here < 0 and rung.come_from is not None and",
        "tests/unit/scorer/test_stages.py",
    ),
    Fault(
        "a later stage beside the ladder takes a lead from an earlier one",
        f"{CORE}/sides.py",
        "                return None  # only one",
        "                continue  # only one",
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "who comes back to the ladder is in the same episode",
        f"{CORE}/change.py",
        '"""To the ladder: a new episode, in which the lead may be handed over again."""\n',
        '"""To the ladder."""\n    return\n',
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "a lock on the stage that a lead is in is told to nobody",
        f"{CORE}/by_hand.py",
        "elif journey.locked_ms != stood:",
        "elif journey.locked_ms == stood:",
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "who goes from one stage beside the ladder to an earlier one isn't handed over",
        f"{CORE}/change.py",
        "enters = to > here or to >= count",
        "enters = to > here",
        "tests/unit/scorer/test_stages.py",
    ),
    Fault(
        "a stage set by hand without a lock is read again at once",
        f"{CORE}/sides.py",
        "if locked_ms in {LOCKED_FOR_GOOD, HELD}:",
        "if locked_ms == LOCKED_FOR_GOOD:",
        "tests/unit/scorer/test_stages.py",
    ),
    Fault(
        "points don't end the stand of a stage set by hand",
        f"{CORE}/moves.py",
        "if journey.locked_ms == HELD and any_points(entries):",
        "if journey.locked_ms == HELD and not entries:",
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "a stage locked by hand is read a millisecond late",
        f"{CORE}/sides.py",
        "or at_ms < journey.locked_ms",
        "or at_ms <= journey.locked_ms",
        "tests/unit/scorer/test_stages.py",
    ),
    Fault(
        "the bound of the next move doesn't see that conditions of stages turn sooner",
        f"{CORE}/due.py",
        "    if ruleset.rich:\n",
        "    if not ruleset:\n",
        "tests/unit/scorer/test_due.py",
    ),
    Fault(
        "the moves of one journey come before those of the next, whatever their instants",
        f"{CORE}/moves.py",
        "key=lambda one: (dues[one], one)",
        "key=lambda one: one",
        "tests/unit/scorer/test_due.py",
    ),
    Fault(
        "a stage held for a while is left one millisecond late",
        f"{CORE}/sides.py",
        "if at_ms - sight.journey.since_ms < rungs[here].dwell_ms or",
        "if at_ms - sight.journey.since_ms <= rungs[here].dwell_ms or",
        f"{ORACLE}::{WALK}",
    ),
    Fault(
        "what time does anyway counts as a step",
        f"{CORE}/next_steps.py",
        "            or move.at_ms < without.at_ms",
        "            or move.at_ms <= without.at_ms",
        STEPS,
    ),
    Fault(
        "an event is tried on the lead as it stood before time went on",
        f"{CORE}/next_steps.py",
        "    advance(ruleset, lead.state, lead.journeys, at_ms, known)\n",
        "",
        STEPS,
    ),
    Fault(
        "what time gives isn't reckoned with when a rise is ruled out",
        f"{CORE}/reachable.py",
        "        return max(rule.points, 0.0)",
        "        return 0.0",
        STEPS,
    ),
    Fault(
        "a witness leaves out what an event of a count must hold",
        f"{CORE}/witness.py",
        "*([when] if when is not None else [])",
        "*([])",
        "tests/unit/scorer/test_witness.py",
    ),
    Fault(
        "silences that were over while there was no consent to scoring are made up for",
        f"{CORE}/matching.py",
        "        lapse(state, at_ms)  # what",
        "        pass  # what",
        "tests/unit/scorer/test_consent.py",
    ),
    Fault(
        "time goes on to give and take without consent to scoring",
        f"{CORE}/watching.py",
        "        watch.next_ms = -1\n        return\n",
        "        pass\n",
        f"{ORACLE}::{GIVEN}",
    ),
    Fault(
        "with consent given again, rules that began to hold meanwhile don't give",
        f"{CORE}/matching.py",
        "return changed or before, frozen",
        "return changed, frozen",
        "tests/unit/scorer/test_consent.py",
    ),
    Fault(
        "a hand-off that time made is judged by consent that was said later",
        f"{CORE}/fold.py",
        "(event.consent or policy is not None or event.type in MEANINGS)",
        "False",
        "tests/unit/scorer/test_consent.py",
    ),
    Fault(
        "a hand-off to sales that lacked consent counts as made",
        f"{CORE}/change.py",
        'if handoff == "sales" and not suppressed:  #',
        'if handoff == "sales":  #',
        "tests/unit/scorer/test_consent.py",
    ),
    Fault(
        "a robot's grant counts as consent",
        f"{CORE}/consenting.py",
        "if news and not (robot and granted):",
        "if news:",
        f"{ORACLE}::{GIVEN}",
    ),
)
