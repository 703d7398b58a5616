"""How many examples property tests try: LEADSCORE_EXAMPLES times the usual."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_TIMES = float(os.environ.get("LEADSCORE_EXAMPLES", "1"))


def examples(usual: int) -> settings:
    """Settings for a property test that tries `usual` examples in everyday runs."""
    return settings(
        max_examples=max(1, round(usual * _TIMES)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
