"""The SIP messages of the last calls, in memory only: they hold patients' numbers, so no file ever gets them.

`SipTrace` is a ring of rings: so many messages a call, so many calls, so many bytes, for so long; the calls longest
without a message go first. It takes messages as they came and looks for nothing in them but the Call-ID; what they say
is worked out by whoever looks at them. What never became a call of ours (strangers, pings, refused INVITEs) has a
small pool of its own, so that a flood of it pushes out no call.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from kak_server.model.ids import CallId, ContactId
from kak_server.model.light import frozen
from kak_server.sip.api import Flow

LAST = "last"
MESSAGE_BYTES = 200  # what a message costs in memory besides its own bytes
ENTRY_BYTES = 1_000  # what a call costs besides its messages
_LOOSE_SHARE = 8  # one part in so many of calls and bytes is for what is no call of ours
_DIGITS_MIN = 8  # fewer name too many callers
_CALL_ID_MAX_BYTES = 512
_PLAIN = b"\r\nCall-ID: "
_BLANK = 0x20
_ANSWER = b"SIP/2.0 "
# 7.3.1, 7.3.3: any case, the compact form, white space and one fold before the value
_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)", re.IGNORECASE)
_FROM = re.compile(rb"\r\n(?:from|f)[ \t]*:[^\r\n]*?(?:sips?|tel):([^@;>\r\n]*)", re.IGNORECASE)


@frozen
class TraceLimits:
    """Bounds. No messages or no calls: nothing is kept."""

    messages: int = 64  # a call: the first quarter stays, the rest are the newest
    calls: int = 5_000
    bytes: int = 64 * 1024 * 1024
    age_ms: int = 4 * 3_600_000  # since the call's last message


class Traced(NamedTuple):
    """One message as it was on the wire."""

    at_ms: int
    sent: bool  # by us
    flow: Flow
    data: bytes


@frozen
class CallTrace:
    """What is kept of one call, in the order of time; `left_out` messages of its middle are not."""

    messages: tuple[Traced, ...]
    sip_call_ids: tuple[str, ...]
    call: CallId  # "" for what never became a call of ours
    contact: ContactId
    left_out: int = 0


class SipTrace:
    """Feed it with `record`, tell it names with `bind` and `name_contact`, ask with `find`."""

    def __init__(self, limits: TraceLimits) -> None:
        self.limits = limits
        self._on = limits.messages > 0 and limits.calls > 0
        loose_bytes = limits.bytes // _LOOSE_SHARE
        self._calls = _Pool(limits.calls, limits.bytes - loose_bytes)
        self._loose = _Pool(limits.calls // _LOOSE_SHARE + 1, loose_bytes)
        self._head = limits.messages // 4
        self._keys: dict[CallId, bytes] = {}

    @property
    def size_bytes(self) -> int:
        """What is held, about."""
        return self._calls.size_bytes + self._loose.size_bytes

    def __len__(self) -> int:
        """Calls held, ours and others'."""
        return len(self._calls.entries) + len(self._loose.entries)

    def record(self, at_ms: int, sent: bool, flow: Flow, data: bytes) -> None:
        """A message came in whole, or went out. Without a Call-ID it is no call's and not kept."""
        if not self._on:
            return
        start = data.find(_PLAIN)
        stop = data.find(b"\r\n", start + len(_PLAIN)) if start > 0 else -1
        key: bytes | None = data[start + len(_PLAIN) : stop] if stop > 0 else None
        # As nearly all write it: in the head, spelled so, no blanks around it. Whatever else there is goes the long way
        if not key or len(key) > _CALL_ID_MAX_BYTES or key[-1] <= _BLANK or data.find(b"\r\n\r\n", 0, start) >= 0:
            key = call_id_of(data)
            if key is None:
                return
        pool = self._calls
        entry = pool.entries.get(key)
        if entry is None:
            pool, entry = self._loose, self._loose.entries.get(key)
            if entry is None and sent and data.startswith(_ANSWER):
                return  # others have pushed its request out: thousands who wait must not fill the small pool
            if entry is None:
                entry = self._loose.add(_Entry(key, self._head, self.limits.messages - self._head))
        entry.last_ms = at_ms
        pool.entries.move_to_end(key)
        pool.size_bytes += entry.append(at_ms, sent, flow, data)
        if pool.size_bytes > pool.max_bytes or len(pool.entries) > pool.max_calls:
            self._shrink(pool)

    def bind(self, sip_call_id: str, call: CallId, number: str, at_ms: int) -> None:
        """These messages are a call of ours, from this caller."""
        if not self._on:
            return
        key = sip_call_id.encode("utf-8", "replace")
        entry = self._loose.pop(key) or self._calls.pop(key)
        if entry is None:
            entry = _Entry(key, self._head, self.limits.messages - self._head)
        entry.last_ms = max(entry.last_ms, at_ms)
        self._keys.pop(entry.call, None)  # the same Call-ID in another call: the newer one has it
        entry.call, entry.number = call, number
        self._keys[call] = key
        self._calls.add(entry)
        self._shrink(self._calls)

    def name_contact(self, call: CallId, contact: ContactId) -> None:
        """The call is this contact's."""
        entry = self._calls.entries.get(self._keys.get(call, b""))
        if entry is not None:
            entry.contact = contact

    def prune(self, now_ms: int) -> None:
        """Forget the calls that are too old; `record` alone would keep them until others push them out."""
        for pool in (self._calls, self._loose):
            while pool.entries and next(iter(pool.entries.values())).last_ms < now_ms - self.limits.age_ms:
                self._forget_oldest(pool)

    def find(self, wanted: str, now_ms: int) -> CallTrace | None:
        """The newest call that `wanted` names: a contact, our call id, a SIP Call-ID, the caller's number, or "last".
        All dialogs of one contact are told together."""
        self.prune(now_ms)
        found = next((entry for entry in self._newest_first() if _names(entry, wanted)), None)
        if found is None:
            return None
        together = [found]
        if found.contact:
            together = [entry for entry in self._calls.entries.values() if entry.contact == found.contact]
        messages = sorted((m for entry in together for m in entry.messages()), key=lambda message: message.at_ms)
        return CallTrace(
            tuple(messages),
            tuple(entry.key.decode("utf-8", "replace") for entry in together),
            found.call,
            found.contact,
            sum(entry.left_out for entry in together),
        )

    def _newest_first(self) -> Iterator["_Entry"]:
        yield from reversed(self._calls.entries.values())
        yield from reversed(self._loose.entries.values())

    def _shrink(self, pool: "_Pool") -> None:
        while pool.size_bytes > pool.max_bytes or len(pool.entries) > pool.max_calls:
            self._forget_oldest(pool)

    def _forget_oldest(self, pool: "_Pool") -> None:
        entry = pool.pop(next(iter(pool.entries)))
        if entry is not None and entry.call:
            self._keys.pop(entry.call, None)


