"""The first schema: leads, events, stages, outbox, rulesets, sources, deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("scores", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "events", name="checkpoint_pkey"),
    )
    op.create_table(
        "consumer_partition",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("watermark_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="consumer_partition_pkey"),
    )
    op.create_table(
        "destination",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("allow_private", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("disabled_why", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="destination_pkey"),
        sa.UniqueConstraint("name", name="destination_name_key"),
    )
    op.create_table(
        "event",
        sa.Column("key", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("occurred_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("entries", postgresql.BYTEA(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="event_pkey"),
    )
    op.create_index(
        "event_lead_id_occurred_ms_idx", "event", ["lead_id", "occurred_ms"], unique=False
    )
    op.create_table(
        "identifier",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("claimed_ms", sa.BigInteger(), nullable=True),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "since_ms", name="identifier_pkey"),
    )
    op.create_index("identifier_lead_id_idx", "identifier", ["lead_id"], unique=False)
    op.create_table(
        "lead",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.UUID(), nullable=True),
        sa.Column("identity_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stage_since_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("scores", postgresql.BYTEA(), nullable=False),
        sa.Column("journeys", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="lead_pkey"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "lead_due_ms_idx",
        "lead",
        ["due_ms"],
        unique=False,
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_index("lead_ruleset_version_id_idx", "lead", ["ruleset_version", "id"], unique=False)
    op.create_index(
        "lead_stage_id_idx",
        "lead",
        ["stage", "id"],
        unique=False,
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("fact", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
    )
    op.create_index(
        "outbox_shard_id_idx",
        "outbox",
        ["shard", "id"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "router_process",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", name="router_process_pkey"),
    )
    op.create_table(
        "router_shard",
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offsets", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("shard", name="router_shard_pkey"),
    )
    op.create_table(
        "rule_number",
        sa.Column("number", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="rule_number_pkey"),
        sa.UniqueConstraint("name", name="rule_number_name_key"),
    )
    op.create_table(
        "ruleset_version",
        sa.Column("version", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("hand_off", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("version", name="ruleset_version_pkey"),
    )
    op.create_table(
        "source",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("provider", "name", name="source_pkey"),
    )
    op.create_table(
        "stage_history",
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=False),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "seq", name="stage_history_pkey"),
    )
    op.create_table(
        "time_entry",
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("entries", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "at_ms", name="time_entry_pkey"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("destination_id", sa.UUID(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_answer", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["destination_id"], ["destination.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="delivery_pkey"),
        sa.UniqueConstraint(
            "destination_id", "message_id", name="delivery_destination_id_message_id_key"
        ),
    )
    op.create_index(
        "delivery_lead_idx", "delivery", ["destination_id", "lead_id", "id"], unique=False
    )
    op.create_index(
        "delivery_waiting_idx",
        "delivery",
        ["destination_id", "next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "ruleset_live",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["ruleset_version.version"]),
        sa.PrimaryKeyConstraint("id", name="ruleset_live_pkey"),
    )


def downgrade() -> None:
    op.drop_table("ruleset_live")
    op.drop_table("delivery")
    op.drop_table("time_entry")
    op.drop_table("stage_history")
    op.drop_table("source")
    op.drop_table("ruleset_version")
    op.drop_table("rule_number")
    op.drop_table("router_shard")
    op.drop_table("router_process")
    op.drop_table("outbox")
    op.drop_table("lead")
    op.drop_table("identifier")
    op.drop_table("event")
    op.drop_table("destination")
    op.drop_table("consumer_partition")
    op.drop_table("checkpoint")
