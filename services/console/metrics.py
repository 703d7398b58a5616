"""The read API's metrics, in one place."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUEST_SECONDS = Histogram(
    "leadscore_console_request_seconds",
    "Time to answer a request of the read API, by route and status.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
UNAUTHORIZED = Counter(
    "leadscore_console_unauthorized_total",
    "Requests refused because they carried no valid token.",
)
EXPLANATIONS_DIFFERENT = Counter(
    "leadscore_console_explanation_differences_total",
    "Explanations whose entries did not add up to the score kept with the lead. Should stay 0.",
)
HANDOFF_ACTS = Counter(
    "leadscore_console_handoff_acts",
    "What was done with hand-offs, by act and way (api, cli, link, webhook).",
    ["act", "via"],
)
HANDOFF_ANSWER_SECONDS = Histogram(
    "leadscore_console_handoff_answer_seconds",
    "Time from a hand-off to sales to its being accepted or rejected, nights and all.",
    buckets=(60, 600, 3600, 4 * 3600, 8 * 3600, 86400, 2 * 86400, 7 * 86400),
)
