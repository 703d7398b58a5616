"""The read API as an ASGI app: routes, access, refusals, health."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.access import TokenGate
from services.console.accounts import AccountReader, account_routes
from services.console.duplicates.desk import DuplicateDesk
from services.console.duplicates.routes import duplicate_routes
from services.console.erasures import PersonDesk
from services.console.handoffs.desk import HandoffDesk
from services.console.handoffs.hook import hook_routes
from services.console.handoffs.pages import page_routes
from services.console.handoffs.routes import handoff_routes
from services.console.judging import JudgeDesk, judge_routes
from services.console.lead_finding import finding_routes
from services.console.merge_routes import merge_routes
from services.console.merging import MergeDesk
from services.console.order_sending import Send
from services.console.outbound.desk import OutboundDesk
from services.console.outbound.page import destination_page_routes
from services.console.outbound.routes import outbound_routes
from services.console.person_routes import person_routes
from services.console.reading import LeadReader
from services.console.refusals import answer_refusals
from services.console.reports.desk import ReportDesk
from services.console.reports.routes import report_routes
from services.console.request_times import RequestTimes
from services.console.routes import lead_routes
from services.console.segment_counts import SegmentCounter
from services.console.sequences.desk import SequenceDesk
from services.console.sequences.routes import sequence_routes
from services.console.stage_setting import StageSetter
from shared.health import Health, health_routes
from shared.identifier_forms import PLAIN_FORMS, IdentifierForms
from shared.outbound.mail import Mailer

DESCRIPTION = """Leads, their scores and stages, and the reasons; and a stage set by hand.

Times are RFC 3339 in UTC. Errors are `{"error": {"code", "message", "path"}}`."""


def create_app(
    engine: AsyncEngine,
    health: Health,
    token: str,
    now_ms: Callable[[], int],
    send: Send,
    forms: IdentifierForms = PLAIN_FORMS,
    hash_key: bytes = b"",
    persons: PersonDesk | None = None,
    shards: int = 4,
    hook_secrets: Sequence[str] = (),
    mailer: Mailer | None = None,
) -> FastAPI:
    """Build the app. `now_ms` is the clock, `send` puts an event on lead-events and raises
    TryAgainError while it can't, `forms` is how identifiers are kept here, `hash_key` that of
    keyed hashes and signs links to hand-offs; without `persons` there are no routes about them;
    `shards` are those of the outbox; who signs with `hook_secrets` may answer by webhook; `mailer`
    sends test mails. Raises
    ValueError if the token is empty, or a secret can't be read.
    """
    gate = TokenGate(token)
    app = FastAPI(
        title="leadscore read API", version="1", description=DESCRIPTION, docs_url=None,
        redoc_url=None, routes=[*health_routes(health)],
    )  # fmt: skip
    # HTTPBearer only tells OpenAPI about the scheme; the gate decides.
    shown = Depends(HTTPBearer(auto_error=False, description="The API token."))
    reader = LeadReader(engine, now_ms)
    handoffs = HandoffDesk(engine, send, now_ms, shards)
    merging = MergeDesk(engine, send, now_ms, hash_key)
    for router in (
        finding_routes(reader, forms),
        lead_routes(
            reader,
            StageSetter(engine, send, now_ms),
            SegmentCounter(engine, now_ms),
        ),
        judge_routes(JudgeDesk(engine, send, now_ms, hash_key)),
        merge_routes(merging),
        duplicate_routes(DuplicateDesk(engine, merging)),
        account_routes(AccountReader(engine, now_ms)),
        handoff_routes(handoffs),
        sequence_routes(SequenceDesk(engine, now_ms)),
        report_routes(ReportDesk(engine, now_ms)),
        outbound_routes(OutboundDesk(engine, now_ms, mailer)),
    ):
        app.include_router(router, dependencies=[Depends(gate), shown])
    app.include_router(destination_page_routes())
    if persons is not None:
        app.include_router(person_routes(persons), dependencies=[Depends(gate), shown])
    if hook_secrets:
        app.include_router(hook_routes(handoffs, hook_secrets))
    if hash_key:
        app.include_router(page_routes(handoffs, hash_key, now_ms))
    app.add_middleware(RequestTimes)
    answer_refusals(app)
    return app
