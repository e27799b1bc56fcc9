"""Half hours, and the cells of figures in them.

Half hours are those of UTC: every zone of the country is whole hours away from it, so they are half hours of the wall
clock too, and a day of 23 or 25 hours simply has 46 or 50 of them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from kak_server.model.light import frozen
from kak_server.routing.words_workflow import LocalTime
from kak_server.statistics.columns import BYS, COLUMNS, HIGHEST, PENDING, WIDTH, By

HALF_HOUR_MS = 1_800_000
DAY_MS = 86_400_000


def half_hour_of(at_ms: int) -> int:
    """Where the half hour of this moment begins (UTC ms)."""
    return at_ms - at_ms % HALF_HOUR_MS


def day_of(at_ms: int, local: LocalTime) -> int:
    """Where the local day of this moment begins (UTC ms). Days on which clocks change have 23 or 25 hours."""
    local_ms = at_ms + ahead_ms(at_ms, local)
    midnight_ms = local_ms - local_ms % DAY_MS
    guess_ms = midnight_ms - ahead_ms(at_ms, local)
    return midnight_ms - ahead_ms(guess_ms, local)


def ahead_ms(at_ms: int, local: LocalTime) -> int:
    """How far local time is ahead of UTC then."""
    place = bisect_right(local.from_ms, at_ms) - 1
    return local.ahead_ms[place] if 0 <= place < len(local.ahead_ms) else 0


class Cell:
    """One row's figures in one half hour. `room`: the queue's own room, the room itself, or where the operator sat
    last. `threshold_ms` and `goal_percent` are the queue's newest. `changed_ms`: when the row of a half hour that is
    over last changed and was not handed out since; 0: it was."""

    __slots__ = ("changed_ms", "figures", "goal_percent", "room", "threshold_ms")

    def __init__(self, room: str = "") -> None:
        self.figures = [0] * WIDTH
        self.room = room
        self.threshold_ms = 0
        self.goal_percent = 0
        self.changed_ms = 0

    @property
    def pending(self) -> bool:
        """Contacts that arrived are neither answered nor gone yet."""
        return self.figures[PENDING] > 0

    def named(self) -> dict[str, int]:
        """The figures that are not zero."""
        return {column.name: value for column, value in zip(COLUMNS, self.figures, strict=True) if value}

    def copy(self) -> "Cell":
        """The same numbers, by themselves."""
        copied = Cell(self.room)
        copied.figures = self.figures.copy()
        copied.threshold_ms, copied.goal_percent, copied.changed_ms = (
            self.threshold_ms,
            self.goal_percent,
            self.changed_ms,
        )
        return copied

    def merge(self, other: "Cell") -> None:
        """Add another half hour's figures; highest ones by the larger."""
        mine, theirs = self.figures, other.figures
        highest = [max(mine[number], theirs[number]) for number in HIGHEST]
        self.figures = [a + b for a, b in zip(mine, theirs, strict=True)]
        for number, value in zip(HIGHEST, highest, strict=True):
            self.figures[number] = value
        self.room = other.room or self.room
        if other.threshold_ms:
            self.threshold_ms, self.goal_percent = other.threshold_ms, other.goal_percent


Cells = dict[By, dict[str, Cell]]


def no_cells() -> Cells:
    """An empty table for each kind of row."""
    return {by: {} for by in BYS}


@dataclass(slots=True)
class HalfHour:
    """One half hour from `start_ms` to `end_ms`, where the next one begins. `complete`: every event of it has been
    seen."""

    start_ms: int
    complete: bool = True
    cells: Cells = field(default_factory=no_cells)
    end_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self.end_ms = self.start_ms + HALF_HOUR_MS

    def cell(self, by: By, key: str, room: str) -> Cell:
        """The row's cell, made when it is first needed."""
        cells = self.cells[by]
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = Cell(room)
        return cell

    def all(self) -> Iterator[tuple[By, str, Cell]]:
        """Every row."""
        for by, cells in self.cells.items():
            for key, cell in cells.items():
                yield by, key, cell


@frozen
class Row:
    """A half hour's row to be kept. `as_of_ms`: of several of one key the newest counts. `settled`: no contact that
    arrived is still undecided, so only a repeated start can issue it again."""

    half_hour_ms: int
    by: By
    key: str
    room: str
    settled: bool
    complete: bool
    as_of_ms: int
    threshold_ms: int
    goal_percent: int
    figures: dict[str, int]
