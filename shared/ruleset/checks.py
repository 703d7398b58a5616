"""Checks that the parts of a ruleset fit together: names, fields, expressions, stages."""

from __future__ import annotations

from shared.ruleset.account_checks import account_faults
from shared.ruleset.condition_checks import Fault, Names
from shared.ruleset.consent_checks import consent_faults
from shared.ruleset.document import RulesetDocument
from shared.ruleset.handoff_checks import handoff_faults, suppress_faults
from shared.ruleset.model_checks import band_faults, grade_faults, model_faults
from shared.ruleset.sales_checks import sales_faults
from shared.ruleset.scenario_checks import scenario_faults
from shared.ruleset.sequence_checks import sequence_faults
from shared.ruleset.stage_checks import journey_faults, named_faults
from shared.ruleset.stages import all_stages

__all__ = ["Fault", "faults_of"]


def faults_of(document: RulesetDocument) -> list[Fault]:
    """Everything that doesn't fit, in the order of the document."""
    faults: list[Fault] = []
    names = names_of(document)
    faults.extend(named_faults(("personas",), document.personas))
    faults.extend(named_faults(("segments",), document.segments))
    for name, model in document.models.items():
        faults.extend(model_faults(("models", name), model, document.models, names))
    if document.grade is not None:
        faults.extend(grade_faults(("grade",), document.grade, document.models))
    for name, bands in document.bands.items():
        faults.extend(band_faults(("bands", name), name, bands, document.models))
    if document.accounts is not None:
        faults.extend(account_faults(("accounts",), document.accounts, document.models))
    if document.consent is not None:
        faults.extend(consent_faults(("consent",), document.consent))
    faults.extend(journey_faults(document, names))
    faults.extend(handoff_faults(document, names))
    faults.extend(suppress_faults(document, names))
    faults.extend(sales_faults(document, names))
    faults.extend(sequence_faults(document, names))
    faults.extend(scenario_faults(document, names, stage_names(document)))
    return faults


def stage_names(document: RulesetDocument) -> dict[str, list[str]]:
    """Every journey's stages, by its name."""
    return {
        name: [one.name for one in all_stages(stages)]
        for name, stages in document.all_journeys().items()
    }


def names_of(document: RulesetDocument) -> Names:
    """What conditions may name."""
    return Names(
        tuple(one.id for one in document.segments), tuple(one.id for one in document.personas)
    )
