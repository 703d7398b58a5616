"""Checks of the consent policy: regions by their names, and what their conditions may ask."""

from __future__ import annotations

from collections.abc import Iterator

from shared.ruleset.condition_checks import Fault, condition_faults
from shared.ruleset.consent import ConsentPolicy
from shared.ruleset.yaml_tree import Path


def consent_faults(path: Path, policy: ConsentPolicy) -> Iterator[Fault]:
    """What is wrong with a consent policy."""
    seen: set[str] = set()
    for number, region in enumerate(policy.regions):
        at = (*path, "regions", number)
        if region.id in seen:
            yield Fault((*at, "id"), f"{region.id} is used twice", "rename one of them")
        seen.add(region.id)
        yield from condition_faults((*at, "when"), region.when, "region", None)
