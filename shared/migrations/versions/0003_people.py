"""People: merges, erasures, consent's and retention's tables, likely duplicates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

NEW_TABLES = (
    "identifier_mention", "lead_merge", "parting", "duplicate_pair", "erasure",
    "erased_identifier", "erased_event", "carry", "retention",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("identifier", sa.Column("origin", sa.UUID(), nullable=True))
    op.add_column(
        "identifier",
        sa.Column("marks", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "consumer_partition",
        sa.Column("erased_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("stage_history", sa.Column("other_lead", sa.UUID(), nullable=True))
    _create_merge_tables()
    _create_erasure_tables()
    _create_retention_tables()


def _create_merge_tables() -> None:
    op.create_table(
        "identifier_mention",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "lead_id", name="identifier_mention_pkey"),
    )
    op.create_index("identifier_mention_lead_id_idx", "identifier_mention", ["lead_id"])
    op.create_table(
        "lead_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("absorbed", sa.UUID(), nullable=False),
        sa.Column("survivor", sa.UUID(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_ms", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="lead_merge_pkey"),
    )
    op.create_index("lead_merge_absorbed_idx", "lead_merge", ["absorbed"])
    op.create_index("lead_merge_survivor_idx", "lead_merge", ["survivor"])
    op.create_table(
        "parting",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("these", sa.ARRAY(postgresql.BYTEA()), nullable=False),
        sa.Column("those", sa.ARRAY(postgresql.BYTEA()), nullable=False),
        sa.PrimaryKeyConstraint("id", name="parting_pkey"),
        sa.UniqueConstraint("source", "event_id", name="parting_source_key"),
    )
    op.create_table(
        "duplicate_pair",
        sa.Column("lead_a", sa.UUID(), nullable=False),
        sa.Column("lead_b", sa.UUID(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("lead_a", "lead_b", name="duplicate_pair_pkey"),
    )
    op.create_index("duplicate_pair_status_score_idx", "duplicate_pair", ["status", "score"])
    op.create_index("duplicate_pair_lead_b_idx", "duplicate_pair", ["lead_b"])


def _create_erasure_tables() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("person", postgresql.BYTEA(), nullable=False),
        sa.Column("lead_ids", sa.ARRAY(sa.UUID()), nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name="erasure_pkey"),
    )
    op.create_table(
        "erased_identifier",
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("erased_ms", sa.BigInteger(), nullable=False),
        sa.Column("erasure_id", sa.UUID(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="erased_identifier_pkey"),
    )
    op.create_index("erased_identifier_erased_ms_idx", "erased_identifier", ["erased_ms"])
    op.create_table(
        "erased_event",
        sa.Column("key", sa.UUID(), nullable=False),
        sa.Column("erased_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="erased_event_pkey"),
    )
    op.create_index(
        "lead_merged_into_idx",
        "lead",
        ["merged_into"],
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.create_index("outbox_lead_id_idx", "outbox", ["lead_id"])


def _create_retention_tables() -> None:
    op.create_table(
        "carry",
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("scores", postgresql.BYTEA(), nullable=False),
        sa.Column("counts", postgresql.BYTEA(), nullable=False),
        sa.Column("points", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="carry_pkey"),
    )
    op.create_table(
        "retention",
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), server_default=sa.text("-1"), nullable=False),
        sa.Column("position", sa.Text(), server_default="", nullable=False),
        sa.Column("looked", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("class", name="retention_pkey"),
    )


def downgrade() -> None:
    for name in NEW_TABLES:
        op.drop_table(name)
    op.drop_index("outbox_lead_id_idx", "outbox")
    op.drop_index("lead_merged_into_idx", "lead")
    op.drop_column("consumer_partition", "erased_ms")
    op.drop_column("stage_history", "other_lead")
    op.drop_column("identifier", "marks")
    op.drop_column("identifier", "origin")
