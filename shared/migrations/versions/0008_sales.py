"""Kept hand-offs, what sales did with them, and their clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Two tables."""
    _create_handoff()
    _create_act()


def _create_handoff() -> None:
    op.create_table(
        "handoff",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("journey", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("ruleset_version", sa.Integer(), nullable=False),
        sa.Column("handed_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_ms", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("bands", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("rules", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("clock", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("clock_ms", sa.BigInteger(), nullable=True),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Numeric(18, 2), nullable=True),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("fact", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="handoff_pkey"),
    )
    op.create_index("handoff_lead_id_idx", "handoff", ["lead_id"])
    op.create_index("handoff_handed_ms_id_idx", "handoff", ["handed_ms", "id"])
    op.create_index("handoff_status_handed_ms_idx", "handoff", ["status", "handed_ms"])
    op.create_index(
        "handoff_clock_ms_idx",
        "handoff",
        ["clock_ms"],
        postgresql_where=sa.text("clock_ms IS NOT NULL"),
    )


def _create_act() -> None:
    op.create_table(
        "handoff_act",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("handoff_id", postgresql.UUID(), nullable=False),
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.Numeric(18, 2), nullable=True),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("link", postgresql.BYTEA(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="handoff_act_pkey"),
        sa.UniqueConstraint("link", name="handoff_act_link_key"),
    )
    op.create_index("handoff_act_handoff_id_id_idx", "handoff_act", ["handoff_id", "id"])
    op.create_index("handoff_act_lead_id_idx", "handoff_act", ["lead_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("handoff_act")
    op.drop_table("handoff")