class _Entry:
    """The messages of one SIP Call-ID."""

    __slots__ = (
        "call",
        "contact",
        "first",
        "head",
        "key",
        "last_ms",
        "left_out",
        "newest",
        "number",
        "size_bytes",
        "tail",
    )

    def __init__(self, key: bytes, head: int, tail: int) -> None:
        self.key = key
        self.call = CallId("")
        self.contact = ContactId("")
        self.number = ""
        self.head = 4 * head
        self.first: list[Any] = []  # four of each message: one object instead of one a message for the collector
        self.tail = tail
        self.newest: deque[Traced] | None = None  # few calls need one, and even empty it takes half a kilobyte
        self.left_out = 0
        self.last_ms = 0
        self.size_bytes = ENTRY_BYTES + len(key)

    def append(self, at_ms: int, sent: bool, flow: Flow, data: bytes) -> int:
        """Keep it; how many bytes that adds, less what it pushes out."""
        added = len(data) + MESSAGE_BYTES
        if len(self.first) < self.head:
            self.first += (at_ms, sent, flow, data)
        else:
            if self.newest is None:
                self.newest = deque(maxlen=self.tail)
            if len(self.newest) == self.tail:
                added -= len(self.newest[0].data) + MESSAGE_BYTES
                self.left_out += 1
            self.newest.append(Traced(at_ms, sent, flow, data))
        self.size_bytes += added
        return added

    def messages(self) -> Iterator[Traced]:
        first = self.first
        for place in range(0, len(first), 4):
            yield Traced(first[place], first[place + 1], first[place + 2], first[place + 3])
        yield from self.newest or ()


class _Pool:
    """Entries in the order of their last message."""

    def __init__(self, max_calls: int, max_bytes: int) -> None:
        self.max_calls = max_calls
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self.entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def add(self, entry: _Entry) -> _Entry:
        self.entries[entry.key] = entry
        self.size_bytes += entry.size_bytes
        return entry

    def pop(self, key: bytes) -> _Entry | None:
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.size_bytes
        return entry


def call_id_of(data: bytes) -> bytes | None:
    """The Call-ID of a message, found without parsing it; None when there is none that could be a call's."""
    if data[:2] == b"\r\n":
        data = data.lstrip(b"\r\n")  # 7.5: line ends before the start line
    end = data.find(b"\r\n\r\n")
    if end < 0:
        end = len(data)
    start = data.find(_PLAIN, 0, end)
    value = b""
    if start >= 0:
        start += len(_PLAIN)
        stop = data.find(b"\r\n", start, end)
        value = data[start : stop if stop >= 0 else end].strip(b" \t")
    if not value:
        match = _CALL_ID.search(data, 0, end)
        value = match.group(1).strip(b" \t") if match is not None else b""
    return value if 0 < len(value) <= _CALL_ID_MAX_BYTES else None


def caller_of(data: bytes) -> str:
    """The user part of the From header, "" when there is none: for what never became a call of ours."""
    match = _FROM.search(data, 0, max(data.find(b"\r\n\r\n"), 0))
    return match.group(1).decode("utf-8", "replace").strip() if match is not None else ""


def _names(entry: _Entry, wanted: str) -> bool:
    if wanted == LAST:
        return bool(entry.call)
    if wanted in (entry.contact, entry.call, entry.key.decode("utf-8", "replace")):
        return wanted != ""
    number = entry.number
    if not number and not entry.call:
        number = next((caller_of(message.data) for message in entry.messages()), "")
    return bool(number) and (wanted == number or _same_digits(wanted, number))


def _same_digits(wanted: str, number: str) -> bool:
    """+4791500001, 4791500001 and 91500001 are one caller to whoever types it."""
    digits, full = wanted.removeprefix("+").removeprefix("00"), number.removeprefix("+")
    return digits.isdigit() and len(digits) >= _DIGITS_MIN and full.endswith(digits)
