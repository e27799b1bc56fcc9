"""Calls that are over but still matter: who rings again is the same case, and a surge counts those who gave up."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.context import Context
from kak_server.bridges.line import Line, Repeat
from kak_server.bridges.surge import Sighting
from kak_server.model.codec import from_json
from kak_server.model.ids import ContactId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactClass

MAX_PAST = 5_000

Key = tuple[str, ContactClass]
"""Caller's number and class of the queue: a case of 113 is none of 116117."""


@frozen
class PastCall:
    """Journalled under `past/<contact>` until nobody would join it any more."""

    contact: ContactId
    number: str
    klass: ContactClass
    ended_at_ms: int
    answered: bool
    repeat: Repeat  # as the next call of this case would begin with
    sighting: Sighting
    cluster: str = ""

    def key(self) -> str:
        """The journal's key."""
        return f"past/{self.contact}"


class Repeats:
    """Who has rung lately: live calls by number, and those that ended, the longest ended first."""

    def __init__(
        self,
        ctx: Context,
        lines: Mapping[ContactId, Line],
        keep_ms: int,
        klass_of: Callable[[Line], ContactClass],
    ) -> None:
        self.ctx = ctx
        self._lines = lines
        self.past: OrderedDict[ContactId, PastCall] = OrderedDict()
        self.keep_ms = keep_ms
        self._klass_of = klass_of
        self._live: dict[Key, ContactId] = {}  # the newest
        self._keys: dict[ContactId, Key] = {}  # of live calls: a call may change its queue, and so its class
        self._ended: dict[Key, ContactId] = {}  # likewise

    def joined(self, line: Line, redial_ms: int) -> Line:
        """A call that has just come: of a case, if the number has rung within `redial_ms`."""
        self._forget()
        key = self._key(line)
        if key is None or not redial_ms:
            return line
        before = self._lines.get(self._live.get(key, ContactId("")))
        past = self.past.get(self._ended.get(key, ContactId("")))
        repeat = None
        if before is not None:
            repeat = _after(before)
        elif past is not None and past.ended_at_ms + redial_ms >= self.ctx.now_ms:
            repeat = past.repeat
        return replace(line, repeat=repeat) if repeat is not None else line

    def began(self, line: Line) -> None:
        """The call is on the books."""
        if (key := self._key(line)) is not None:
            self._live[key] = line.contact
            self._keys[line.contact] = key

    def ended(self, line: Line, sighting: Sighting) -> None:
        """A call of a citizen is over."""
        began = self._keys.pop(line.contact, None)
        if began is not None and self._live.get(began) == line.contact:
            del self._live[began]
        key = self._key(line)
        if key is None and not sighting.placed and not sighting.area:
            return
        past = PastCall(
            line.contact,
            line.caller.number if key is not None else "",
            self._klass_of(line),
            self.ctx.now_ms,
            not line.unhelped,
            _after(line),
            sighting,
            line.cluster,
        )
        self._add(past)
        self.ctx.put(past.key(), past)
        self._forget()

    def restore(self, value: Mapping[str, Any]) -> None:
        """From the journal, in any order; `restored` follows."""
        past = from_json(PastCall, value)
        self.past[past.contact] = past

    def restored(self, lines: list[Line]) -> None:
        """All that is over is here again; `lines`: the calls that are on, as they came."""
        rows = sorted(self.past.values(), key=lambda past: (past.ended_at_ms, past.contact))
        self.past.clear()
        for past in rows:
            self._add(past)
        for line in lines:
            self.began(line)

    def _add(self, past: PastCall) -> None:
        self.past[past.contact] = past
        if past.number:
            self._ended[past.number, past.klass] = past.contact

    def _key(self, line: Line) -> Key | None:
        number = line.caller.number
        return (number, self._klass_of(line)) if number and line.direction == "in" else None

    def _forget(self) -> None:
        """What is too old, or too much: the oldest first."""
        while self.past:
            past = next(iter(self.past.values()))
            if len(self.past) <= MAX_PAST and past.ended_at_ms + self.keep_ms >= self.ctx.now_ms:
                return
            del self.past[past.contact]
            if self._ended.get((past.number, past.klass)) == past.contact:
                del self._ended[past.number, past.klass]
            self.ctx.delete(past.key())


def _after(line: Line) -> Repeat:
    """What the next call of this caller begins with. Who was answered has had their turn, if nobody lost
    them."""
    before = line.repeat
    since_ms = (before.since_ms if before is not None else 0) or line.arrived_at_ms
    return Repeat(
        case=before.case if before is not None else line.contact,
        calls=before.calls + 1 if before is not None else 2,
        first_arrived_at_ms=before.first_arrived_at_ms if before is not None else line.arrived_at_ms,
        since_ms=since_ms if line.unhelped else 0,
        answered=bool(line.operator_answered_at_ms) or (before is not None and before.answered),
        attempts=before.attempts if before is not None else 0,
    )
