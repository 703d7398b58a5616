"""What a planted fault is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One fault. text: stands exactly once in the file · caught_by: a test file, or one test."""

    breaks: str
    file: str
    text: str
    planted: str
    caught_by: str
