"""Versions of the configuration, passwords beside them, drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "config_objects",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "config_versions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("parent", sa.Integer),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("apply", sa.String(8), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
    )
    op.create_table(
        "config_changes",
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("hash", sa.String(64)),
        sa.Column("place", sa.Integer, nullable=False),
    )
    op.create_index("ix_config_changes_object", "config_changes", ["kind", "name", "version"])
    op.create_table(
        "config_passwords",
        sa.Column("username", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.String(512), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
    )
    op.create_table(
        "config_drafts",
        sa.Column("draft", sa.String(32), primary_key=True),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("author", sa.String(128), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
    )
    op.create_table(
        "config_edits",
        sa.Column("draft", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("content", sa.Text),
        sa.Column("place", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Take the tables away."""
    for table in ("edits", "drafts", "passwords", "changes", "versions", "objects"):
        op.drop_table(f"config_{table}")
