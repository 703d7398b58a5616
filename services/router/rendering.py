"""A message as people read it: by mail, or in a chat. Pure: a webhook's body in, words out.

A destination may have chosen fields, so every one may be missing, and none is trusted to be what
the model says. Hand-offs are told in full; everything else in short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from services.router.handoff_layout import handoff_paper, name_of, who_facts
from services.router.paper import Button, Paper, Rendered, Section, plain, printed
from services.router.reading_parts import day, facts, items, number, text
from services.router.reading_parts import part as part_of

__all__ = ["BUTTONS", "Rendered", "render"]

# What links may do, in the order of the buttons; others follow, by their own names.
BUTTONS: Final = {
    "accept": "Accept",
    "reject": "Reject",
    "recycle": "Later",
    "snooze": "Snooze",
    "won": "Won",
    "lost": "Lost",
    "lead": "Open the lead",
    "console": "Open the lead",
}
# How a mail begins, and its title, by the level of the clock.
_LEVELS: Final = {
    "reminder": ("Waiting for you", "A hand-off waits for an answer"),
    "overdue": ("Overdue", "A hand-off should have been answered"),
    "escalation": ("Still unanswered", "Nobody has answered a hand-off"),
    "reassign": ("Yours now", "A hand-off has come to somebody else"),
    "woken": ("Open again", "A hand-off that was put off is open again"),
}


@dataclass(frozen=True, slots=True)
class _Message:
    """timestamp: as it was sent · buttons: in their order."""

    kind: str
    timestamp: Any
    data: Mapping[str, Any]
    buttons: tuple[Button, ...]


_Layout = Callable[[_Message], Paper]


def render(body: Mapping[str, Any], links: Mapping[str, str]) -> Rendered:
    """body: {"type", "timestamp", "data"} as in a webhook · links: by what they do, such as accept,
    reject or lead; those that are no http or https are left out. Never raises.
    """
    kind = text(body.get("type"), 100)
    message = _Message(kind, body.get("timestamp"), part_of(body, "data"), _buttons(links))
    return printed(_LAYOUTS.get(kind, _other)(message))


def _buttons(links: Mapping[str, str]) -> tuple[Button, ...]:
    known = [Button(words, links[name]) for name, words in BUTTONS.items() if name in links]
    others = [
        Button(plain(name.replace("_", " ").capitalize(), 40), url)
        for name, url in links.items()
        if name not in BUTTONS
    ]
    return (*known, *others)


def _handoff(told: _Message) -> Paper:
    return handoff_paper(told.kind.rpartition(".")[2], told.data, told.buttons)


def _overdue(told: _Message) -> Paper:
    owner, someone = text(told.data.get("owner")), _lead(told.data)
    first, title = _LEVELS.get(text(told.data.get("level"), 20), _LEVELS["overdue"])
    handed, due = day(told.data.get("handed_at")), day(told.data.get("due_at"))
    return Paper(
        subject=f"{first}: {someone}",
        title=title,
        lead=(
            f"{someone}, handed over on {handed}." if handed else f"{someone}.",
            f"It is with {owner}." if owner else "",
            f"To be answered by {due}." if due else "",
            _said(told.data),
        ),
        buttons=told.buttons,
        sections=(
            Section("Who", facts=tuple(who_facts(part_of(told.data, "who")))),
            *_details(told.data, ("who",)),
        ),
    )


def _alert(told: _Message) -> Paper:
    """What there is of a hand-off's packet, by the row that asked for it."""
    paper = handoff_paper("sales", told.data, told.buttons)
    rows = [
        text(row.get("title"), 100) or text(row.get("id"), 100) for row in items(told.data, "rows")
    ]
    why = ", ".join(filter(None, rows)) or "an alert"
    return replace(paper, subject=f"{why}: {paper.title}", lead=(f"{why}.", *paper.lead))


def _step_due(told: _Message) -> Paper:
    sequence = text(told.data.get("sequence_name")) or text(told.data.get("sequence"))
    step = text(told.data.get("step"))
    channel = text(told.data.get("channel"))
    return Paper(
        subject=" ".join(filter(None, ("Step due:", sequence, step))),
        title=" ".join(filter(None, ("A step of a sequence is due", channel and f"by {channel}"))),
        lead=(_said(told.data),),
        buttons=told.buttons,
        sections=_details(told.data),
    )


def _signal(told: _Message) -> Paper:
    name = text(told.data.get("signal") or told.data.get("name")) or "a signal"
    return Paper(
        subject=f"Signal: {name}",
        title=f"A lead gave a signal: {name}",
        lead=(_said(told.data),),
        buttons=told.buttons,
        sections=_details(told.data),
    )


def _moved(told: _Message) -> Paper:
    to, from_ = text(told.data.get("to_stage")), text(told.data.get("from_stage"))
    moved = f"from {from_} to {to}" if from_ and to else f"to {to}" if to else ""
    reasons = [
        " ".join(filter(None, (text(one.get("rule")), _points(one.get("points")))))
        for one in items(told.data, "reasons")
    ]
    return Paper(
        subject=f"Lead moved {moved}" if moved else "Lead moved",
        title=f"A lead moved {moved}" if moved else "A lead moved",
        buttons=told.buttons,
        sections=(
            *_details(told.data, ("from_stage", "to_stage")),
            Section("Scores", facts=facts(told.data.get("scores"))),
            Section("What tipped it", items=tuple(filter(None, reasons))),
        ),
    )


def _merged(told: _Message) -> Paper:
    words = "are one person" if told.kind == "lead.merged" else "are two people again"
    return Paper(
        subject=f"Two leads {words}",
        title=f"Two leads {words}",
        buttons=told.buttons,
        sections=_details(told.data),
    )


def _test(told: _Message) -> Paper:
    sent = day(told.timestamp)
    return Paper(
        subject="leadscore: a test",
        title="It works",
        lead=(
            "This is a test message: whatever leadscore tells this destination comes here.",
            f"Sent on {sent}." if sent else "",
        ),
        buttons=told.buttons,
    )


def _other(told: _Message) -> Paper:
    name = told.kind.replace(".", " ").replace("_", " ") or "a message"
    return Paper(
        subject=f"leadscore: {name}",
        title=name.capitalize(),
        lead=(_said(told.data),),
        buttons=told.buttons,
        sections=_details(told.data),
    )


def _lead(data: Mapping[str, Any]) -> str:
    """Whom it is about, in few words: never more of them than the data says."""
    traits = part_of(part_of(data, "who"), "traits")
    return name_of(traits) or text(data.get("lead_id"), 60) or "a lead"


def _said(data: Mapping[str, Any]) -> str:
    return text(data.get("summary")) or text(data.get("words"))


def _points(value: Any) -> str:
    points = number(value)
    return "" if points is None else f"({points:+g} points)"


def _details(data: Mapping[str, Any], told: tuple[str, ...] = ()) -> tuple[Section, ...]:
    """Whatever plain values there are, by name."""
    left_out = {*told, "summary", "words", "packet_version", "ruleset_version"}
    plain_ones = {
        name: day(value) or value if isinstance(value, str) else value
        for name, value in data.items()
        if name not in left_out and value is not None
    }
    return (Section("Details", facts=facts(plain_ones)),)


_LAYOUTS: Final[dict[str, _Layout]] = {
    "handoff.sales": _handoff,
    "handoff.content": _handoff,
    "handoff.overdue": _overdue,
    "lead.alert": _alert,
    "content.step_due": _step_due,
    "lead.signal": _signal,
    "lead.stage_changed": _moved,
    "lead.merged": _merged,
    "lead.unmerged": _merged,
    "leadscore.test": _test,
}
