"""Who is never written to or handed over, as people write it, beside what the people said."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.ruleset.part import Name, Part, Text, as_list
from shared.ruleset.stages import Names

Domains = Annotated[list[Text], BeforeValidator(as_list), Field(max_length=1000)]


class Company(Part):
    """People of a company: by the domains of their addresses, with those below them, or by
    segment.
    """

    domains: Domains = Field([])
    segments: Annotated[list[Name], BeforeValidator(as_list), Field(max_length=50)] = Field([])


class Suppress(Part):
    """competitor, staff: whose people nothing is sent to or about · stages: of the journey main,
    whose leads are left alone, such as disqualified.
    """

    competitor: Company | None = None
    staff: Company | None = None
    stages: Names | None = None
