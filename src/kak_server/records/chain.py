"""Hash chains: each row's hash covers its content and the hash before it, so that a row changed, taken out or put in
later shows."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from kak_server.model.codec import Json, dumps, to_json
from kak_server.records.types import AuditRow, LedgerRow

GENESIS = "0" * 64


def row_hash(row: LedgerRow | AuditRow, prev_hash: str) -> str:
    """SHA-256 (hex) over the previous hash and the row's canonical JSON without its own hashes."""
    bare: Json = to_json(replace(row, prev_hash="", row_hash=""))
    if not bare.get("reason", "-"):
        del bare["reason"]  # rows from before there were reasons hash as they did
    return hashlib.sha256(prev_hash.encode() + dumps(bare)).hexdigest()


def linked_ledger(row: LedgerRow, prev_hash: str) -> LedgerRow:
    """The row with its place in the chain."""
    return replace(row, prev_hash=prev_hash, row_hash=row_hash(row, prev_hash))


def linked_audit(row: AuditRow, prev_hash: str) -> AuditRow:
    """The row with its place in the chain."""
    return replace(row, prev_hash=prev_hash, row_hash=row_hash(row, prev_hash))


def breaks(rows: Iterable[LedgerRow | AuditRow]) -> Iterator[int]:
    """Places (from 0) where the chain does not hold."""
    previous = GENESIS
    for place, row in enumerate(rows):
        if row.prev_hash != previous or row.row_hash != row_hash(row, previous):
            yield place
        previous = row.row_hash
