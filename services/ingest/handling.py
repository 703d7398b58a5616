"""How this installation handles what comes in: the form of identifiers, and how much is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.ingest.agent_families import agent_family
from services.ingest.field_lists import FieldLists, field_lists
from services.ingest.inflow import InflowTable, inflow_table
from services.ingest.network_address import truncated_ip, whole_ip
from services.ingest.url_parameters import Cleaner, clean_properties, url_cleaner
from shared.identifier_forms import PLAIN_FORMS, IdentifierForms, forms_of
from shared.settings import Settings


def _none(_text: str) -> str:
    return ""


_IP: dict[str, Callable[[str], str]] = {"none": _none, "truncated": truncated_ip, "full": whole_ip}
_AGENT: dict[str, Callable[[str], str] | None] = {
    "none": _none,
    "family": agent_family,
    "full": None,
}


_UNCLEANED = url_cleaner("")
_INFLOW = InflowTable()


@dataclass(frozen=True, slots=True)
class Handling:
    """What normalising is told by settings. ip, agent: what is kept of an address and of a user
    agent, "" for nothing, None for all · url: cleans the address of a page · fields: None where all
    are kept · inflow: tells where visits came from.
    """

    forms: IdentifierForms = PLAIN_FORMS
    ip: Callable[[str], str] = truncated_ip
    agent: Callable[[str], str] | None = None
    url: Cleaner = _UNCLEANED
    fields: FieldLists | None = None
    inflow: InflowTable = _INFLOW

    def kept(
        self, document: dict[str, Any], part: str, needed: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """What is kept of properties or traits (`part`): the fields that may stay, with the
        addresses of pages in them cleaned. needed: names that stay whatever the lists say.
        """
        if self.fields is not None:
            document = self.fields.kept(document, part, needed)
        return clean_properties(document, self.url)


def handling_of(settings: Settings) -> Handling:
    """Raises ValueError for a setting that can't be used."""
    return Handling(
        forms=forms_of(settings),
        ip=_IP[settings.ip],
        agent=_AGENT[settings.user_agent],
        url=url_cleaner(settings.url_parameters_deny),
        fields=field_lists(settings.fields_deny, settings.fields_allow),
        inflow=inflow_table(settings.inflow_file),
    )


# With no settings at all: for what is normalised outside of a running ingest.
PLAIN = Handling(url=url_cleaner(str(Settings.model_fields["url_parameters_deny"].default)))
