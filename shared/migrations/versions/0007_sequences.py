"""Nurture sequences: who is in which, what went out, and which rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Three tables."""
    op.create_table(
        "sequence_enrolment",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("arm", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("entered_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("next_step", sa.Integer(), server_default="0", nullable=False),
        sa.Column("planned_ms", sa.BigInteger(), nullable=True),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="sequence_enrolment_pkey"),
    )
    op.create_index(
        "sequence_enrolment_live_idx",
        "sequence_enrolment",
        ["lead_id", "sequence"],
        unique=True,
        postgresql_where=sa.text("status <> 'ended'"),
    )
    op.create_index(
        "sequence_enrolment_due_ms_idx",
        "sequence_enrolment",
        ["due_ms"],
        postgresql_where=sa.text("due_ms IS NOT NULL"),
    )
    op.create_index(
        "sequence_enrolment_lead_id_sequence_idx", "sequence_enrolment", ["lead_id", "sequence"]
    )
    op.create_index(
        "sequence_enrolment_sequence_status_idx", "sequence_enrolment", ["sequence", "status"]
    )
    op.create_table(
        "sequence_step",
        sa.Column("enrolment_id", postgresql.UUID(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", "step", name="sequence_step_pkey"),
    )
    op.create_index("sequence_step_lead_id_at_ms_idx", "sequence_step", ["lead_id", "at_ms"])
    op.create_table(
        "sequence_pause",
        sa.Column("sequence", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="sequence_pause_pkey"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("sequence_pause")
    op.drop_table("sequence_step")
    op.drop_table("sequence_enrolment")
