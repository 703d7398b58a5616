"""How many examples property tests try: LEADSCORE_EXAMPLES times the usual."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_TIMES = float(os.environ.get("LEADSCORE_EXAMPLES", "1"))
# A planted fault only has to be found: the smallest example of it is of no interest.
_PHASES = (
    (Phase.explicit, Phase.generate) if os.environ.get("LEADSCORE_FIRST_FAULT") else tuple(Phase)
)


def examples(usual: int) -> settings:
    """Settings for a property test that tries `usual` examples in everyday runs."""
    return settings(
        max_examples=max(1, round(usual * _TIMES)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=_PHASES,
    )
