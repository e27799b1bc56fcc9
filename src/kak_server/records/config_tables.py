"""The tables of the configuration's versions; like those of the records they are made by the migrations."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from kak_server.records.tables import METADATA

OBJECTS = Table(
    "config_objects",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("content", Text, nullable=False),
)

VERSIONS = Table(
    "config_versions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("parent", Integer),
    Column("hash", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("author", String(128), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("comment", Text, nullable=False),
    Column("apply", String(8), nullable=False),
    Column("source", String(16), nullable=False),
)

CHANGES = Table(
    "config_changes",
    METADATA,
    Column("version", Integer, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("hash", String(64)),
    Column("place", Integer, nullable=False),
    Index("ix_config_changes_object", "kind", "name", "version"),
)

PASSWORDS = Table(
    "config_passwords",
    METADATA,
    Column("username", String(64), primary_key=True),
    Column("password_hash", String(512), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", String(128), nullable=False),
    Column("origin", String(8), nullable=False),
)

DRAFTS = Table(
    "config_drafts",
    METADATA,
    Column("draft", String(32), primary_key=True),
    Column("base", Integer, nullable=False),
    Column("author", String(128), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("comment", Text, nullable=False),
)

EDITS = Table(
    "config_edits",
    METADATA,
    Column("draft", String(32), primary_key=True),
    Column("kind", String(32), primary_key=True),  # or PASSWORD
    Column("name", String(64), primary_key=True),
    Column("content", Text),
    Column("place", Integer, nullable=False),  # the order in which they were made
)
