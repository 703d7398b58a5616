"""Who may read: bearers of the API token."""

from __future__ import annotations

import hmac

from fastapi import Request

from services.console.metrics import UNAUTHORIZED
from services.console.refusals import RefusedError

SCHEME = "bearer"


class TokenGate:
    """A dependency that lets requests with the token through and refuses all others with 401."""

    def __init__(self, token: str) -> None:
        if not token:
            raise ValueError(
                "the read API has no token: set LEADSCORE_API_TOKEN (it would be open otherwise)"
            )
        self._token = token.encode()

    async def __call__(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Compared as bytes: compare_digest refuses text outside ASCII.
        matches = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self._token)
        if scheme.lower() != SCHEME or not matches:
            UNAUTHORIZED.inc()
            raise RefusedError(
                401,
                "unauthorized",
                "send the header 'Authorization: Bearer API_TOKEN'",
                "headers.authorization",
                {"WWW-Authenticate": "Bearer"},
            )
