"""Every source of events: keys, signals and verdicts, imports."""

from __future__ import annotations

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    _create_keys()
    _create_signals()
    _create_imports()


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


def _drop_imports() -> None:
    """See _create_imports."""


def _drop_signals() -> None:
    """See _create_signals."""


def _drop_keys() -> None:
    """See _create_keys."""
