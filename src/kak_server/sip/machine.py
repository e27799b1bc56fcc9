"""What the transaction machines say: effects, as values (RFC 3261 section 17).

A machine is a frozen dataclass; its step functions take it and give the next one and a tuple of effects. They know
nothing of flows, messages or time: the transaction layer carries the effects out. The frequent ones are named tuples,
which cost a third of a frozen dataclass to make.
"""

from dataclasses import field
from typing import NamedTuple

from kak_server.model.light import frozen


class Transmit(NamedTuple):
    """Put `data` on the wire."""

    data: bytes


class Arm(NamedTuple):
    """Start or restart the machine's timer `name`."""

    name: str
    after_ms: int


class Disarm(NamedTuple):
    """Stop the machine's timer `name`."""

    name: str


@frozen
class Deliver:
    """The response at hand goes up to the user of the transaction."""


@frozen
class Final:
    """A client transaction has its answer: `status`, or 408 when none came in time."""

    status: int


@frozen
class Unacknowledged:
    """No ACK came for a final answer other than 2xx (timer H)."""


@frozen
class Over:
    """The machine is terminated: forget it."""


Effect = Transmit | Arm | Disarm | Deliver | Final | Unacknowledged | Over


@frozen
class Times:
    """The three base times of RFC 3261 table 4, in ms."""

    t1_ms: int = 500
    t2_ms: int = 4000
    t4_ms: int = 5000
    give_up_ms: int = field(init=False)  # 64*T1: timers B, F, H, J, L and the wait for an ACK

    def __post_init__(self) -> None:
        object.__setattr__(self, "give_up_ms", 64 * self.t1_ms)
