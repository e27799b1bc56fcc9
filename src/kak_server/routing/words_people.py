"""The words of people's days: reasons for not being ready, what a shift lead may force, how loans stand, settings."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kak_server.model.ids import RoomId
from kak_server.model.light import frozen

MISSED = "missed-offers"
"""The reason of somebody who was made not ready for letting offers ring out; nobody says it of themselves."""


class ForcedTo(StrEnum):
    """What a shift lead may set somebody to."""

    READY = "ready"
    NOT_READY = "not-ready"
    SIGNED_OUT = "signed-out"


class LoanState(StrEnum):
    """How a loan stands. Each state has its timer: an unanswered request lapses, a loan is given back."""

    ASKED = "asked"
    AGREED = "agreed"  # by the lender; at least one of those named has not said yes yet, and nobody has gone
    RUNNING = "running"


@frozen
class ReasonConfig:
    """Why somebody is not available, as the organisation lists it. `working`: counts as working time."""

    reason: str
    name_nb: str
    name_en: str
    working: bool = False


@frozen
class Capacity:
    """What an operator takes by kind of contact. One call at a time, always; chats beside each other and beside it."""

    chats_max: int = 0  # chats at once
    chats_in_call: int = 0  # of them so many may come while the operator is in a call
    interruptible: bool = True  # calls are offered while the operator has chats; emergencies are in any case


CALLS_ALONE = Capacity()
"""Whoever nothing is said of."""


@frozen
class PeopleConfig:
    """How people's days are bounded. The defaults are those of journals written before there was any of this."""

    reasons: tuple[ReasonConfig, ...] = ()  # none: any word is taken for a reason
    wrap_up_extension_ms: int = 300_000  # of one wrap-up, all its extensions together
    wrap_up_extensions: int = 5
    misses: int = 0  # so many offers rung out in a row make somebody not ready; 0: never
    hand_over_ms: int = 900_000  # two people at one position, at the longest
    loan_asked_ms: int = 600_000  # a request nobody answered lapses
    loan_ms: int = 43_200_000  # the longest loan
    loan_consent: bool = False  # those who are lent must say yes themselves
    minimum_staff: Mapping[RoomId, int] = field(default_factory=dict)  # ready people a loan must leave behind
    max_loans: int = 500  # requests and loans at once, of all rooms together
