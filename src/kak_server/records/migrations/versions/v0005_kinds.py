"""Contacts of other kinds than calls: which kind, an alarm's text, what was written in a chat."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns; all that was before were calls."""
    op.add_column("calls", sa.Column("kind", sa.String(16), nullable=False, server_default="voice"))
    op.add_column("calls", sa.Column("text", sa.Text, nullable=False, server_default=""))
    op.add_column("calls", sa.Column("messages", sa.Text, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("messages")
        calls.drop_column("text")
        calls.drop_column("kind")
