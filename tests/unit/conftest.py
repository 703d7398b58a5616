"""Property tests: the same examples in each everyday run, others whenever more are asked for.

So a change is judged by what it changed; the search for what nobody thought of is `make
test-deep`, whose rounds have seeds of their own. No deadline: the machine may be busy.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient",
    settings(),
    deadline=None,
    derandomize="LEADSCORE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")
