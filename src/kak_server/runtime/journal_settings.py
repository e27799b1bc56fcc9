"""How a journal is kept."""

from typing import Literal

from kak_server.model.light import frozen
from kak_server.runtime.segments import Newer


@frozen
class JournalSettings:
    """`durability` "disk" waits for the disk at each record, at most `wait_ms`; a disk that takes longer is not waited
    for until it keeps up again, alarmed. `newer`: what to do at the start about events of a newer program."""

    durability: Literal["write", "disk"] = "write"
    wait_ms: int = 50
    segment_bytes: int = 16 * 1024 * 1024
    pending_limit_bytes: int = 64 * 1024 * 1024
    newer: Newer = "refuse"
