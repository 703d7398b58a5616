"""One lead's points from all its events: every entry kept for ever, added up when asked for.

It reads the ruleset as plain YAML values. Between events it looks at every instant at which any
event grows as old as any length of time in the ruleset.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass
from typing import Any

from services.scorer.slow.conditions import Moment, asks_time, durations, holds, matching
from services.scorer.slow.consent import Consents
from services.scorer.slow.fading import fading_of, in_ms, instant_of, period, worth
from services.scorer.slow.fields import Plain, distinct, read, type_matches
from services.scorer.slow.formulas import computed
from services.scorer.slow.points import raw_points
from services.scorer.slow.setting_aside import Signals, aside
from services.scorer.slow.traits import folded, traits_read

NEARLY = 1e-9
MOST_VALUES = 200


@dataclass
class Granted:
    """One entry. by: the event's position, None for one of time · after: of the newest event."""

    rule: str
    model: str
    group: str | None
    ms: int
    points: float
    raw: float
    clipped: str
    kind: str
    length: int
    by: tuple[int, str, str] | None
    after: tuple[int, str, str] | None

    def at(self, ms: int) -> float:
        """Its value then."""
        return worth(self.points, self.ms, self.kind, self.length, ms)


class Oracle:
    """Scores of one lead. events: dicts with id, source, type, ms, properties, traits, context,
    identifiers, bot, maybe consent; in any order, with duplicates. until: how far time goes after
    the last one.
    """

    def __init__(self, ruleset: Plain, events: list[Plain], until: int | None = None) -> None:
        self.ruleset = ruleset
        self.named = {("segment", one["id"]): one["when"] for one in ruleset.get("segments", [])}
        earlier: list[Plain] = []
        for one in ruleset.get("personas", []):  # the first that holds is the lead's
            others: list[Plain] = [{"not": when} for when in earlier]
            self.named["persona", one["id"]] = {"all": [*others, one["when"]]}
            earlier.append(one["when"])
        self.rules: list[tuple[str, Plain]] = [
            (model, rule)
            for model, listed in ruleset["models"].items()
            for rule in listed.get("rules", [])
        ]
        self.read_traits = traits_read(ruleset)
        self.lengths = durations([ruleset["models"], *self.named.values()])
        self.entries: list[Granted] = []
        self.past: list[tuple[Plain, Plain]] = []
        self.traits: Plain = {}
        self.consents = Consents(ruleset)
        self.moments: list[int] = []  # at which a length of time after an event is over, to come
        self.last: tuple[int, str, str] | None = None
        self.held: dict[str, tuple[float, float]] = {}  # by rule: granted, raw
        self.counted: list[tuple[str, str, Any]] = []  # rule, period, value
        once = {(event["source"], event["id"]): event for event in events}
        line = sorted(once.values(), key=lambda e: (e["ms"], e["source"], e["id"]))
        self.line = aside(ruleset, line)
        self.signals = Signals(ruleset)
        self.confirming: set[tuple[str, str]] = set()
        for event in self.line:
            self._pass_time(event["ms"])
            self._happen(event)
        if until is not None:
            self._pass_time(until)

    def _pass_time(self, until: int) -> None:
        passed = bisect_right(self.moments, until)
        now_due, self.moments = self.moments[:passed], self.moments[passed:]
        for now in sorted(set(now_due)) if self.consents.allows("scoring") else ():
            moment = Moment(now, None, self.traits, self.past, self.named)
            for model, rule in self.rules:
                if "after" in rule:
                    self._silence(model, rule, moment)
                elif "on" not in rule and asks_time(rule["when"], self.named):
                    self._hold(model, rule, moment)

    def _silence(self, model: str, rule: Plain, moment: Moment) -> None:
        newest = next(matching({"on": rule["after"].get("on", "*")}, moment), None)
        if newest is None or newest["ms"] + in_ms(rule["after"]["quiet"]) != moment.now:
            return
        if "when" not in rule or holds(rule["when"], moment):
            self._earn(model, rule, moment)

    def _happen(self, event: Plain) -> None:
        self.last = (event["ms"], event["source"], event["id"])
        if is_override(event) and not event["bot"]:
            return
        self.consents.hear(event)
        if not event["bot"] and self.signals.repeats(event, self.traits):
            self.confirming.add((event["source"], event["id"]))
            event = {**event, "bot": True, "why": "confirmation"}
        if not event["bot"]:
            self.traits = folded(self.traits, event["traits"], self.read_traits)
            self.past.append((event, self.traits))
            for length in self.lengths:
                insort(self.moments, event["ms"] + length)
        moment = Moment(event["ms"], event, self.traits, self.past, self.named)
        if not event["bot"]:
            self.consents.place(moment)
        for model, rule in self.rules:
            if "on" in rule:
                if type_matches(rule["on"], event["type"]) and (
                    "when" not in rule or holds(rule["when"], moment)
                ):
                    self._earn(model, rule, moment)
            elif "after" not in rule and not event["bot"] and self.consents.allows("scoring"):
                self._hold(model, rule, moment)

    def _hold(self, model: str, rule: Plain, moment: Moment) -> None:
        name = f"{model}/{rule['id']}"
        now = holds(rule["when"], moment)
        raw = raw_points(rule["points"], moment)
        if name in self.held and (not now or self.held[name][1] != raw):
            points, before = self.held.pop(name)
            if points:
                self._note(model, rule, moment, -points, -before, "taken back")
        if now and name not in self.held:
            self.held[name] = (self._grant(model, rule, moment, raw), raw)

    def _earn(self, model: str, rule: Plain, moment: Moment) -> None:
        raw = raw_points(rule["points"], moment)
        valid = rule.get("valid", {})
        if (
            not instant_of(valid.get("from"), -1)
            <= moment.now
            < instant_of(valid.get("to"), 1 << 60)
        ):
            return
        if moment.event is not None and moment.event["bot"]:
            why = moment.event.get("why", "")
            said = why if why.startswith(("retracted: ", "confirmation")) else "bot"
            self._note(model, rule, moment, 0.0, raw, said)
        elif moment.event is not None and not self.consents.counts(moment.event):
            self._note(model, rule, moment, 0.0, raw, "no consent")
        elif self._limit_reached(f"{model}/{rule['id']}", rule, moment):
            if moment.event is not None:
                self._note(model, rule, moment, 0.0, raw, "limit")
        else:
            self._grant(model, rule, moment, raw)

    def _limit_reached(self, name: str, rule: Plain, moment: Moment) -> bool:
        limit = rule.get("limit")
        if limit is None:
            return False
        limit = {"times": 1} if limit == "once" else limit
        when = period(limit.get("per", "ever"), moment.now)
        earlier = [value for one, per, value in self.counted if (one, per) == (name, when)]
        most, value = limit.get("times", MOST_VALUES), None
        if "once_per" in limit:
            found = read(limit["once_per"], moment.event, moment.traits)
            value, most = distinct(found), min(most, MOST_VALUES)
            if value in earlier:
                return True
        if len(earlier) >= most:
            return True
        self.counted.append((name, when, value))
        return False

    def _grant(self, model: str, rule: Plain, moment: Moment, raw: float) -> float:
        if raw == 0:
            return 0.0
        points, clipped = abs(raw), ""
        for room, why in self._rooms(model, rule, moment.now, positive=raw > 0):
            if room < points:
                points, clipped = max(room, 0.0), why
        if clipped and points < NEARLY:
            points = 0.0
        points = points if raw > 0 else -points
        self._note(model, rule, moment, points, raw, clipped)
        return points

    def _rooms(
        self, model: str, rule: Plain, now: int, *, positive: bool
    ) -> list[tuple[float, str]]:
        """How many points each bound leaves, and its name, in the order they are asked."""
        listed = self.ruleset["models"][model]
        value = sum(one.at(now) for one in self.entries if one.model == model)
        if not positive:
            return [(value - listed["floor"], "floor")] if "floor" in listed else []
        rooms = []
        if rule.get("group"):
            group = listed["groups"][rule["group"]]
            of_group = [
                one for one in self.entries if (one.model, one.group) == (model, rule["group"])
            ]
            for per, most in group.get("cap_per", {}).items():
                rooms.append((most - _given(of_group, per, now), f"group cap per {per}"))
            if "cap" in group:
                rooms.append((group["cap"] - sum(one.at(now) for one in of_group), "group cap"))
        of_model = [one for one in self.entries if one.model == model]
        for per, most in listed.get("cap_per", {}).items():
            rooms.append((most - _given(of_model, per, now), f"cap per {per}"))
        if "cap" in listed:
            rooms.append((listed["cap"] - value, "cap"))
        return rooms

    def _note(
        self, model: str, rule: Plain, moment: Moment, points: float, raw: float, clipped: str
    ) -> None:
        decay = rule.get("decay", self.ruleset["models"][model].get("decay", "none"))
        held = "on" not in rule and "after" not in rule
        kind, length = fading_of("none" if held else decay)
        self.entries.append(
            Granted(
                rule=f"{model}/{rule['id']}",
                model=model,
                group=rule.get("group"),
                ms=moment.now,
                points=points,
                raw=raw,
                clipped=clipped,
                kind=kind,
                length=length,
                by=self.last if moment.event is not None else None,
                after=self.last,
            )
        )

    def known_before(self, ms: int) -> int:
        """How many entries there are at an instant before any event of it."""
        return sum(one.ms < ms or (one.ms == ms and one.by is None) for one in self.entries)

    def raw_score(self, model: str, ms: int, first: int | None = None) -> float:
        """Every entry of a model up to an instant, or of the first so many, decayed to it."""
        known = self.entries if first is None else self.entries[:first]
        return sum(one.at(ms) for one in known if one.model == model and one.ms <= ms)

    def score(self, model: str, ms: int, first: int | None = None) -> float:
        """The score as shown."""
        listed = self.ruleset["models"][model]
        if "combined" not in listed:
            value = self.raw_score(model, ms, first)
        else:
            members = {
                name: self.score(name, ms, first)
                for name, other in self.ruleset["models"].items()
                if "combined" not in other
            }
            made_of = listed["combined"]
            if "weights" in made_of:
                value = sum(members[name] * part for name, part in made_of["weights"].items())
            else:
                value = computed(made_of["formula"], members)
        return float(min(listed.get("cap", 1e30), max(listed.get("floor", -1e30), value)))

    def grade(self, ms: int) -> str:
        """A1 to C3."""
        grade = self.ruleset["grade"]
        fit, engagement = self.score(grade["fit"], ms), self.score(grade["engagement"], ms)
        return _best(fit, grade["fit_bounds"], "C") + _best(
            engagement, grade["engagement_bounds"], "3"
        )

    def band(self, model: str, ms: int) -> str:
        """The highest band whose beginning is reached."""
        score = self.score(model, ms) + NEARLY
        bands = self.ruleset["bands"][model]
        return str([one["name"] for one in bands if score >= one.get("from", -1e30)][-1])


def is_override(event: Plain) -> bool:
    """Is it a person's word on a stage, and not something the lead did?"""
    return event["source"] == "operator" and event["type"] in ("stage_overridden", "events_judged")


def _given(entries: list[Granted], per: str, now: int) -> float:
    """What was granted in the period of an instant; what is taken back doesn't count."""
    return sum(
        one.points
        for one in entries
        if one.points > 0
        and one.clipped != "taken back"
        and period(per, one.ms) == period(per, now)
    )


def _best(score: float, bounds: dict[str, float], worst: str) -> str:
    return next((name for name, least in sorted(bounds.items()) if score >= least - NEARLY), worst)
