"""One session's event stream: numbered events in a bounded ring, whole lists coalesced, resume or snapshot decided.

Sans-IO. The house pushes; a reader (one WebSocket at a time) holds a cursor, the number of the last event it sent, and
asks for what comes after it. The ring is the reader's queue: a reader too slow for it falls out and gets a snapshot.

- Numbers begin at the stream's birth in UTC ms and grow by one an event. So a number of an earlier stream (before a
  restart of control, or a minute of absence) is below every number of this one and can never be taken for ours.
- An event (offer, call, talkgroup) is kept as it was. Of a list (queues, waiting, operators) only the newest counts:
  it has no number until `flush`, and every copy of it in the ring reads as the newest one. So a ring costs one text of
  each list, the numbers stay without gaps, and a reader that resumes ends with the newest list.
- While nobody reads, lists are not flushed: they wait, newest wins, for the reader's return.
- A list that says what the reader was told last is not told again.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence

import orjson

from kak_server.console.settings import StreamLimits
from kak_server.model.codec import Json
from kak_server.model.light import frozen

Encode = Callable[[str, Json], str | None]
_PATIENT = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
SIGNALS = frozenset({"recent"})  # without content: that they come is what they say


def encode(data: Json) -> str:
    """JSON text that a WebSocket takes whatever is in it: a lone surrogate from a peer's display name is escaped. NaN
    and infinity become null, as in a browser. Raises TypeError for what JSON does not know.
    """
    try:
        return orjson.dumps(data).decode()
    except TypeError:  # what orjson will not have: lone surrogates, numbers as keys, whole numbers over 64 bits
        return _PATIENT.encode(data)


def encode_rows(data: Json) -> str:
    """A list of rows as JSON text: some ten times as quick. Only for rows without fractions, since NaN is no error
    here. What the quick way does not take (a lone surrogate) goes the other. Raises as `encode`."""
    try:
        return orjson.dumps(data).decode()
    except TypeError:
        return encode(data)


@frozen
class Entry:
    """One numbered event. `text` is the JSON of its data; None in the ring for a list, whose newest text is read."""

    seq: int
    name: str
    text: str | None
    at_ms: int

    def frame(self) -> str:
        """The message as it is sent."""
        return f'{{"type":"{self.name}","seq":{self.seq},"data":{self.text}}}'


class Stream:
    """The events of one seat's session. All times UTC ms."""

    def __init__(self, now_ms: int, limits: StreamLimits = StreamLimits()) -> None:
        self._limits = limits
        self._ring: deque[Entry] = deque()
        self._ring_bytes = 0
        self._last_seq = now_ms
        self._lists: dict[str, Json] = {}
        self._newest: dict[str, str] = {}  # list name -> its newest text
        self._told: dict[str, str] = {}  # the same since the last snapshot, which the reader is sure to know or to get

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""
        return self._last_seq

    def __len__(self) -> int:
        return len(self._ring)

    # --- the house ----------------------------------------------------------------------------------------------------

    def push(self, name: str, text: str, now_ms: int) -> None:
        """An event, numbered at once. `text` is its data encoded."""
        self._append(name, text, now_ms)

    def push_list(self, name: str, data: Json) -> None:
        """A whole list; replaces one that still waits."""
        self._lists[name] = data

    @property
    def has_lists(self) -> bool:
        """Whether lists wait to be flushed; the hub's rounds do that, `list_interval_ms` apart."""
        return bool(self._lists)

    def flush(self, now_ms: int, encoder: Encode) -> bool:
        """Number the waiting lists that say something new; whether any does. `encoder(name, data)` may share texts
        between streams that were given the same list; where it gives None the list is left out, and the reader keeps
        the last good one."""
        before = self._last_seq
        for name, data in self._lists.items():
            text = encoder(name, data)
            if text is None or (self._told.get(name) == text and name not in SIGNALS):
                continue
            self._newest[name] = self._told[name] = text
            self._append(name, None, now_ms)
        self._lists.clear()
        return self._last_seq > before

    # --- the reader ---------------------------------------------------------------------------------------------------

    def can_resume(self, after: int | None, now_ms: int) -> bool:
        """Whether a reader that has seen everything up to `after` can go on from there."""
        self._forget_old(now_ms)
        return after is not None and self._first_seq() - 1 <= after <= self._last_seq

    def begin_snapshot(self) -> int:
        """A snapshot is being taken now: it holds the waiting lists' content too. Returns its number."""
        self._lists.clear()
        self._told.clear()
        return self._last_seq

    def after(self, cursor: int, count: int = 64) -> Sequence[Entry] | None:
        """Up to `count` events after `cursor`, oldest first. None: they are gone, a snapshot is needed."""
        if cursor + 1 < self._first_seq() or cursor > self._last_seq:
            return None
        new = self._last_seq - cursor  # counted from the newest end, where a reader nearly always stands
        return tuple(self._filled(self._ring[place - new]) for place in range(min(count, new)))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _first_seq(self) -> int:
        return self._last_seq - len(self._ring) + 1

    def _filled(self, entry: Entry) -> Entry:
        return entry if entry.text is not None else Entry(entry.seq, entry.name, self._newest[entry.name], entry.at_ms)

    def _append(self, name: str, text: str | None, now_ms: int) -> None:
        self._last_seq += 1
        self._ring.append(Entry(self._last_seq, name, text, now_ms))
        self._ring_bytes += len(text or "")
        self._forget_old(now_ms)
        # The newest event always stays, however large: a reader that is up to date must be able to get it.
        while len(self._ring) > self._limits.ring_events or (
            self._ring_bytes > self._limits.ring_bytes and len(self._ring) > 1
        ):
            self._pop_oldest()

    def _forget_old(self, now_ms: int) -> None:
        while self._ring and now_ms - self._ring[0].at_ms > self._limits.resume_ms:
            self._pop_oldest()

    def _pop_oldest(self) -> None:
        self._ring_bytes -= len(self._ring.popleft().text or "")
