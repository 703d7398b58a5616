"""Companies: which one a lead belongs to, their scores from those of their members. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import fsum
from typing import Any
from uuid import UUID
from zlib import crc32

from shared.event_types import GROUP_TRAIT
from shared.ids import shard_of
from shared.ruleset.accounts import (
    Accounts,
    AccountStage,
    Top,
    shipped_free_mail_domains,
)
from shared.ruleset.document import RulesetDocument

# Each has one owner at a time. Fixed: stored rows carry their shard.
ACCOUNT_SHARDS = 8
# Keys are indexed: Postgres takes up to 2,704 bytes, and a character has up to four.
GROUP_CHARACTERS = 512
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class AccountRules:
    """How companies are told and scored. top: by model, how many of the best are averaged; 0: the
    sum of all.
    """

    by: tuple[str, ...]
    top: dict[str, int]
    free_mail: frozenset[str]
    stages: tuple[AccountStage, ...]


def compile_accounts(document: RulesetDocument) -> AccountRules | None:
    """None for a ruleset without accounts."""
    written: Accounts | None = document.accounts
    if written is None:
        return None
    more = {domain.strip().lower() for domain in written.free_mail_domains}
    return AccountRules(
        by=tuple(written.by),
        top={name: _how_many(how) for name, how in written.score.items()},
        free_mail=shipped_free_mail_domains() | more,
        stages=tuple(written.stages),
    )


def _how_many(how: str | Top) -> int:
    if isinstance(how, Top):
        return how.top
    return 1 if how == "max" else 0


def account_of(rules: AccountRules, traits: Mapping[str, Any], emails: Iterable[str]) -> str | None:
    """A lead's account: "group:ID" or "domain:NAME", None for none. Of several domains the first in
    the alphabet counts: it doesn't depend on the order in which they came. A group whose id is no
    text or whole number, is longer than 512 characters, or has a NUL, is none.
    """
    for by in rules.by:
        if by == "group":
            group = traits.get(GROUP_TRAIT)
            if isinstance(group, str | int) and not isinstance(group, bool):
                name = str(group)
                if 0 < len(name) <= GROUP_CHARACTERS and "\0" not in name:
                    return f"group:{name}"
        else:
            domains = {email.rpartition("@")[2].lower() for email in emails} - rules.free_mail
            if named := sorted(domain for domain in domains if domain):
                return f"domain:{named[0]}"
    return None


def account_scores(
    rules: AccountRules, by_model: Mapping[str, Sequence[float]]
) -> dict[str, float]:
    """By model, rounded to a millionth. by_model: what the model says of each member, as shown, at
    one instant, in any order.
    """
    scores = {}
    for name, top in rules.top.items():
        values = by_model[name]
        best = nlargest(top, values) if top else values
        total = fsum(best)  # the same in whatever order
        scores[name] = round(total / len(best) if best and top else total, 6)
    return scores


def account_stage(rules: AccountRules, stage: str, scores: Mapping[str, float]) -> str:
    """The stage after `stage` ("" before the first); "" in a ruleset without account stages."""
    stages = rules.stages
    if not stages:
        return ""
    at = next((number for number, one in enumerate(stages) if one.name == stage), 0)
    while at and _below(stages[at].leave, scores):
        at -= 1
    for number in range(len(stages) - 1, at, -1):
        if not _below(stages[number].enter, scores):
            return stages[number].name
    return stages[at].name


def _below(thresholds: Mapping[str, float] | None, scores: Mapping[str, float]) -> bool:
    """Is any score below its threshold?"""
    return any(scores[name] < least - TOLERANCE for name, least in (thresholds or {}).items())


def shard_of_account(key: str) -> int:
    return crc32(key.encode()) % ACCOUNT_SHARDS


def dirty_rows(leads: Iterable[UUID]) -> list[tuple[int, UUID]]:
    """Rows of account_dirty_lead: (shard, lead)."""
    return [(shard_of(lead_id, ACCOUNT_SHARDS), lead_id) for lead_id in leads]
