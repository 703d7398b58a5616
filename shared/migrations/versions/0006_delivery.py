"""Destinations of several kinds, and the log of attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    for column in (
        sa.Column("kind", sa.Text(), server_default="webhook", nullable=False),
        sa.Column("settings", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("secrets", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("openings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_until", moment, nullable=True),
        sa.Column("tokens", postgresql.DOUBLE_PRECISION(), server_default="0", nullable=False),
        sa.Column("tokens_at", moment, server_default=sa.func.now(), nullable=False),
    ):
        op.add_column("destination", column)
    op.execute(
        "UPDATE destination SET secrets ="
        " jsonb_build_array(jsonb_build_object('secret', secret, 'until', NULL))"
    )
    op.drop_column("destination", "secret")
    for column in (
        sa.Column("type", sa.Text(), server_default="", nullable=False),
        sa.Column("spent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queued_at", moment, server_default=sa.func.now(), nullable=False),
    ):
        op.add_column("delivery", column)
    op.execute("UPDATE delivery SET spent = attempts, queued_at = created_at")
    op.create_index(
        "delivery_order_idx", "delivery", ["destination_id", "lead_id", "id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )  # fmt: skip
    op.create_table(
        "delivery_attempt",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "attempt", name="delivery_attempt_pkey"),
    )


def downgrade() -> None:
    op.drop_table("delivery_attempt")
    op.drop_index("delivery_order_idx", "delivery")
    for column in ("queued_at", "spent", "type"):
        op.drop_column("delivery", column)
    op.execute("DELETE FROM destination WHERE kind <> 'webhook'")
    op.add_column("destination", sa.Column("secret", sa.Text(), nullable=True))
    op.execute("UPDATE destination SET secret = secrets -> 0 ->> 'secret'")
    op.alter_column("destination", "secret", nullable=False)
    for column in (
        "tokens_at", "tokens", "open_until", "openings", "failures", "secrets", "settings", "kind",
    ):  # fmt: skip
        op.drop_column("destination", column)
