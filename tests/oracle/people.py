"""Who did what, the slow way: everything that was ever said, looked at at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shared.envelope import Event, milliseconds

# A name, as (kind, value); and the strength of kinds.
Name = tuple[str, str]
STRENGTH = ("user_id", "email", "phone")
Side = set[str]


def names_of(who: dict[str, Any]) -> list[Name]:
    """The names in an event's identifiers, the strongest first."""
    found: list[Name] = [(kind, who[kind]) for kind in STRENGTH if who.get(kind)]
    systems = who.get("external", {})
    return found + [("external", f"{system}:{systems[system]}") for system in sorted(systems)]


class Tale:
    """All events there are, in order of occurrence. hash_of: what an operator calls a name."""

    def __init__(self, events: Iterable[Event], hash_of: Callable[[Name], str]) -> None:
        once = {(one.source, one.id): one for one in reversed(list(events))}
        self.events = sorted(
            once.values(), key=lambda one: (milliseconds(one.occurred_at), one.source, one.id)
        )
        self.hash_of = hash_of
        self.said = [self._read(event) for event in self.events]
        self.households: list[set[Name]] = []
        self._first_names()
        self.before_joins = [set(home) for home in self.households]
        self._joined()

    def _read(self, event: Event) -> dict[str, Any]:
        who = {
            "user_id": event.identifiers.user_id, "email": event.identifiers.email,
            "phone": event.identifiers.phone, "external": event.identifiers.external,
        }  # fmt: skip
        names, browser = names_of(who), event.identifiers.anonymous_id
        joins: list[Name] = []
        claims = [browser] if browser and names else []
        apart: tuple[Side, Side] | None = None
        if event.type == "lead_aliased" and names:
            previous = event.properties["previous_id"]
            joins, claims = [("user_id", previous)], [previous, *claims]
        if event.type == "leads_merged":
            other = event.properties["same_as"]
            others, visitor = names_of(other)[:1], other.get("anonymous_id")
            if not names:
                names, others, visitor, browser = others, [], browser, None
            joins, claims, names = others, [] if others else [visitor], names[:1]
            browser = None
        if event.type == "leads_unmerged":
            apart = set(event.properties["apart"][0]), set(event.properties["apart"][1])
        return {"names": names, "browser": browser, "joins": joins, "claims": claims,
                "apart": apart}  # fmt: skip

    def _household(self, name: Name) -> set[Name] | None:
        return next((one for one in self.households if name in one), None)

    def _first_names(self) -> None:
        """Each name goes to whoever the strongest known name beside it belongs to."""
        for said in self.said:
            for group in (said["names"], *([one] for one in said["joins"])):
                known = [home for name in group if (home := self._household(name))]
                home = known[0] if known else set()
                if not known and group:
                    self.households.append(home)
                home |= {name for name in group if not self._household(name)}

    def _is_void(self, number: int, one: Name, other: Name) -> bool:
        """Did an operator say later that these two are apart?"""
        a, b = self.hash_of(one), self.hash_of(other)
        return any(
            (a in said["apart"][0] and b in said["apart"][1])
            or (b in said["apart"][0] and a in said["apart"][1])
            for said in self.said[number:]
            if said["apart"] is not None
        )

    def _joined(self) -> None:
        for number, said in enumerate(self.said):
            for other in said["joins"]:
                name = said["names"][0]
                one, two = self._household(name), self._household(other)
                assert one is not None
                assert two is not None
                if one is not two and not self._is_void(number, name, other):
                    one |= two
                    self.households = [home for home in self.households if home is not two]

    def _whose(self, browser: str, at: int) -> int | None:
        """The household that has a browser at an event's place; None: nobody ever said."""
        claims = [
            (number, said["names"][0])
            for number, said in enumerate(self.said)
            if browser in said["claims"]
            and not self._is_void(number, said["names"][0], ("anonymous_id", browser))
        ]
        if not claims:
            return None
        ms = milliseconds(self.events[at].occurred_at)
        before = [name for number, name in claims
                  if milliseconds(self.events[number].occurred_at) <= ms]  # fmt: skip
        name = before[-1] if before else claims[0][1]
        return self.households.index(self._household(name) or set())

    def browsers_of(self, home: set[Name]) -> set[Name]:
        """The browsers that somebody of a household ever identified on."""
        return {
            ("anonymous_id", browser)
            for said in self.said
            if said["names"] and said["names"][0] in home
            for browser in said["claims"]
        }

    def leads(self) -> list[list[tuple[str, str]]]:
        """The events of each lead, as (source, id)."""
        found: dict[Any, list[tuple[str, str]]] = {}
        for at, (event, said) in enumerate(zip(self.events, self.said, strict=True)):
            if said["names"]:
                lead: Any = self.households.index(self._household(said["names"][0]) or set())
            else:
                lead = self._whose(said["browser"], at)
                lead = lead if lead is not None else said["browser"]
            found.setdefault(lead, []).append((event.source, event.id))
        return sorted(sorted(one) for one in found.values())
