"""Shares and averages of a row's figures: what a reader would compute, computed once and the same everywhere.

None where there is nothing to divide by: no contact, no service level.
"""

from collections.abc import Callable, Mapping

from kak_server.model.light import frozen
from kak_server.statistics.columns import BYS, By

Figures = Mapping[str, int]

SIGNED_IN = (
    "idle_ms", "ringing_ms", "connecting_ms", "talk_ms", "hold_ms", "wrap_up_ms", "chat_ms",
    "after_call_ms", "break_ms", "duty_ms", "unreachable_ms", "other_ms",
)  # fmt: skip
WORKING = ("connecting_ms", "talk_ms", "hold_ms", "wrap_up_ms", "chat_ms", "after_call_ms")
READY = ("idle_ms", "ringing_ms")


@frozen
class Derived:
    """One computed figure: percent to two decimals, or milliseconds rounded."""

    name: str
    unit: str
    by: tuple[By, ...]
    meaning: str
    compute: Callable[[Figures], float | int | None]


def _total(figures: Figures, names: tuple[str, ...]) -> int:
    return sum(figures.get(name, 0) for name in names)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole > 0 else None


def _mean_ms(total_ms: int, count: int) -> int | None:
    return round(total_ms / count) if count > 0 else None


def _decided(figures: Figures) -> int:
    return figures.get("answered", 0) + figures.get("abandoned", 0)


def service_level_negative(figures: Figures) -> float | None:
    """Answered in time of all answered and abandoned: an abandoned call counts against."""
    return _percent(figures.get("answered_in_time", 0), _decided(figures))


def service_level_ignored(figures: Figures) -> float | None:
    """The same with those left out who gave up before the threshold: nobody could have answered them late."""
    return _percent(figures.get("answered_in_time", 0), _decided(figures) - figures.get("abandoned_early", 0))


def occupancy(figures: Figures) -> float | None:
    """Work with contacts and after them, of the time at work: that work and the readiness for it."""
    working = _total(figures, WORKING)
    return _percent(working, working + _total(figures, READY))


_QUEUES: tuple[By, ...] = ("queue", "room")
_PEOPLE: tuple[By, ...] = ("room", "operator")

DERIVED: tuple[Derived, ...] = (
    Derived(
        "service_level_negative_percent",
        "percent",
        _QUEUES,
        "answered_in_time / (answered + abandoned)",
        service_level_negative,
    ),
    Derived(
        "service_level_ignored_percent",
        "percent",
        _QUEUES,
        "answered_in_time / (answered + abandoned - abandoned_early)",
        service_level_ignored,
    ),
    Derived(
        "abandoned_percent",
        "percent",
        _QUEUES,
        "abandoned / (answered + abandoned)",
        lambda figures: _percent(figures.get("abandoned", 0), _decided(figures)),
    ),
    Derived(
        "asa_ms",
        "ms",
        _QUEUES,
        "average speed of answer: answer_wait_ms / answered",
        lambda figures: _mean_ms(figures.get("answer_wait_ms", 0), figures.get("answered", 0)),
    ),
    Derived(
        "aht_ms",
        "ms",
        BYS,
        "average handling time: (handle_talk_ms + handle_hold_ms + handle_wrap_up_ms) / handled",
        lambda figures: _mean_ms(
            _total(figures, ("handle_talk_ms", "handle_hold_ms", "handle_wrap_up_ms")), figures.get("handled", 0)
        ),
    ),
    Derived(
        "signed_in_ms",
        "ms",
        _PEOPLE,
        "sum of " + ", ".join(SIGNED_IN),
        lambda figures: _total(figures, SIGNED_IN),
    ),
    Derived(
        "occupancy_percent",
        "percent",
        _PEOPLE,
        "w / (w + " + " + ".join(READY) + "), w = " + " + ".join(WORKING),
        occupancy,
    ),
)


def derive(by: By, figures: Figures) -> dict[str, float | int | None]:
    """All computed figures that rows of this kind have."""
    return {column.name: column.compute(figures) for column in DERIVED if by in column.by}
