"""The tables, as SQLAlchemy sees them. The migrations make them; a test holds the two together."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

METADATA = MetaData()

CALLS = Table(
    "calls",
    METADATA,
    Column("contact", String(64), primary_key=True),
    Column("queue", String(128), nullable=False),
    Column("caller", String(128), nullable=False),
    Column("arrived_at_ms", BigInteger, nullable=False),
    Column("answered_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("operator", String(128)),
    Column("position", String(128)),
    Column("room", String(128)),
    Column("cause", String(64), nullable=False),
    Column("direction", String(8), nullable=False, server_default="in"),
    Column("parties", Text, nullable=False, server_default="[]"),
    Column("kind", String(16), nullable=False, server_default="voice"),
    Column("text", Text, nullable=False, server_default=""),
    Column("messages", Text, nullable=False, server_default="[]"),
    Index("ix_calls_arrived", "arrived_at_ms"),
)

LEDGER = Table(
    "media_ledger",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("recording", String(192), nullable=False, unique=True),
    Column("contact", String(64), nullable=False),
    Column("leg", String(192), nullable=False),
    Column("label", String(64), nullable=False),
    Column("path", String(512), nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("ended_at_ms", BigInteger, nullable=False),
    Column("expected_ms", BigInteger, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("gaps", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("row_hash", String(64), nullable=False),
    Column("reason", String(512), nullable=False, server_default=""),
    Index("ix_ledger_contact", "contact"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("operator", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(256), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("row_hash", String(64), nullable=False),
)

STATISTICS = Table(
    "statistics",
    METADATA,
    Column("half_hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("row_by", String(16), primary_key=True),
    Column("row_key", String(128), primary_key=True),
    Column("room", String(128), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("settled", Integer, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("threshold_ms", BigInteger, nullable=False),
    Column("goal_percent", Integer, nullable=False),
    Column("figures", Text, nullable=False),
    Index("ix_statistics_serial", "row_by", "serial", unique=True),
)
