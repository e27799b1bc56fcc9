"""Calls, media ledger, audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "calls",
        sa.Column("contact", sa.String(64), primary_key=True),
        sa.Column("queue", sa.String(128), nullable=False),
        sa.Column("caller", sa.String(128), nullable=False),
        sa.Column("arrived_at_ms", sa.BigInteger, nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger),
        sa.Column("ended_at_ms", sa.BigInteger),
        sa.Column("operator", sa.String(128)),
        sa.Column("position", sa.String(128)),
        sa.Column("room", sa.String(128)),
        sa.Column("cause", sa.String(64), nullable=False),
    )
    op.create_index("ix_calls_arrived", "calls", ["arrived_at_ms"])
    op.create_table(
        "media_ledger",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("recording", sa.String(192), nullable=False, unique=True),
        sa.Column("contact", sa.String(64), nullable=False),
        sa.Column("leg", sa.String(192), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("path", sa.String(512), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger, nullable=False),
        sa.Column("expected_ms", sa.BigInteger, nullable=False),
        sa.Column("stored_ms", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("gaps", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("row_hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_ledger_contact", "media_ledger", ["contact"])
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("operator", sa.String(128), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("row_hash", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Take the tables away."""
    for table in ("audit", "media_ledger", "calls"):
        op.drop_table(table)
