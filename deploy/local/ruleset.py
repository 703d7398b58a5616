"""The shipped ruleset goes live where none is live yet."""

from __future__ import annotations

from services.scorer.shipped import DEFAULT, shipped_text
from shared.database import create_engine
from shared.ruleset import store
from shared.settings import Settings


async def publish_default(settings: Settings) -> str:
    """Publish the default ruleset unless one is live; what was done, in words."""
    engine = create_engine(settings, pool_size=1)
    try:
        async with engine.begin() as connection:
            live = await store.live_version(connection)
            if live is not None:
                return f"version {live} is live"
            text = shipped_text(DEFAULT)
            version = await store.publish(connection, text, "the default ruleset")
            return f"the default one is live now, as version {version}"
    finally:
        await engine.dispose()
