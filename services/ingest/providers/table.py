"""The table of providers: adding one is a file of its own and a line here."""

from __future__ import annotations

from services.ingest.providers import sendgrid
from services.ingest.providers.contract import Provider

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (sendgrid.PROVIDER,)}
