"""Records that gather for one write. Of several values of a key the last is written: nothing has left in between."""

from kak_server.runtime.backlog import Record
from kak_server.runtime.frames import encode_frame


class Gathered:
    """In the order in which they came."""

    def __init__(self) -> None:
        self._payloads: list[bytes | None] = []  # None: superseded
        self._newest: dict[str, int] = {}  # where a key's newest value stands

    def __bool__(self) -> bool:
        return bool(self._payloads)

    def add(self, payload: bytes) -> None:
        """One more."""
        self._payloads.append(payload)

    def put(self, key: str, payload: bytes) -> None:
        """A key's value."""
        if key in self._newest:
            self._payloads[self._newest[key]] = None
        self._newest[key] = len(self._payloads)
        self._payloads.append(payload)

    def take(self, serial: int) -> list[Record]:
        """All of them with the serials behind `serial`; none are left."""
        records = []
        for payload in self._payloads:
            if payload is not None:
                serial += 1
                records.append((serial, encode_frame(serial, payload)))
        self._payloads.clear()
        self._newest.clear()
        return records
