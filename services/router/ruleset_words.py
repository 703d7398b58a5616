"""What a ruleset version says in words: of its stages, and of each rule."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from services.router.facts import Announcement, AnyFact
from services.router.nearest import to_be_tried
from services.router.outbox import Pool
from services.router.owners import Team
from services.router.sequences.deciding import Definition
from services.router.table import Table, table_of
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compile_rule import fading_of
from services.scorer.core.compiled import Ruleset
from services.scorer.core.ladder import Rung, Side
from shared.decay import Kind
from shared.ruleset.document import RulesetDocument
from shared.ruleset.reading import RulesetErrors, read_ruleset
from shared.ruleset.sales import Sales
from shared.ruleset.suppress import Suppress

log = structlog.get_logger()

SOURCE = "SELECT source FROM ruleset_version WHERE version = $1"
VERSIONS_KEPT = 8


@dataclass(frozen=True, slots=True)
class RulesetWords:
    """labels: by journey and stage, such as MQL · says: by "model/rule", see
    shared.ruleset.wording · fading: by "model/rule", how its points fade and how long that takes,
    see shared.decay.faded; missing: they don't · core: personas, segments and grade; None where the
    version can't be read · table: the hand-off table · suppress: whom nothing is sent to or about ·
    sales, team: what sales works by · sequences: by name · handoffs: by journey and stage, who gets
    the lead · tried: core with a few rules at a time, among which the cheapest next deed is looked
    for.
    """

    labels: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)
    fading: dict[str, tuple[Kind, int]] = field(default_factory=dict)
    core: Ruleset | None = None
    table: Table = field(default_factory=dict)
    suppress: Suppress | None = None
    sales: Sales = field(default_factory=Sales)
    team: Team | None = None
    sequences: Mapping[str, Definition] = field(default_factory=dict)
    handoffs: dict[str, dict[str, str]] = field(default_factory=dict)
    tried: tuple[Ruleset, ...] = ()


def words_of(source: str) -> RulesetWords:
    """Read them from a ruleset's YAML. Raises RulesetErrors."""
    document = read_ruleset(source)
    # Numbers of rules don't matter here: nothing is granted.
    numbers = {name: number for number, name in enumerate(document.rule_names(), 1)}
    core = compile_ruleset(document, numbers, 1)
    words = RulesetWords(
        document.labels(),
        core=core,
        table=table_of(document),
        suppress=document.suppress,
        sales=document.sales or Sales(),
        team=_team(document, core),
        sequences={
            name: Definition(name, written, core.sequences[name], document.sequence_limits)
            for name, written in document.sequences.items()
        },
        handoffs=_handoffs(core),
        tried=to_be_tried(core),
    )
    for model_name, model in document.models.items():
        for rule in model.rules:
            name = f"{model_name}/{rule.id}"
            words.says[name] = rule.say
            words.fading[name] = fading_of(model, rule)
    return words


def _team(document: RulesetDocument, core: Ruleset) -> Team | None:
    if document.sales is None or document.sales.owners is None:
        return None
    return Team(document.sales.owners, core.owner_checks)


def _handoffs(core: Ruleset) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, ladder in core.ladders.items():
        stages: list[Rung | Side] = [*ladder.rungs, *ladder.sides]
        found[name] = {stage.name: stage.handoff for stage in stages if stage.handoff}
    return found


class Rulesets:
    """Reads versions once; they never change."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: OrderedDict[int, RulesetWords] = OrderedDict()

    async def words(self, version: int) -> RulesetWords:
        """A version's words; empty ones where it can't be read, for a hand-off must still go."""
        if version not in self._kept:
            self._kept[version] = await self._read(version)
            while len(self._kept) > VERSIONS_KEPT:
                self._kept.popitem(last=False)
        return self._kept[version]

    async def table(self, fact: AnyFact) -> Table:
        """The hand-off table that a fact was found under."""
        if isinstance(fact, Announcement) or not fact.rows:
            return {}
        return (await self.words(fact.ruleset_version)).table

    async def _read(self, version: int) -> RulesetWords:
        source = await self._pool.fetchval(SOURCE, version)
        if source is None:
            return RulesetWords()
        try:
            return await asyncio.to_thread(words_of, source)
        except RulesetErrors:
            log.warning("a stored ruleset can't be read", version=version)
            return RulesetWords()
