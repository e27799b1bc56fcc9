"""What a simulated day is made of: rules, seats, streams of calls, habits and failures."""

from collections.abc import Mapping
from dataclasses import field

from kak_server.model.ids import OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api import ContactKind, RoutingConfig
from kak_sim.days.habits import CallerHabits, LeadHabits, OperatorHabits, Trouble

HOUR_MS = 3_600_000
SKILLS = ("113", "doctor", "samisk")
DAY_START_MS = 1_780_272_000_000  # a Monday, 00:00 UTC: days are simulated at an invented date, never at today's


@frozen
class Shift:
    """One operator at one seat from `begins_ms` to `ends_ms` after the day's start."""

    operator: OperatorId
    position: PositionId
    room: RoomId
    skills: Mapping[str, int]
    begins_ms: int = 0
    ends_ms: int = 24 * HOUR_MS
    chats_max: int = 0
    chats_in_call: int = 0


@frozen
class Surge:
    """So many times the usual calls between two times after the day's start."""

    begins_ms: int
    ends_ms: int
    factor: float


@frozen
class Stream:
    """Calls to one queue: a Poisson process whose rate follows the hours of the day (24 weights of mean 1)."""

    queue: QueueId
    per_hour: float
    curve: tuple[float, ...] = (1.0,) * 24
    surges: tuple[Surge, ...] = ()
    kind: ContactKind = ContactKind.VOICE
    demanding: float = 0.0  # share of the contacts that need a skill, or a class, of their own

    def rate(self, at_ms: int) -> float:
        """Calls an hour at a time after the day's start."""
        rate = self.per_hour * self.curve[at_ms // HOUR_MS % 24]
        for surge in self.surges:
            if surge.begins_ms <= at_ms < surge.ends_ms:
                rate *= surge.factor
        return rate

    @property
    def most(self) -> float:
        """No rate is above this (calls an hour)."""
        highest = self.per_hour * max(self.curve)
        for surge in self.surges:
            highest *= max(1.0, surge.factor)
        return highest


@frozen
class World:
    """Everything a day begins with."""

    name: str
    config: RoutingConfig
    shifts: tuple[Shift, ...]
    streams: tuple[Stream, ...]
    hours: float = 24.0
    callers: CallerHabits = field(default_factory=CallerHabits)
    operators: OperatorHabits = field(default_factory=OperatorHabits)
    trouble: Trouble = field(default_factory=Trouble)
    leads: LeadHabits = field(default_factory=LeadHabits)
