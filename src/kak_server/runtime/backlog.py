"""Records that the disk refuses, in memory until it takes them. When there are too many the oldest go, and it is known
which those were."""

from collections import deque

from kak_server.model.codec import dumps
from kak_server.runtime.losses import CONTACTS_MAX, contacts_in, named, span

Record = tuple[int, bytes]  # serial and frame


class Backlog:
    """Bounded by `limit_bytes`; the newest record always stays. Not thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self.records: deque[Record] = deque()
        self.dropped = 0
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._first_dropped: int | None = None
        self._contacts: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self.records)

    def keep(self, records: list[Record]) -> bool:
        """Hold them. True: for these the first ones had to be dropped."""
        self.records.extend(records)
        self._bytes += sum(len(frame) for _, frame in records)
        whole_before = not self.dropped
        while self._bytes > self._limit_bytes and len(self.records) > 1:
            self._drop(*self.records.popleft())
        return whole_before and self.dropped > 0

    def done(self) -> None:
        """The oldest has been written."""
        self._bytes -= len(self.records.popleft()[1])

    def _drop(self, serial: int, frame: bytes) -> None:
        self._bytes -= len(frame)
        self.dropped += 1
        if self._first_dropped is None:
            self._first_dropped = serial
        if len(self._contacts) <= CONTACTS_MAX:
            self._contacts.update(dict.fromkeys(contacts_in(frame)))

    def loss(self) -> str:
        """Which records were dropped and whom they concerned."""
        return f"{span(self._first_dropped, self.dropped)} ({named(self._contacts)})"

    def loss_record(self) -> bytes:
        """The journal's own note of it, for `journal check`."""
        contacts = list(self._contacts)[:CONTACTS_MAX]
        return dumps({"k": "lost", "first": self._first_dropped, "records": self.dropped, "contacts": contacts})

    def healed(self) -> None:
        """What was dropped is made good by a checkpoint."""
        self.dropped, self._first_dropped = 0, None
        self._contacts.clear()
