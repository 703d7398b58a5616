"""What is wrong with a ruleset: where, what, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RulesetError:
    """One fault. line, column: from 1 · path: such as models.engagement.rules[3].points."""

    line: int
    column: int
    path: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}"
        text = f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"
        return f"{text} ({self.remedy})" if self.remedy else text


class RulesetErrors(Exception):  # noqa: N818 - it carries several
    """A ruleset that can't be used. errors: at least one, in order of their lines."""

    def __init__(self, errors: list[RulesetError]) -> None:
        self.errors = sorted(errors, key=lambda error: (error.line, error.column, error.path))
        super().__init__("\n".join(str(error) for error in self.errors))
