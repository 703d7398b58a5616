"""The scorer's metrics, as a table. No lead, person or event id is ever a label."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "leadscore_scorer_events", "Events taken in, by what became of them", ["outcome"]
)  # scored, duplicate, erased (of a person erased since), dead_letter, too_old (one, too)
ENTRIES = Counter("leadscore_scorer_entries", "Ledger entries granted")
STAGE_CHANGES = Counter(
    "leadscore_scorer_stage_changes", "Stage changes, by what caused them", ["cause"]
)  # batch, timer, recalculation
REFOLDED = Counter("leadscore_scorer_refolded_leads", "Leads whose history was folded again")
MERGED = Counter("leadscore_scorer_merged_leads", "Leads merged into others")
CONFLICTS = Counter(
    "leadscore_scorer_identity_conflicts",
    "Events whose identifiers belong to two known leads: nothing was merged",
)
REVIEWED = Counter(
    "leadscore_scorer_leads_reviewed",
    "Leads whose names were shared out anew: an event named them before all that was known, or an "
    "operator took a merge back",
)
REFUSED_IDENTIFIERS = Counter(
    "leadscore_scorer_identifiers_refused",
    "Identifiers not attached to a lead because it had too many already",
)
ERASURES = Counter("leadscore_scorer_erasures", "People erased")
BATCHES_PARTED = Counter(
    "leadscore_scorer_batches_parted",
    "Batches taken in by parts: too many merges, too many collisions, or data at fault",
)
RETRIES = Counter("leadscore_scorer_retries", "Batches tried again, by reason", ["reason"])
BATCH_EVENTS = Histogram(
    "leadscore_scorer_batch_events", "Events a batch",
    buckets=(1, 5, 20, 100, 500, 1000, 2000, 5000, 10000),
)  # fmt: skip
BATCH_SECONDS = Histogram(
    "leadscore_scorer_batch_seconds", "Time from claim to commit of a batch",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
LAG = Gauge(
    "leadscore_scorer_lag_events", "Records not yet taken in, over this process's partitions"
)
PARTITIONS = Gauge("leadscore_scorer_partitions", "Partitions this process owns")
WATERMARK_AGE = Gauge("leadscore_scorer_watermark_age_seconds", "How far behind now timers may act")
TIMERS = Counter("leadscore_scorer_timer_leads", "Leads at which time changed something or was due")
ACCOUNT_NOTES = Gauge(
    "leadscore_scorer_account_notes", "Changes of leads that their accounts don't show yet, of all"
)
ACCOUNTS_MADE = Counter("leadscore_scorer_accounts_made", "Account scores made anew")
ACCOUNT_STAGE_CHANGES = Counter(
    "leadscore_scorer_account_stage_changes", "Stage changes of accounts"
)
RETENTION_ROWS = Counter(
    "leadscore_scorer_retention_rows", "Rows that went because they were old enough", ["class"]
)  # events, anonymous, bots, logs
RETENTION_HORIZON = Gauge(
    "leadscore_scorer_retention_horizon_timestamp_seconds",
    "What is older goes, or is gone, by class of data",
    ["class"],
)
RETENTION_SWEPT = Gauge(
    "leadscore_scorer_retention_swept_timestamp_seconds",
    "When the last sweep of a class ended",
    ["class"],
)
RULESET_VERSION = Gauge("leadscore_scorer_ruleset_version", "The ruleset version in use")
RECALCULATED = Counter(
    "leadscore_scorer_recalculated_leads", "Leads scored again under a new ruleset"
)
AUDIT_CHECKED = Gauge(
    "leadscore_scorer_audit_checked_leads", "Leads that the last finished audit checked"
)
AUDIT_DIFFERING = Gauge(
    "leadscore_scorer_audit_differing_leads",
    "Leads that differed in the last finished audit, and were not repaired",
)
AUDIT_ENDED = Gauge(
    "leadscore_scorer_audit_end_timestamp_seconds",
    "When the last finished audit ended, 0 before the first",
)
