"""Rows of the media ledger for what no disk took, with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column; rows of before are files, which need no reason."""
    op.add_column("media_ledger", sa.Column("reason", sa.String(512), nullable=False, server_default=""))


def downgrade() -> None:
    """Take it away."""
    with op.batch_alter_table("media_ledger") as ledger:
        ledger.drop_column("reason")
