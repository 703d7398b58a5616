"""Companies and their scores, audits, and who set a stage by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

NEW_TABLES = (
    "account_member", "account", "account_stage_history", "account_dirty_lead", "account_dirty",
    "audit_run",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("stage_history", sa.Column("actor", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "account_member",
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="account_member_pkey"),
    )
    op.create_index("account_member_account_lead_id_idx", "account_member", ["account", "lead_id"])
    op.create_table(
        "account",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("scores", postgresql.JSONB(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("stage_since_ms", sa.BigInteger(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dirty", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="account_pkey"),
    )
    op.create_index("account_stage_key_idx", "account", ["stage", "key"])
    op.create_index(
        "account_rested_idx",
        "account",
        ["shard", "rests_until"],
        postgresql_where=sa.text("dirty"),
    )
    op.create_index(
        "account_due_idx",
        "account",
        ["shard", "due_ms"],
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_table(
        "account_stage_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=False),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("scores", postgresql.JSONB(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="account_stage_history_pkey"),
    )
    op.create_index(
        "account_stage_history_account_id_idx", "account_stage_history", ["account", "id"]
    )
    op.create_table(
        "account_dirty_lead",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("lead_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id", name="account_dirty_lead_pkey"),
    )
    op.create_table(
        "account_dirty",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id", name="account_dirty_pkey"),
    )
    op.create_table(
        "audit_run",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.UUID(), nullable=True),
        sa.Column("last_lead", sa.UUID(), nullable=True),
        sa.Column("leads", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("differing", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("repaired", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_run_pkey"),
    )


def downgrade() -> None:
    for name in NEW_TABLES:
        op.drop_table(name)
    op.drop_column("stage_history", "actor")
