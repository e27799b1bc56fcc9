"""One track that is not simply being stored: it has failed, or nobody knows yet whether it is."""

from kak_server.model.ids import ContactId
from kak_server.model.light import frozen

FIRST_WAIT_MS = 5_000
LAST_WAIT_MS = 30_000
SCOUT_WAIT_MS = 10_000  # of the one that finds out for all others whether the disk takes anything

AWAY = "away"  # no media worker answers
NOT_KNOWN = ""  # just ordered, and nothing has proved of late that the disk takes anything


@frozen
class Taping:
    """One track of a contact that has failed before, or was in doubt. Journalled under `taping/<contact>.<track>`."""

    contact: ContactId
    track: str  # "caller", "operator-3": what it is called within its contact
    label: str
    source: str
    segment: int = 1  # of the file that is written, tried, or was last
    since_ms: int = 0  # what was said from then on is not stored; 0: all is
    code: str = ""
    reason: str = ""
    attempts: int = 0  # one after the other, without a file that lasted
    trying: bool = False  # a file was ordered and has not been told of
    due_ms: int = 0  # of the next attempt, or of giving this one up
    begun_ms: int = 0  # when the last file began
    suspect: bool = False  # nothing says that it is not stored: if it turns out well, nothing is missing

    def key(self) -> str:
        """Of its record, and of its timer."""
        return f"taping/{self.contact}.{self.track}"

    @property
    def is_lost(self) -> bool:
        """Whether what is said now is not stored, as far as we know."""
        return self.since_ms > 0

    @property
    def fails(self) -> bool:
        """Lost, and by the disk: not only in doubt."""
        return self.is_lost and self.code not in (AWAY, NOT_KNOWN)

    @property
    def waits(self) -> bool:
        """No file is to be written until the next attempt."""
        return self.is_lost and not self.trying


def wait_ms(attempts: int, scouts: bool = False) -> int:
    """Before the attempt that follows so many in vain: 5 s, 10 s, 20 s, then 30 s each; 10 s for the scout."""
    return min(SCOUT_WAIT_MS if scouts else LAST_WAIT_MS, FIRST_WAIT_MS << min(attempts, 3))
