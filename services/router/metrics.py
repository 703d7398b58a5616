"""Every metric of the router, in one table. No lead ids or addresses as labels."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("leadscore_router_published", "Messages acknowledged by Kafka", ["kind"])
FACTS_DONE = Counter("leadscore_router_facts_done", "Facts of the outbox that are dealt with")
FOUND_ON_TOPIC = Counter(
    "leadscore_router_found_on_topic", "Facts that a take-over found published already"
)
FACTS_UNBUILT = Counter(
    "leadscore_router_facts_unbuilt", "Facts no message could be made of; their lead waits", ["why"]
)
LEADS_BLOCKED = Gauge(
    "leadscore_router_leads_blocked", "Leads that wait behind a fact that can't be built", ["shard"]
)
EVENTS_UNREADABLE = Counter(
    "leadscore_router_events_unreadable", "Stored events left out of a packet: unreadable"
)
NEXT_STEPS_SKIPPED = Counter(
    "leadscore_router_next_steps_skipped", "Packets without a look for the cheapest next step"
)
ENROLMENTS_UNREADABLE = Counter(
    "leadscore_router_enrolments_unreadable",
    "Looks at leads on sequences of which what is stored can't be read; they wait an hour",
)
HANDOFFS_UNREADABLE = Counter(
    "leadscore_router_handoffs_unreadable",
    "Hand-offs whose clock struck and of which what is stored can't be read; they wait an hour",
)
LEFT_OUT = Counter(
    "leadscore_router_left_out",
    "Steps and reminders that were suppressed by the time they were to be published",
    ["kind", "why"],
)
BACKLOG = Gauge("leadscore_router_chunk_size", "Facts found by the last look at a shard", ["shard"])
SHARDS_HELD = Gauge("leadscore_router_shards_held", "Shards of the outbox this process owns")
SHARDS_LOST = Counter("leadscore_router_shards_lost", "Shards given up, by reason", ["why"])
CHUNK_SECONDS = Histogram(
    "leadscore_router_chunk_seconds",
    "Seconds to build, publish and mark one chunk",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
)
LAG_SECONDS = Histogram(
    "leadscore_router_lag_seconds",
    "Seconds from the scorer's commit to the acknowledgement by Kafka, the oldest of each chunk",
    buckets=(0.1, 0.3, 1, 3, 10, 60, 600, 3600),
)
SWEPT = Counter("leadscore_router_swept_rows", "Old rows removed", ["table"])
DELIVERIES = Counter("leadscore_router_deliveries", "Attempts to deliver, by outcome", ["outcome"])
DELIVERY_SECONDS = Histogram(
    "leadscore_router_delivery_seconds",
    "Seconds a receiver took to answer",
    buckets=(0.05, 0.1, 0.3, 1, 3, 5, 15),
)
HANDOFF_LEVELS = Counter(
    "leadscore_router_handoff_levels", "Hand-offs to sales whose clock struck, by level", ["level"]
)
SEQUENCE_STEPS = Counter(
    "leadscore_router_sequence_steps", "Steps of sequences that are over, by outcome", ["outcome"]
)
SEQUENCES_ENDED = Counter(
    "leadscore_router_sequences_ended", "Leads that left a sequence, by reason", ["why"]
)
DELIVERY_WAIT_SECONDS = Histogram(
    "leadscore_router_delivery_wait_seconds",
    "Seconds from queuing a delivery to its first attempt",
    buckets=(0.1, 0.3, 1, 3, 10, 60, 600, 3600),
)
CIRCUITS_OPENED = Counter(
    "leadscore_router_circuits_opened", "Times a destination was held: it failed again and again"
)
