"""Who may come in, by which way, from where, and how much: asked before anything is kept."""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

from services.ingest.edge import Edge, address_of, header
from services.ingest.keys import Sender
from services.ingest.refusal import Refusal

# The ways in that a key may be limited to.
USES: Final = ("segment", "collect", "forms", "pixel", "snowplow", "matomo", "ga4", "imports")


def admitted(edge: Edge, scope: Scope, use: str, *keys: str) -> Sender:
    """The sender of the first known key. Raises Refusal: 401 when none is known, 403 for a way in
    or an origin that isn't the key's, 429 when its address sends too much.
    """
    sender = edge.keys.require(*keys)
    if sender.uses is not None and use not in sender.uses:
        raise Refusal(403, "use_not_allowed", "This key may not be used for that.")
    if sender.origins is not None:
        origin = header(scope, b"origin")
        if origin and origin.decode("latin-1") not in sender.origins:
            raise Refusal(403, "origin_not_allowed", "Pages of this origin may not use this key.")
    if sender.public:
        edge.rates.check_address(address_of(scope))
    return sender
