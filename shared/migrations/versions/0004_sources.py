"""Every source of events: accounts with several secrets, keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    _several_secrets()
    _create_keys()


def _several_secrets() -> None:
    """A source has a list of secrets now; there was SendGrid's one key before."""
    op.execute(
        "UPDATE source SET settings = jsonb_build_object("
        "'secrets', jsonb_build_array(settings -> 'public_key')) WHERE settings ? 'public_key'"
    )


def _one_secret() -> None:
    """See _several_secrets."""
    op.execute("DELETE FROM source WHERE provider <> 'sendgrid'")
    op.execute(
        "UPDATE source SET settings = jsonb_build_object("
        "'public_key', settings -> 'secrets' -> 0) WHERE settings ? 'secrets'"
    )


def _create_keys() -> None:
    """Keys of senders."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("origins", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("uses", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("rate", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="api_key_pkey"),
        sa.UniqueConstraint("hash", name="api_key_hash_key"),
    )


def downgrade() -> None:
    _drop_keys()
    _one_secret()


def _drop_keys() -> None:
    """See _create_keys."""
    op.drop_table("api_key")
