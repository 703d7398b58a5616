"""Every table, in SQLAlchemy Core: what the migrations build and the services read.

Instants on hot tables are bigint milliseconds since 1970 UTC (`…_ms`): integers cost less per row
than datetimes on the scorer's path. Tables that people look at use timestamptz.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

# How far each partition of lead-events has been taken in. The claim of a batch is a compare-and-set
# on (next_offset, epoch); watermark_ms is the instant up to which timers may act for it ·
# erased_ms: the newest erasure's instant: a claim learns of it, and waits for one under way.
consumer_partition = sa.Table(
    "consumer_partition",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("partition", sa.Integer, primary_key=True),
    sa.Column("cluster_id", sa.Text, nullable=False),
    sa.Column("next_offset", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("watermark_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("erased_ms", sa.BigInteger, nullable=False, server_default="0"),
)

# A person, known or anonymous. due_ms is a lower bound of the next instant at which something
# changes without an event: it is only rewritten when it must be, so that updates stay HOT.
lead = sa.Table(
    "lead",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("known", sa.Boolean, nullable=False),
    sa.Column("merged_into", UUID),
    sa.Column("identity_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("stage_since_ms", sa.BigInteger, nullable=False),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("scores", BYTEA, nullable=False),
    sa.Column("journeys", BYTEA, nullable=False),
    sa.Index("lead_stage_id_idx", "stage", "id", postgresql_where=sa.text("merged_into IS NULL")),
    sa.Index("lead_due_ms_idx", "due_ms", postgresql_where=sa.text("due_ms IS NOT NULL")),
    sa.Index("lead_ruleset_version_id_idx", "ruleset_version", "id"),
    sa.Index(
        "lead_merged_into_idx", "merged_into", postgresql_where=sa.text("merged_into IS NOT NULL")
    ),
    postgresql_with={"fillfactor": "70"},
)

# Which lead an identifier belongs to. Kinds: shared.identity.KIND_NAMES. A known identifier has one
# row (since_ms 0), whose claimed_ms is when it was first seen. An anonymous id has one row per run
# of occurred_at in which it belongs to one person: the first has since_ms 0 and covers everything
# before; claimed_ms is when that first person identified (null: nobody yet). origin: the lead it
# was put down for, where a merge has given it to another since. marks: shared.identity.Marks.
identifier = sa.Table(
    "identifier",
    metadata,
    sa.Column("kind", sa.SmallInteger, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, primary_key=True, server_default="0"),
    sa.Column("claimed_ms", sa.BigInteger),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("origin", UUID),
    sa.Column("marks", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Index("identifier_lead_id_idx", "lead_id"),
)

# Leads whose events name somebody else's known identifier (two known people stay two): where
# an erasure or an export of that person has to look, too.
identifier_mention = sa.Table(
    "identifier_mention",
    metadata,
    sa.Column("kind", sa.SmallInteger, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Index("identifier_mention_lead_id_idx", "lead_id"),
)

# Merges, the newest last. cause: identify, alias or operator · undone_ms: when an operator took it
# back, or events that came late showed that they are two.
lead_merge = sa.Table(
    "lead_merge",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("absorbed", UUID, nullable=False),
    sa.Column("survivor", UUID, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("undone_ms", sa.BigInteger),
    sa.Column("undone_by", sa.Text, nullable=False, server_default=""),
    sa.Index("lead_merge_absorbed_idx", "absorbed"),
    sa.Index("lead_merge_survivor_idx", "survivor"),
)

# Operators' words that two are not one person, by the keyed hashes of what either side had then.
# What was said before (by position) of one of these and one of those is void.
parting = sa.Table(
    "parting",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("these", sa.ARRAY(BYTEA), nullable=False),
    sa.Column("those", sa.ARRAY(BYTEA), nullable=False),
    sa.UniqueConstraint("source", "event_id"),
)

# Pairs of leads that may be one person. lead_a < lead_b · score: 0 to 1 · status: open, dismissed
# or accepted.
duplicate_pair = sa.Table(
    "duplicate_pair",
    metadata,
    sa.Column("lead_a", UUID, primary_key=True),
    sa.Column("lead_b", UUID, primary_key=True),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="open"),
    sa.Column("decided_by", sa.Text, nullable=False, server_default=""),
    sa.Column("decided_at", sa.DateTime(timezone=True)),
    sa.Column("found_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Index("duplicate_pair_status_score_idx", "status", "score"),
    sa.Index("duplicate_pair_lead_b_idx", "lead_b"),
)

# Proof that a person was erased: never what was erased, only keyed hashes and numbers.
erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("erased_at", sa.DateTime(timezone=True)),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("person", BYTEA, nullable=False),
    sa.Column("lead_ids", sa.ARRAY(UUID), nullable=False),
    sa.Column("counts", JSONB, nullable=False, server_default="{}"),
)

# Tombstones: keyed hashes of erased people's identifiers. What was received before is dropped.
# shared: an anonymous id that others have used, too: only events without a name are dropped by it.
erased_identifier = sa.Table(
    "erased_identifier",
    metadata,
    sa.Column("hash", BYTEA, primary_key=True),
    sa.Column("erased_ms", sa.BigInteger, nullable=False),
    sa.Column("erasure_id", UUID, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("erased_identifier_erased_ms_idx", "erased_ms"),
)

# Keys of erased people's events, so that one that a sender sends again is not a new event.
erased_event = sa.Table(
    "erased_event",
    metadata,
    sa.Column("key", UUID, primary_key=True),
    sa.Column("erased_ms", sa.BigInteger, nullable=False),
)

# What is left of history that retention has deleted: by original lead, its scores as they stood
# after its newest deleted event. counts: of its watch, see services/scorer/core/carrying.py ·
# points: by model, the points carried (for people to read).
carry = sa.Table(
    "carry",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("scores", BYTEA, nullable=False),
    sa.Column("counts", BYTEA, nullable=False),
    sa.Column("points", JSONB, nullable=False, server_default="{}"),
)

# By class of data, how far retention is. until_ms: what is older goes (announced when a sweep
# begins) · since_ms: what is older than that went in earlier sweeps · position: what the sweep has
# come to · looked: at so many leads or rows, in this sweep · done: rows gone, in all · ended_at:
# of the sweep, null while it goes on.
retention = sa.Table(
    "retention",
    metadata,
    sa.Column("class", sa.Text, primary_key=True),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False, server_default="-1"),
    sa.Column("position", sa.Text, nullable=False, server_default=""),
    sa.Column("looked", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("begun_at", sa.DateTime(timezone=True)),
    sa.Column("seen_at", sa.DateTime(timezone=True)),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
)

# An event, once, with what it earned. key: shared.ids.dedupe_key(source, id). body: the envelope,
# JSON or zstd. entries: msgpack list of ledger entries, see shared.ledger; null if there are none.
event = sa.Table(
    "event",
    metadata,
    sa.Column("key", UUID, primary_key=True),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("occurred_ms", sa.BigInteger, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("entries", BYTEA),
    sa.Index("event_lead_id_occurred_ms_idx", "lead_id", "occurred_ms"),
)

# What time gave or took: the entries of one lead at one instant, before any event of the same ms.
# entries: as those of an event.
time_entry = sa.Table(
    "time_entry",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("at_ms", sa.BigInteger, primary_key=True),
    sa.Column("entries", BYTEA, nullable=False),
)

# A lead's scores as they stood after some event, so that a late event folds only what follows.
checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("events", sa.Integer, primary_key=True),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("scores", BYTEA, nullable=False),
)

# Audits, the newest last: how far each is, and what it found. position: the lead checked last ·
# last_lead: the last one to check · differing: those that were not as their events say, with those
# that were repaired · ended_at: null while it goes on, or waits to be resumed.
audit_run = sa.Table(
    "audit_run",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column(
        "started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("position", UUID),
    sa.Column("last_lead", UUID),
    sa.Column("leads", sa.BigInteger, nullable=False),
    sa.Column("checked", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("differing", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repaired", sa.BigInteger, nullable=False, server_default="0"),
)

# other_lead: with whom it was merged, or from whom it was parted, where that is the cause.
# other_lead: with whom it was merged, or from whom it was parted, where that is the cause.
stage_history = sa.Table(
    "stage_history",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("journey", sa.Text, nullable=False),
    sa.Column("from_stage", sa.Text, nullable=False),
    sa.Column("to_stage", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("reasons", JSONB, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("other_lead", UUID),
)

# Which account (company) a lead belongs to, and how accounts stand: written by the owner of their
# shard, never by a batch. account: "group:ID" or "domain:NAME". due_ms: look again by then,
# though nothing happens · rests_until: not made anew before it, whatever happens
# (dirty: something did).
account_member = sa.Table(
    "account_member",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Index("account_member_account_lead_id_idx", "account", "lead_id"),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("shard", sa.SmallInteger, nullable=False),
    sa.Column("members", sa.Integer, nullable=False),
    sa.Column("scores", JSONB, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("stage_since_ms", sa.BigInteger, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("rests_until", sa.DateTime(timezone=True), nullable=False),
    sa.Column("dirty", sa.Boolean, nullable=False, server_default=sa.false()),
    # Which of its changes has a hand-off to sales that waits until one of its people is known.
    sa.Column("waits", sa.Integer),
    sa.Index("account_rested_idx", "shard", "rests_until", postgresql_where=sa.text("dirty")),
    sa.Index("account_due_idx", "shard", "due_ms", postgresql_where=sa.text("due_ms IS NOT NULL")),
    sa.Index("account_stage_key_idx", "stage", "key"),
)

account_stage_history = sa.Table(
    "account_stage_history",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("from_stage", sa.Text, nullable=False),
    sa.Column("to_stage", sa.Text, nullable=False),
    sa.Column("scores", JSONB, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Index("account_stage_history_account_id_idx", "account", "id"),
)

# What batches append: leads whose account is to be looked at; and from these, accounts. Rows are
# deleted once seen to. No key but a counter, so that nobody waits for anybody.
account_dirty_lead = sa.Table(
    "account_dirty_lead",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("lead_id", UUID, nullable=False),
)

account_dirty = sa.Table(
    "account_dirty",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
)

# Typed facts for the router, written in the scorer's transaction. Within a shard a lead's facts
# are in id order, because the id is taken while the lead is locked.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("fact", JSONB, nullable=False),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("published_at", sa.DateTime(timezone=True)),
    sa.Index("outbox_lead_id_idx", "lead_id"),
    sa.Index(
        "outbox_shard_id_idx", "shard", "id", postgresql_where=sa.text("published_at IS NULL")
    ),
)

# Routers that live: each takes its share of the shards.
router_process = sa.Table(
    "router_process",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
)

# One owner per shard of the outbox; offsets: per topic and partition, up to where this shard's
# owner knows what is on the topic.
router_shard = sa.Table(
    "router_shard",
    metadata,
    sa.Column("shard", sa.SmallInteger, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, server_default=""),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lease_until", sa.DateTime(timezone=True)),
    sa.Column("offsets", JSONB, nullable=False, server_default="{}"),
)

ruleset_version = sa.Table(
    "ruleset_version",
    metadata,
    sa.Column("version", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    # Do hand-offs that come of taking this version up go out, or are they withheld?
    sa.Column("hand_off", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column(
        "published_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

# One row (id 1): the live version.
ruleset_live = sa.Table(
    "ruleset_live",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("version", sa.Integer, sa.ForeignKey("ruleset_version.version"), nullable=False),
)

# Numbers for rules, stable over versions, so that ledger entries stay small. name: "model/rule".
rule_number = sa.Table(
    "rule_number",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("provider", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("settings", JSONB, nullable=False),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

# Keys of senders, as hashes (services/ingest/keys.py). prefix: its first characters, for people ·
# origins, uses: null for all · rate: events a second; 0 for the setting's.
api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("hash", BYTEA, nullable=False, unique=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("public", sa.Boolean, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("origins", sa.ARRAY(sa.Text)),
    sa.Column("uses", sa.ARRAY(sa.Text)),
    sa.Column("rate", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.Column("used_at", sa.DateTime(timezone=True)),
)

# Who is told · settings: by kind, see shared/outbound/kinds.py · secrets: the newest first,
# [{secret, until}], until: null, or the second since 1970 from which it signs no more · failures:
# in a row; openings, open_until: of the circuit breaker (services/router/breaker.py) · tokens,
# tokens_at: of the rate limit, at that instant.
destination = sa.Table(
    "destination",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("allow_private", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("disabled_why", sa.Text),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("kind", sa.Text, nullable=False, server_default="webhook"),
    sa.Column("settings", JSONB, nullable=False, server_default="{}"),
    sa.Column("secrets", JSONB, nullable=False, server_default="[]"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("openings", sa.Integer, nullable=False, server_default="0"),
    sa.Column("open_until", sa.DateTime(timezone=True)),
    sa.Column("tokens", sa.Double, nullable=False, server_default="0"),
    sa.Column(
        "tokens_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
)

# A message for a destination · status: waiting, delivered, failed or suppressed · attempts: all
# that were made · spent: those that count towards the last one · queued_at: when it was first to
# go, or was asked for again.
delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column(
        "destination_id", UUID, sa.ForeignKey("destination.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_answer", sa.Text, nullable=False, server_default=""),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("type", sa.Text, nullable=False, server_default=""),
    sa.Column("spent", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "queued_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.UniqueConstraint("destination_id", "message_id"),
    sa.Index(
        "delivery_waiting_idx",
        "destination_id",
        "next_attempt_at",
        postgresql_where=sa.text("status = 'waiting'"),
    ),
    sa.Index("delivery_lead_idx", "destination_id", "lead_id", "id"),
    sa.Index(
        "delivery_order_idx",
        "destination_id",
        "lead_id",
        "id",
        postgresql_where=sa.text("status = 'waiting'"),
    ),
)

# What became of each attempt · outcome: delivered, retry, failed · answer: what is known of it
# without a word that the receiver wrote.
delivery_attempt = sa.Table(
    "delivery_attempt",
    metadata,
    sa.Column(
        "delivery_id",
        sa.BigInteger,
        sa.ForeignKey("delivery.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("duration_ms", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)

# Leads on nurture sequences. version: of the ruleset whose sequence it is · status: entered (to be
# looked at), running, paused (by hand) or ended (why) · next_step: from 0 · planned_ms: when the
# next step is meant to go, due_ms: when to look at it again.
sequence_enrolment = sa.Table(
    "sequence_enrolment",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("sequence", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("arm", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("entered_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("next_step", sa.Integer, nullable=False, server_default="0"),
    sa.Column("planned_ms", sa.BigInteger),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "sequence_enrolment_live_idx",
        "lead_id",
        "sequence",
        unique=True,
        postgresql_where=sa.text("status <> 'ended'"),
    ),
    sa.Index(
        "sequence_enrolment_due_ms_idx", "due_ms", postgresql_where=sa.text("due_ms IS NOT NULL")
    ),
    sa.Index("sequence_enrolment_lead_id_sequence_idx", "lead_id", "sequence"),
    sa.Index("sequence_enrolment_sequence_status_idx", "sequence", "status"),
)

# Steps that were sent, or left out (why): each once, whatever happens. content: its id.
sequence_step = sa.Table(
    "sequence_step",
    metadata,
    sa.Column("enrolment_id", UUID, primary_key=True),
    sa.Column("step_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("sequence", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("sent", sa.Boolean, nullable=False),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Column("content", sa.Text, nullable=False, server_default=""),
    sa.Index("sequence_step_lead_id_at_ms_idx", "lead_id", "at_ms"),
)

# Sequences that rest: nothing of them goes out.
sequence_pause = sa.Table(
    "sequence_pause",
    metadata,
    sa.Column("sequence", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
)

# Hand-offs, also those that were not sent. id: of the message · handed_ms: when sent, or found
# · status: shared.handoff_states, since status_ms · bands: by model, at the hand-off · source: how
# the person came · rules: of its reasons · due_ms: by when it is to be accepted · clock: what is
# still to come of its clock, [[level, ms]], the next at clock_ms · until_ms: of a snooze, or of the
# time that the lead is left alone · fact: of one that is withheld, to release it.
handoff = sa.Table(
    "handoff",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("journey", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("ruleset_version", sa.Integer, nullable=False),
    sa.Column("handed_ms", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_ms", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("bands", JSONB, nullable=False, server_default="{}"),
    sa.Column("grade", sa.Text),
    sa.Column("source", sa.Text, nullable=False, server_default=""),
    sa.Column("rules", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("clock", JSONB, nullable=False, server_default="[]"),
    sa.Column("clock_ms", sa.BigInteger),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("amount", sa.Numeric(18, 2)),
    sa.Column("currency", sa.Text, nullable=False, server_default=""),
    sa.Column("accepted_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("fact", JSONB),
    sa.Index("handoff_lead_id_idx", "lead_id"),
    sa.Index("handoff_handed_ms_id_idx", "handed_ms", "id"),
    sa.Index("handoff_status_handed_ms_idx", "status", "handed_ms"),
    sa.Index("handoff_clock_ms_idx", "clock_ms", postgresql_where=sa.text("clock_ms IS NOT NULL")),
)

# What was done with hand-offs. via: api, cli, link, webhook or clock · note: free text · link: hash
# of the link that was used, which works once.
handoff_act = sa.Table(
    "handoff_act",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("handoff_id", UUID, nullable=False),
    sa.Column("lead_id", UUID, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("amount", sa.Numeric(18, 2)),
    sa.Column("currency", sa.Text, nullable=False, server_default=""),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("link", BYTEA, unique=True),
    sa.Index("handoff_act_handoff_id_id_idx", "handoff_id", "id"),
    sa.Index("handoff_act_lead_id_idx", "lead_id"),
)

# Words that the hand-off table put on leads.
lead_tag = sa.Table(
    "lead_tag",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Index("lead_tag_tag_lead_id_idx", "tag", "lead_id"),
)

# Whose a lead is in sales, and why (services/router/owners.py).
lead_owner = sa.Table(
    "lead_owner",
    metadata,
    sa.Column("lead_id", UUID, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.Index("lead_owner_owner_idx", "owner"),
)

# How many turns each owner has had, as turns are counted (see services/router/owners.py): less of
# a count of leads than of who is next.
owner_turn = sa.Table(
    "owner_turn",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("given", sa.BigInteger, nullable=False, server_default="0"),
)

# Files that were imported, or are: by `leadscore import`, or uploaded (fingerprint: null) ·
# position: the last row whose event is kept safe · counts: accepted, rejected, withheld, left_out ·
# reasons: of rejected rows, by code · errors: the first of them [{row, code, path, message}], never
# what stood in the row · rejects_bytes: of the file of rejected rows, up to position · ended_at:
# null while it goes on, or waits to be resumed · stopped: why it ended early, "" if it didn't.
import_job = sa.Table(
    "import_job",
    metadata,
    sa.Column("id", UUID, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("fingerprint", BYTEA),
    sa.Column("position", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("counts", JSONB, nullable=False, server_default="{}"),
    sa.Column("reasons", JSONB, nullable=False, server_default="{}"),
    sa.Column("errors", JSONB, nullable=False, server_default="[]"),
    sa.Column("rejects_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
    sa.Column("stopped", sa.Text, nullable=False, server_default=""),
    sa.Index("import_job_fingerprint_idx", "fingerprint"),
    sa.Index("import_job_source_begun_at_idx", "source", "begun_at"),
)
