"""Sales' answers by webhook: signed as Standard Webhooks asks, without the API's token."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from services.console import answers
from services.console.handoffs.answers import ActRequest, HandoffDetail, HookBody
from services.console.handoffs.desk import HandoffDesk
from services.console.handoffs.routes import NO_SUCH_HANDOFF
from services.console.parameters import as_json, refuse_nul
from services.console.refusals import RefusedError
from services.console.routes import CANNOT_BE_DONE
from shared.handoff_states import SALES_ACTS

MOST_BYTES = 16 * 1024


def hook_routes(desk: HandoffDesk, secrets: Sequence[str]) -> APIRouter:
    """secrets: any of them may have signed."""
    router = APIRouter(prefix="/v1")
    hooks = [Webhook(secret) for secret in secrets]

    @router.post(
        "/hooks/sales",
        response_model=HandoffDetail,
        responses={
            **NO_SUCH_HANDOFF,
            **CANNOT_BE_DONE,
            400: {"model": answers.Refusal, "description": "The body is not as it should be."},
            401: {"model": answers.Refusal, "description": "Not signed by a secret of ours."},
            413: {"model": answers.Refusal, "description": "The body is too large."},
        },
        summary="Sales' answer by webhook",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": HookBody.model_json_schema()}},
            }
        },
    )
    async def answer_by_webhook(request: Request) -> Response:
        """{"handoff_id", "act", "reason", …}, signed with a secret of LEADSCORE_SALES_WEBHOOK_\
SECRETS. The same again changes nothing.
        """
        body = await read_bounded(request, MOST_BYTES)
        if not any(_is_signed(hook, body, dict(request.headers)) for hook in hooks):
            raise RefusedError(
                401, "signature_invalid", "sign the body as Standard Webhooks asks", "headers"
            )
        try:
            said = HookBody.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            path = ".".join(str(step) for step in ("body", *first["loc"]))
            raise RefusedError(400, "invalid_parameter", first["msg"], path) from None
        if said.act not in SALES_ACTS:
            raise RefusedError(400, "act_unknown", f"acts are {', '.join(SALES_ACTS)}", "body.act")
        refuse_nul(said.reason, said.note, said.actor)
        asked = ActRequest.model_validate(said.model_dump(exclude={"handoff_id", "act"}))
        # Senders send again what they had no answer to, at times after something else was said.
        message = f"webhook {request.headers['webhook-id']}"
        if await desk.is_used(message):
            return as_json(await desk.one(said.handoff_id))
        return as_json(await desk.act(said.handoff_id, said.act, asked, "webhook", link=message))

    return router


async def read_bounded(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes. Raises RefusedError."""
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > most:
            raise RefusedError(413, "body_too_large", f"send at most {most} bytes", "body")
    return bytes(read)


def _is_signed(hook: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        hook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError, OverflowError, OSError):
        return False
    return True
