"""A ruleset version as the audit needs it: as it was written, and as the core reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from services.scorer.accounts import AccountRules, compile_accounts
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.slow.fields import Plain
from services.scorer.slow.lead import Oracle
from shared.envelope import Event, milliseconds
from shared.ruleset import store
from shared.ruleset.yaml_tree import read_tree


@dataclass(frozen=True, slots=True)
class Yardstick:
    """written: the document as plain values · core: the same, compiled · names: "model/rule" by
    number, of this version's rules and all others · accounts: how companies are scored.
    """

    written: Plain
    core: Ruleset
    names: dict[int, str]
    accounts: AccountRules | None = None

    def oracle(self, events: list[Event], until_ms: int) -> Oracle:
        """The second opinion on these events, with the time after them up to an instant."""
        return Oracle(self.written, [plain_event(event) for event in events], until_ms)


async def load_yardstick(engine: AsyncEngine, version: int) -> Yardstick:
    """Read a version. Raises LookupError when there is none, RulesetErrors when it can't be read
    any more.
    """
    async with engine.connect() as connection:
        stored = await store.load(connection, version)
        text = await store.source_of(connection, version)
    core = compile_ruleset(stored.document, stored.rule_numbers, version)
    names = {number: name for name, number in stored.rule_numbers.items()}
    return Yardstick(as_written(text or ""), core, names, compile_accounts(stored.document))


def as_written(text: str) -> Plain:
    """A ruleset's plain values; keys with nothing behind them are as good as left out."""
    written: Plain = _without_nothing(read_tree(text).value)
    return written


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value


def plain_event(event: Event) -> Plain:
    """An event as the oracle takes it."""
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "ms": milliseconds(event.occurred_at),
        "properties": event.properties,
        "traits": event.traits,
        "context": event.context,
        "consent": event.consent,
        "identifiers": {"external": {}, **msgspec.to_builtins(event.identifiers)},
        "verdict": {"judgement": event.verdict.judgement},
        "bot": event.verdict.judgement == "bot",
    }
