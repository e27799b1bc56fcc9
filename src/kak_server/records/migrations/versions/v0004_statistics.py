"""Figures of each half hour, by queue, room and operator."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "statistics",
        sa.Column("half_hour_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("row_by", sa.String(16), primary_key=True),
        sa.Column("row_key", sa.String(128), primary_key=True),
        sa.Column("room", sa.String(128), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("settled", sa.Integer, nullable=False),
        sa.Column("complete", sa.Integer, nullable=False),
        sa.Column("as_of_ms", sa.BigInteger, nullable=False),
        sa.Column("threshold_ms", sa.BigInteger, nullable=False),
        sa.Column("goal_percent", sa.Integer, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
    )
    op.create_index("ix_statistics_serial", "statistics", ["row_by", "serial"], unique=True)


def downgrade() -> None:
    """Take it away."""
    op.drop_table("statistics")
