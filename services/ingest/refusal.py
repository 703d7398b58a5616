"""What is refused: one exception, one JSON shape."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """A request, or one event of a batch, that is not taken.

    status: HTTP status · code: short snake_case reason, safe as a metric label · message: for a
    person, never repeats what was sent · path: where in the document, such as "batch[3].userId" ·
    retry_after: seconds, for 429.
    """

    def __init__(
        self, status: int, code: str, message: str, path: str = "", retry_after: int = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.path = path
        self.retry_after = retry_after

    def as_dict(self) -> dict[str, Any]:
        """{"code", "message", "path"}: the inside of an error answer."""
        return {"code": self.code, "message": self.message, "path": self.path}

    def under(self, prefix: str) -> Refusal:
        """The same refusal, its path seen from further out."""
        path = f"{prefix}.{self.path}" if self.path else prefix
        return Refusal(self.status, self.code, self.message, path, self.retry_after)


def invalid(code: str, message: str, path: str = "") -> Refusal:
    """A 400."""
    return Refusal(400, code, message, path)


def refusal_response(refusal: Refusal) -> Response:
    """{"error": {"code", "message", "path"}} with the status, and Retry-After where it has one."""
    headers = {"retry-after": str(refusal.retry_after)} if refusal.retry_after else {}
    if refusal.status == 401:
        headers["www-authenticate"] = "Basic"
    return Response(
        msgspec.json.encode({"error": refusal.as_dict()}),
        status_code=refusal.status,
        headers=headers,
        media_type="application/json",
    )
