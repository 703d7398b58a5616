"""What the hand-off table keeps: words on leads, and whose leads they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Tags and owners of leads."""
    op.create_table(
        "lead_tag",
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "tag", name="lead_tag_pkey"),
    )
    op.create_index("lead_tag_tag_lead_id_idx", "lead_tag", ["tag", "lead_id"])
    op.create_table(
        "lead_owner",
        sa.Column("lead_id", postgresql.UUID(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", name="lead_owner_pkey"),
    )
    op.create_index("lead_owner_owner_idx", "lead_owner", ["owner"])
    op.create_table(
        "owner_turn",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("given", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", name="owner_turn_pkey"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("owner_turn")
    op.drop_table("lead_owner")
    op.drop_table("lead_tag")
