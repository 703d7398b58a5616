"""The stages of a ruleset as a picture: text of a Mermaid state diagram, and its place in a page.

A ladder is drawn step by step. A lead may rise or fall several steps at once: arrows between all
stages would hide what the ladder is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from shared.ruleset.condition import Condition
from shared.ruleset.condition_words import (
    condition_words,
    duration_words,
    listed,
    number_words,
    types_words,
)
from shared.ruleset.document import RulesetDocument
from shared.ruleset.stages import LADDER, AnyStage, Journey, SideStage, Stage, Stages, all_stages

BEGINS = "<!-- leadscore rules diagram -->"
ENDS = "<!-- end of leadscore rules diagram -->"

_STEP = "    "
_MOST_CHARACTERS = 120
# What Mermaid would read as its own; written as it writes characters by name or number.
_ESCAPES = str.maketrans({
    "#": "#35;", ";": "#59;", ":": "#58;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "%": "#37;",
    "{": "#123;", "}": "#125;", "\\": "#92;", "`": "#96;", "&": "#38;",
})  # fmt: skip
_FENCED = re.compile(f"(?<={re.escape(BEGINS)}\n).*?(?={re.escape(ENDS)})", re.DOTALL)


class NoPlaceError(ValueError):
    """A page without the two comments that a diagram stands between."""


def diagram_of(document: RulesetDocument) -> str:
    """Every journey's stages as one `stateDiagram-v2`, ending with a line break. Each journey is a
    state that holds its stages, where there are several.
    """
    journeys = document.all_journeys()
    lines = ["stateDiagram-v2"]
    for number, (name, stages) in enumerate(journeys.items()):
        drawn = _journey(f"j{number}", stages)
        if len(journeys) == 1:
            lines += [_STEP + line for line in drawn]
        else:
            title = stages.title if isinstance(stages, Journey) and stages.title else name
            lines += [f'{_STEP}state "{_plain(title)}" as j{number} {{']
            lines += [_STEP * 2 + line for line in drawn]
            lines += [_STEP + "}"]
    return "\n".join(lines) + "\n"


def with_diagram(page: str, diagram: str) -> str:
    """A Markdown page with this diagram between its two comments, BEGINS and ENDS. Raises
    NoPlaceError when it hasn't exactly one such place.
    """
    if len(_FENCED.findall(page)) != 1:
        raise NoPlaceError(f"a diagram stands between two lines: {BEGINS} and {ENDS}")
    return _FENCED.sub(lambda _: f"```mermaid\n{diagram}```\n", page)


def _journey(prefix: str, stages: Stages | Journey) -> Iterator[str]:
    """The lines of one journey. prefix: what the ids of its stages begin with."""
    ladder, sides = stages.ladder, stages.side
    ids = {stage.name: f"{prefix}_s{at}" for at, stage in enumerate(all_stages(stages))}
    indent = ""
    whole = f"{prefix}_ladder"
    if sides:  # arrows from any stage of the ladder begin at a state around it
        yield f'state "ladder" as {whole} {{'
        indent = _STEP
    for line in _ladder(ladder, ids, stages.when if isinstance(stages, Journey) else None):
        yield indent + line
    if sides:
        yield "}"
    for side in sides:
        yield from _box(side, ids)
    for place, side in enumerate(sides):
        entered = _entered(side)
        # Of stages beside the ladder the first in the list wins.
        for start in (whole, *(ids[other.name] for other in sides[place + 1 :])):
            yield f"{start} --> {ids[side.name]} : {entered}"
        # An arrow to a stage within the ladder would tear the picture apart: the name must do.
        to = "" if side.back_to == LADDER else f", to {side.back_to}"
        if ends := list(_ends(side)):
            yield f"{ids[side.name]} --> {whole} : {listed(ends)}{to}"


def _ladder(ladder: list[Stage], ids: Mapping[str, str], begins: Condition | None) -> Iterator[str]:
    for stage in ladder:
        yield from _box(stage, ids)
    first = f"[*] --> {ids[ladder[0].name]}"
    yield first if begins is None else f"{first} : once {_words(begins)}"
    for place, stage in enumerate(ladder[1:], 1):
        below = ladder[:place]
        starts = below[-1:]
        if stage.from_ is not None:
            starts = [one for one in below if one.name in stage.from_]
        here = ids[stage.name]
        for start in starts:
            yield f"{ids[start.name]} --> {here} : {_rises(stage)}"
        if stage.leave:
            yield f"{here} --> {ids[below[-1].name]} : {_falls(stage)}"


def _box(stage: AnyStage, ids: Mapping[str, str]) -> Iterator[str]:
    here = ids[stage.name]
    yield f'state "{stage.name}" as {here}'
    if stage.labels:
        yield f"{here} : {_plain(', '.join(stage.labels))}"
    if stage.handoff:
        yield f"{here} : hands over to {stage.handoff}"


def _rises(stage: Stage) -> str:
    asked = [f"{name} {number_words(least)} or more" for name, least in (stage.enter or {}).items()]
    if stage.when is not None:
        asked.append(_words(stage.when))
    return " and ".join(asked)


def _falls(stage: Stage) -> str:
    below = (f"{name} under {number_words(least)}" for name, least in (stage.leave or {}).items())
    dwell = f", after {duration_words(stage.dwell)} at least" if stage.dwell else ""
    return listed(list(below)) + dwell


def _entered(side: SideStage) -> str:
    parts = []
    if side.on is not None:
        parts.append(f"on {_plain(types_words(side.on))}")
        if side.event_when is not None:
            parts.append(f"where {_words(side.event_when)}")
    if side.when is not None:
        parts.append(f"{'while' if side.on is None else 'if'} {_words(side.when)}")
    return " ".join(parts)


def _ends(side: SideStage) -> Iterator[str]:
    """What leads out of a stage beside the ladder; nothing where only a person does."""
    leave = side.leave
    if leave is None:
        if side.on is None and side.when is not None:
            yield f"once it no longer holds that {_words(side.when)}"
        return
    if leave.after is not None:
        yield f"after {duration_words(leave.after)}"
    if leave.on is not None:
        yield f"on {_plain(types_words(leave.on))}"
    if leave.when is not None:
        yield f"once {_words(leave.when)}"


def _words(condition: Condition) -> str:
    return _plain(condition_words(condition))


def _plain(text: str) -> str:
    """On one line, not too long, and nothing in it that Mermaid would take for its own."""
    text = " ".join(text.split())
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 1].rstrip() + "…"
    return text.translate(_ESCAPES)
