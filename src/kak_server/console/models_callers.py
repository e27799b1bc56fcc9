"""What operators see of a caller besides the call: earlier calls, the likely incident, flags, silence."""

from typing import Literal

from kak_server.console.models_base import Outgoing


class Repeat(Outgoing):
    """The caller has rung before: `case` is the contact of the first call, `calls` counts this one too; `answered`:
    somebody has talked with the caller in one of them."""

    case: str
    calls: int
    first_arrived_at_ms: int
    answered: bool


class FlagFields(Outgoing):
    """What is said of a number, by whom, until when. Blocked counts for normal calls only."""

    mode: Literal["flagged", "blocked"]
    reason: str
    by: str
    by_name: str
    at_ms: int
    until_ms: int


class NumberFlag(FlagFields):
    """An entry of the list."""

    number: str


class Incident(Outgoing):
    """Many calls from one place at one time: likely one incident. The place is the mean of those that are known;
    `area` a municipality. Each call is answered all the same."""

    incident: str
    area: str
    latitude: float | None
    longitude: float | None
    calls: int
    first_ms: int
    last_ms: int
    queues: list[str]


class Procedure(Outgoing):
    """A text for operators in both languages; empty: none."""

    nb: str = ""
    en: str = ""
