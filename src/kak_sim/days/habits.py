"""How simulated people behave: all times in milliseconds, all shares between 0 and 1.

Times are log-normal, as those of telephone services are: a median and a spread (sigma of the logarithm).
"""

import math
from collections.abc import Mapping
from dataclasses import field
from random import Random

from kak_server.model.light import frozen
from kak_server.routing.api import ContactClass


@frozen
class Spread:
    """A log-normal time."""

    median_ms: float
    sigma: float = 0.6
    least_ms: int = 1
    most_ms: int = 4 * 3_600_000

    def draw(self, rng: Random) -> int:
        """One value (ms), within the bounds."""
        value = rng.lognormvariate(math.log(self.median_ms), self.sigma)
        return max(self.least_ms, min(self.most_ms, round(value)))


@frozen
class CallerHabits:
    """`patience`: how long one waits before hanging up. `redials`: share of those who gave up that call again."""

    patience: Mapping[ContactClass, Spread] = field(
        default_factory=lambda: {
            ContactClass.EMERGENCY: Spread(120_000, 0.8),
            ContactClass.URGENT: Spread(240_000, 0.8),
            ContactClass.NORMAL: Spread(600_000, 0.9),
        }
    )
    redials: float = 0.5
    redial_after: Spread = Spread(20_000, 0.8)
    hangs_up_first: float = 0.4  # of the talks: the caller, not the operator, ends it
    described: float = 0.0  # share of those of whom more becomes known after they came


@frozen
class OperatorHabits:
    """What an operator does with an offer, in a call and between calls."""

    answer: Spread = Spread(2_500, 0.5)
    talk: Mapping[ContactClass, Spread] = field(
        default_factory=lambda: {
            ContactClass.EMERGENCY: Spread(150_000, 0.7),
            ContactClass.URGENT: Spread(180_000, 0.7),
            ContactClass.NORMAL: Spread(300_000, 0.7),
        }
    )
    misses: float = 0.02
    away: Spread | None = None  # so long whoever missed an offer is not at the seat, and says nothing
    rejects: float = 0.01
    wrap_up_early: float = 0.7
    moves: float = 0.1  # of the talks: parked, handed on, consulted about, shared, listened to, taken over
    wrap_up_longer: float = 0.0  # of those: not done, more time is asked for
    holds: float = 0.1
    transfers: float = 0.05
    hands_over: float = 0.02
    dials_after_call: float = 0.05
    break_every: Spread = Spread(2 * 3_600_000, 0.4)
    break_length: Spread = Spread(10 * 60_000, 0.5)
    moves_seat: float = 0.02  # at the end of a break: to another free seat


@frozen
class LeadHabits:
    """What shift leads and administrators do, in times an hour for all rooms together."""

    rooms: float = 0.0  # a room closes or is evacuated, and opens again after a while
    forces: float = 0.0  # somebody is set ready, not ready, or signed out
    hand_overs: float = 0.0
    loans: float = 0.0
    publishes: float = 0.0  # rules change
    room_shut: Spread = Spread(10 * 60_000, 0.5)


@frozen
class Trouble:
    """Failures. Rates are per operator and hour, or per event."""

    media_lost_per_hour: float = 0.0
    media_back: Spread = Spread(4_000, 1.0)
    gone_for_good: float = 0.1  # of the lost ones: the PC is dead, back after minutes
    join_fails: float = 0.0
    stall_share: float = 0.0  # of the events: the journal stands still before the next one
    stall: Spread = Spread(200, 0.8, most_ms=20_000)
    crash_share: float = 0.0  # of the events: the process dies after the append, before the effects
    snapshot_every: int = 100  # events: what a restart begins with
    breaks_share: float = 0.0  # of the talks: the join breaks in the middle, on our side
    twice_share: float = 0.0  # of the events: said twice, as shells do that are not sure
    backwards_share: float = 0.0  # of the events: the clock was set back by up to a second
    late_accepts: float = 0.0  # an operator presses again although the offer is gone

    @property
    def none(self) -> bool:
        """Nothing goes wrong."""
        return not (self.media_lost_per_hour or self.join_fails or self.stall_share or self.crash_share)
