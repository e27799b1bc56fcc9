"""Calls out, and who was called into a call."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns; calls of before were calls in, with nobody else."""
    op.add_column("calls", sa.Column("direction", sa.String(8), nullable=False, server_default="in"))
    op.add_column("calls", sa.Column("parties", sa.Text, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("parties")
        calls.drop_column("direction")
