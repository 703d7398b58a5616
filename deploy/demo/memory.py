"""What the demo remembers between runs: when the journey began, so that repeating adds nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The journey lasts nine days and a bit; it ends before now.
BEGAN_AGO = timedelta(days=10)
# After this the story would have faded: it begins anew.
FORGET_AFTER = timedelta(days=45)


def beginning(path: Path, now: datetime) -> tuple[datetime, bool]:
    """When the journey began, in whole seconds, and whether an earlier run had set that.

    `path` is written at the first run, and again when what it says is unreadable or long ago.
    """
    try:
        began = datetime.fromisoformat(json.loads(path.read_text())["began"])
        if began.tzinfo is not None and now - FORGET_AFTER < began < now:
            return began, True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    began = (now - BEGAN_AGO).replace(microsecond=0).astimezone(UTC)
    path.write_text(json.dumps({"began": began.isoformat()}) + "\n")
    return began, False
