"""The metrics of ingest: names, units and labels in one place. No personal data in labels."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "leadscore_ingest_requests_total", "Requests by route and HTTP status.", ["route", "status"]
)
REQUEST_SECONDS = Histogram(
    "leadscore_ingest_request_duration_seconds",
    "From the request's headers to the answer, acknowledgement included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
EVENTS_ACCEPTED = Counter(
    "leadscore_ingest_events_accepted_total", "Events acknowledged by Kafka, by source.", ["source"]
)
REJECTED = Counter(
    "leadscore_ingest_rejected_total", "Requests and events of batches refused, by code.", ["code"]
)
GPC_WITHHELD = Counter(
    "leadscore_ingest_gpc_withheld_total",
    "Passive events not kept because the browser sent Sec-GPC: 1.",
)
CONSENT_WITHHELD = Counter(
    "leadscore_ingest_consent_withheld_total",
    "Passive events not kept because they came with analytics consent denied.",
)
TRAITS_LEFT_OUT = Counter(
    "leadscore_ingest_traits_left_out_total", "Nested traits that were left out of an event."
)
IDENTIFIERS_LEFT_OUT = Counter(
    "leadscore_ingest_identifiers_left_out_total",
    "Identifiers that events were kept without: placeholder, unreadable, device, too_many.",
    ["kind", "why"],
)
FIELDS_DROPPED = Counter(
    "leadscore_ingest_fields_dropped_total",
    "Fields that the lists of fields don't let through, by the pattern of the setting.",
    ["pattern"],
)
RATE_LIMITED = Counter(
    "leadscore_ingest_rate_limited_total",
    "Requests refused because one key, address or lead sends too much.",
    ["what"],
)
LINK_EVENTS_LOST = Counter(
    "leadscore_ingest_link_events_lost_total",
    "Openings and clicks of our own links that could not be kept: the person was led on.",
    ["kind", "code"],
)
URLS_CLEANED = Counter(
    "leadscore_ingest_urls_cleaned_total",
    "Addresses of pages that lost what is personal or secret in them.",
)
PROVIDER_ITEMS = Counter(
    "leadscore_ingest_provider_items_total",
    "Items of provider webhooks by outcome: taken, left_out (a kind we don't use), dead_letter.",
    ["provider", "outcome"],
)
PASSED_OVER = Counter(
    "leadscore_ingest_passed_over_total",
    "Items of other trackers that say nothing about a person's interest, such as heartbeats.",
    ["tracker"],
)
SIGNATURES_REFUSED = Counter(
    "leadscore_ingest_signatures_refused_total", "Webhooks refused, by code.", ["provider", "code"]
)
IN_FLIGHT_EVENTS = Gauge(
    "leadscore_ingest_in_flight_events", "Events sent to Kafka and not yet acknowledged."
)
IN_FLIGHT_BYTES = Gauge(
    "leadscore_ingest_in_flight_bytes", "Bytes of events sent to Kafka and not yet acknowledged."
)
