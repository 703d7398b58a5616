"""Configured providers: their keys, polled from Postgres, the last known kept while it is away."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from services.ingest.sendgrid_signature import read_public_key
from shared.settings import Settings

SENDGRID = "sendgrid"
DEFAULT_NAME = "default"


@dataclass(slots=True)
class Sources:
    """SendGrid's public keys by the name given to the source."""

    sendgrid: dict[str, EllipticCurvePublicKey] = field(default_factory=dict)

    def sendgrid_keys(self, name: str | None) -> list[EllipticCurvePublicKey]:
        """The key of one source, or all of them when the address names none."""
        if name is None:
            return list(self.sendgrid.values())
        key = self.sendgrid.get(name)
        return [] if key is None else [key]


def sources_in_settings(settings: Settings) -> Sources:
    """The sources given by environment. Raises ValueError for a key that can't be read."""
    sources = Sources()
    if settings.sendgrid_public_key:
        sources.sendgrid[DEFAULT_NAME] = read_public_key(settings.sendgrid_public_key)
    return sources
