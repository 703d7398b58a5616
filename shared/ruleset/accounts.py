"""Accounts as people write them: which company a lead belongs to, and what its scores are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from shared.ruleset.part import Name, Number, Part, Text, Texts, as_list

By = Literal["group", "email_domain"]
Labels = Annotated[list[Text], BeforeValidator(as_list)]
BEST_MEMBERS = 1000


class Top(Part):
    """The average of the best members' scores."""

    top: Annotated[int, Field(ge=1, le=BEST_MEMBERS)]


def _score_kind(value: Any) -> str:
    return "<top>" if isinstance(value, dict | Top) else "<word>"


AccountScore = Annotated[
    Annotated[Literal["sum", "max"], Tag("<word>")] | Annotated[Top, Tag("<top>")],
    Discriminator(_score_kind),
]


class AccountStage(Part):
    """A stage of companies. enter: least scores, all must hold · leave: it falls when any score is
    below.
    """

    name: Name
    title: Text = ""
    labels: Labels = Field([], max_length=10)
    enter: dict[str, Number] | None = None
    leave: dict[str, Number] | None = None


class Accounts(Part):
    """Companies and their scores. by: what tells a lead's company, in order of preference."""

    by: Annotated[
        list[By], BeforeValidator(as_list), Field(min_length=1, max_length=2)
    ] = Field(["group", "email_domain"])  # fmt: skip
    score: Annotated[dict[Name, AccountScore], Field(min_length=1, max_length=50)]
    free_mail_domains: Texts = Field([])
    stages: Annotated[list[AccountStage], Field(max_length=20)] = Field([])


@cache
def shipped_free_mail_domains() -> frozenset[str]:
    """The list that comes with leadscore, in lower case."""
    text = Path(__file__).with_name("free_mail_domains.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))
