"""Who must not be written to or handed over, whatever else says so. Pure.

What a person said wins over everything; so does what the ruleset says of competitors, of one's own
people, and of stages whose leads are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.consenting import suppressed_by
from services.scorer.core.standing import segments_at
from shared.facts import Suppressed
from shared.identity import EMAIL, Identifier
from shared.lead_state import ScoreState
from shared.ruleset.suppress import Company, Suppress

Receiver = Literal["content", "sales"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision looks at. stage: of the journey main · at_ms: now."""

    state: ScoreState
    stage: str
    identifiers: Iterable[Identifier]
    at_ms: int


def why_not(
    receiver: Receiver, core: Ruleset | None, suppress: Suppress | None, lead: Standing
) -> Suppressed:
    """Why nothing may go to a receiver about a lead, "" where it may. core: of the version that the
    lead's scores stand under, None where it can't be read. A bounce is the last of reasons: it
    stops mails alone, the others everything.
    """
    said = suppressed_by(core.consent if core is not None else None, lead.state, receiver)
    if said and said != "email_bounced":
        return said
    return _ruled_out(core, suppress, lead) or said


def _ruled_out(core: Ruleset | None, suppress: Suppress | None, lead: Standing) -> Suppressed:
    """By the ruleset's `suppress`: on every channel."""
    if suppress is None:
        return ""
    if lead.stage in (suppress.stages or ()):
        return "disqualified"
    domains = [value.rpartition("@")[2] for kind, value in lead.identifiers if kind == EMAIL]
    if _is_of(suppress.competitor, core, lead, domains):
        return "competitor"
    return "staff" if _is_of(suppress.staff, core, lead, domains) else ""


def _is_of(
    company: Company | None, core: Ruleset | None, lead: Standing, domains: list[str]
) -> bool:
    if company is None:
        return False
    theirs = [name.lower().lstrip("@.") for name in company.domains]
    if any(domain == name or domain.endswith(f".{name}") for domain in domains for name in theirs):
        return True
    if not company.segments or core is None:
        return False
    now_ms = max(lead.at_ms, scored_until_ms(lead.state))
    return not set(company.segments).isdisjoint(segments_at(core, lead.state, now_ms))
