"""A step is known by its name: its place may be another's in a later version of its sequence. A
company's hand-off waits for a name.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Key steps by name; a column for what waits."""
    op.add_column("account", sa.Column("waits", sa.Integer()))
    op.drop_constraint("sequence_step_pkey", "sequence_step")
    op.create_primary_key("sequence_step_pkey", "sequence_step", ["enrolment_id", "step_id"])


def downgrade() -> None:
    """Key them by place: what was moved may have two of one place, of which one goes."""
    op.drop_column("account", "waits")
    op.execute(
        "DELETE FROM sequence_step AS s USING sequence_step AS o WHERE o.step_id > s.step_id"
        " AND o.enrolment_id = s.enrolment_id AND o.step = s.step"
    )
    op.drop_constraint("sequence_step_pkey", "sequence_step")
    op.create_primary_key("sequence_step_pkey", "sequence_step", ["enrolment_id", "step"])
