"""How scenarios came out, in lines to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.scorer.scenarios import Earned, Result, begin_ms

_DAY = 86_400_000
_MOST_ENTRIES = 40


def failures(results: Sequence[Result]) -> list[Result]:
    """Those that came out otherwise than expected."""
    return [result for result in results if not result.holds]


def told(results: Sequence[Result], *, verbose: bool) -> Iterator[str]:
    """Each scenario by name; where it failed (or always, if verbose), what it was made of."""
    for result in results:
        yield f"{'ok    ' if result.holds else 'FAILED'}  {result.scenario.name}"
        for one in result.differences:
            words = f"{one.what}: expected {one.expected}, got {one.got}"
            yield f"    {_when(result, one.at_ms)}: {words}"
        yield from _made_of(result, verbose=verbose)


def _made_of(result: Result, *, verbose: bool) -> Iterator[str]:
    """The entries of the scores that differ, or, if verbose, all entries and moves."""
    models = {one.model for one in result.differences if one.model}
    until = max((one.at_ms for one in result.differences), default=0)
    if verbose:
        entries, moves = result.earned, result.changes
    else:
        entries = [
            entry
            for entry in result.earned
            if entry.at_ms <= until and entry.rule.split("/")[0] in models
        ]
        moves = [change for change in result.changes if change.at_ms <= until] * (not result.holds)
    lines = [(entry.at_ms, 0, _entry_words(entry)) for entry in entries]
    for move in moves:
        handoff = f", handed to {move.handoff}" if move.handoff else ""
        waits = " once it is known" if move.waiting else ""
        words = f"{move.from_stage} → {move.to_stage} by {move.cause}{handoff}{waits}"
        lines.append((move.at_ms, 1, words))
    for at_ms, _, words in sorted(lines, key=lambda line: line[:2])[-_MOST_ENTRIES:]:
        yield f"        {_when(result, at_ms)}  {words}"
    if len(lines) > _MOST_ENTRIES:
        yield f"        (the last {_MOST_ENTRIES} of {len(lines)})"


def _entry_words(entry: Earned) -> str:
    points = f"{entry.points:+.2f}".rstrip("0").rstrip(".")
    clipped = f" (cut by {entry.clipped})" if entry.clipped else ""
    return f"{points} {entry.rule}{clipped}, {entry.what}"


def _when(result: Result, at_ms: int) -> str:
    day, rest = divmod(at_ms - begin_ms(result.scenario), _DAY)
    return f"day {day} {rest // 3_600_000:02}:{rest // 60_000 % 60:02}"
