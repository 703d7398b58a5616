"""Suppression at the moment of sending: what was said since a message was queued counts."""

from __future__ import annotations

from starlette.responses import Response

from shared.lead_state import Consent, ScoreState, encode_scores
from shared.settings import Settings
from tests.integration.router.outbox_rows import AT_MS, ask, fact, new_lead, put, until
from tests.integration.router.receiver import Posted, receiver
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import download, store_lead
from tests.integration.router.test_webhooks import QUICK, add, waiting


async def test_who_forbids_contact_while_a_hand_off_is_tried_again_is_not_told_of(
    settings: Settings, database_url: str
) -> None:
    """The receiver was away when it first went; by the time it's back the person has said no. The
    stage change goes all the same: systems have to know.
    """
    lead = new_lead()
    await store_lead(database_url, lead, [download(1, AT_MS)])
    up = False
    async with receiver() as to:

        def answer(posted: Posted) -> Response:
            refused = posted.body["type"] == "handoff.sales" and not up
            return Response(status_code=503 if refused else 200)

        to.answer = answer
        to.secret = await add(database_url, "crm", to.url)
        await put(database_url, [fact(lead, 1, handoff="sales", to_stage="validate")])
        async with running(settings, webhook_retry_scale=QUICK):
            await emptied(database_url)

            async def tried() -> bool:
                return any(each.body["type"] == "handoff.sales" for each in to.posted)

            await until(tried, "the hand-off is tried once")
            said = ScoreState(consent={"sales_contact": Consent(False, AT_MS)})
            await ask(database_url, "UPDATE lead SET scores = $1 RETURNING 1", encode_scores(said))
            up = True

            async def ended() -> bool:
                return await waiting(database_url, "crm", "suppressed") == 1

            await until(ended, "the hand-off is suppressed")
            before = len(to.posted)
        assert await waiting(database_url, "crm", "delivered") == 1
        assert len(to.posted) == before
        assert [each.body["type"] for each in to.posted].count("handoff.sales") >= 1
