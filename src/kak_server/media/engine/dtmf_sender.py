"""Digits to telephone-event packets (RFC 4733 section 2.5): one payload a tick while a digit is under way."""

import struct
from collections import deque
from dataclasses import dataclass

from kak_server.media.engine.frames import TICK_MS
from kak_server.model.light import frozen

DIGITS = "0123456789*#ABCD"
END_PACKETS = 3  # 2.5.1.4: the last packet goes out three times, lest its loss make the digit longer
_VOLUME_DBM0 = 10
_EVENT = struct.Struct("!BBH")
_END = 0x80
_DURATION_MAX = 0xFFFF


@dataclass(slots=True)
class _Order:
    name: str
    digits: deque[str]
    ticks: int  # of a digit
    gap_ticks: int  # after its last end packet


@frozen
class EventPacket:
    """What goes out in this tick. `first`: marker bit, and the timestamp of this tick becomes the event's."""

    payload: bytes
    first: bool


class DtmfSender:
    """Orders one after the other. `tick` once a tick; `done` are the orders it has finished."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._orders: deque[_Order] = deque()
        self._at = -1  # ticks since the digit began; -1: none has
        self._rest = 0  # ticks of the gap still to go

    @property
    def busy(self) -> bool:
        """Whether an order waits or is under way."""
        return bool(self._orders)

    @property
    def waiting(self) -> int:
        """Digits still to be sent, the one under way included."""
        return sum(len(order.digits) for order in self._orders)

    def add(self, name: str, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Send these when all before them are out. `digits` are of DIGITS, not empty."""
        ticks = max(1, round(duration_ms / TICK_MS))
        gap_ticks = max(0, round(gap_ms / TICK_MS) - (END_PACKETS - 1))  # end packets are part of the silence
        self._orders.append(_Order(name, deque(digits.upper()), ticks, gap_ticks))

    def drop(self) -> list[str]:
        """Forget everything: the names of what was not finished."""
        names = [order.name for order in self._orders]
        self._orders.clear()
        self._at, self._rest = -1, 0
        return names

    def tick(self, units_per_ms: int) -> EventPacket | None:
        """This tick's packet, None for a gap (audio may flow) or when nothing waits."""
        if self._rest:
            self._rest -= 1
            if not self._rest:
                self._finish()
            return None
        if not self._orders:
            return None
        order = self._orders[0]
        self._at += 1
        # 2.5.1.3: a report tells how long the event has lasted so far; the first one one packet's worth
        lasted = min(self._at + 1, order.ticks)
        ends = self._at + 1 >= order.ticks
        duration = min(lasted * TICK_MS * units_per_ms, _DURATION_MAX)
        payload = _EVENT.pack(DIGITS.index(order.digits[0]), (_END if ends else 0) | _VOLUME_DBM0, duration)
        packet = EventPacket(payload, self._at == 0)
        if self._at + 1 >= order.ticks + END_PACKETS - 1:
            self._at = -1
            order.digits.popleft()
            self._rest = order.gap_ticks
            if not self._rest:
                self._finish()
        return packet

    def _finish(self) -> None:
        """After a digit and its gap: was it the order's last?"""
        if self._orders and not self._orders[0].digits:
            self.done.append(self._orders.popleft().name)
