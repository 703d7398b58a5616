"""Requests made from ingest's OpenAPI document: what it promises about answers holds."""

from __future__ import annotations

import asyncio

from services.ingest.imports.uploads import Uploads
from shared.database import create_engine
from shared.settings import Settings
from tests.contract_run import told_of_contract
from tests.ingest_server import serving_ingest

KEY = {"authorization": "Bearer test-write-key"}
# At the same time; what is left out has the handler of one of these (/v1/t is /v1/track).
PARTS = (
    "^/v1/(track|identify|page|batch|m)$",
    "^/(collect|v1/(forms|webhooks|projects)/.*|sourceConfig|v1/pixel.gif|beacon.js)$",
    "^/(i|com.*|matomo.php|mp/.*|[oc]/.*)$",
)
SECRET = {"authorization": "Bearer test-secret-key"}
FILES = "^/v1/import.*$"


async def test_answers_are_those_of_the_document(settings: Settings) -> None:
    """Good, odd and bad requests for every operation: no 5xx, and no answer it doesn't name."""
    engine = create_engine(settings, pool_size=1)
    async with serving_ingest(settings, uploads=Uploads(engine)) as url:
        asked = f"{url}/openapi.json"
        told = await asyncio.gather(
            *(told_of_contract(asked, KEY, part) for part in PARTS),
            told_of_contract(asked, SECRET, FILES),
        )
    await engine.dispose()
    for code, said in told:
        assert code == 0, said
