"""What the journal tells people."""

from typing import Literal

from kak_server.model.light import frozen

AlarmKind = Literal[
    "degraded",  # the disk refuses; records wait in memory
    "recovered",  # it takes them again
    "overflow",  # memory is full too: the oldest waiting records are dropped
    "lost",  # records are gone or unreadable; the text says which
    "sync-lag",  # the disk is far behind
    "caught-up",  # it is not any more
    "sync-error",  # the disk refused a sync, or a chore in the folder
    "not-waited",  # durability "disk": it took too long, effects do not wait any more
    "waiting-again",  # they do again
    "older-state",  # a start could not read the newest snapshot, and made the state from an older one
    "not-compacted",  # no snapshot could be made, or nothing put away
    "compaction-left",  # an ordinary stop came first; nothing is wrong
]
ORDINARY: frozenset[AlarmKind] = frozenset({"compaction-left"})
GOOD: frozenset[AlarmKind] = frozenset({"recovered", "caught-up", "waiting-again"})


@frozen
class JournalAlarm:
    """Something a person must know: kind for the metrics, text for the person."""

    kind: AlarmKind
    text: str

    @property
    def good(self) -> bool:
        """It says that something is over."""
        return self.kind in GOOD

    @property
    def ordinary(self) -> bool:
        """Nothing is wrong."""
        return self.kind in ORDINARY
