"""Every source of events: keys, signals and verdicts, imports."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    _several_secrets()
    _create_keys()
    _create_signals()
    _create_imports()


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


def _create_signals() -> None:
    """What confirms another event; what was judged later."""


def _create_imports() -> None:
    """Uploaded files, and how far each is."""


def downgrade() -> None:
    _drop_imports()
    _drop_signals()
    _drop_keys()
    _one_secret()


def _drop_imports() -> None:
    """See _create_imports."""


def _drop_signals() -> None:
    """See _create_signals."""


def _drop_keys() -> None:
    """See _create_keys."""
