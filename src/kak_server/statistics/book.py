"""The half hours that are open: the present one, and those before it that can still change; and the day so far."""

from collections.abc import Callable, Iterator

from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import Cell, Cells, HalfHour, Row, half_hour_of, no_cells

DayOf = Callable[[int], int]
"""A moment (UTC ms) to where its day begins: the zone is the shell's to know."""

UTC_DAY_MS = 86_400_000


def utc_day(at_ms: int) -> int:
    """The day of UTC."""
    return at_ms - at_ms % UTC_DAY_MS


class Book:
    """Figures are written into `now`; a half hour that is over is handed out row by row, then kept only as far as
    contacts of it are undecided."""

    def __init__(self, day_of: DayOf = utc_day) -> None:
        self._day_of = day_of
        self.now_ms = 0
        self.now = HalfHour(0)
        self.kept: dict[int, HalfHour] = {}
        self.day_start_ms = 0
        self.day: Cells = no_cells()  # today's half hours that no longer change

    def begin(self, now_ms: int, *, complete: bool) -> None:
        """The first half hour of all. `complete`: nothing was there before this moment."""
        self.now_ms = now_ms
        self.now = HalfHour(half_hour_of(now_ms), complete)
        self.day_start_ms = self._day_of(now_ms)

    def next(self, start_ms: int) -> None:
        """The half hour is over, and that of `start_ms` begins. Its rows wait to be taken."""
        over = self.now
        for _, _, cell in over.all():
            cell.dirty = True
        self.kept[over.start_ms] = over
        self.now = HalfHour(start_ms)
        self.now_ms = start_ms
        day_start_ms = self._day_of(start_ms)
        if day_start_ms != self.day_start_ms:
            self.day_start_ms, self.day = day_start_ms, no_cells()

    def of_arrival(self, start_ms: int) -> HalfHour | None:
        """The half hour in which a contact arrived, as long as it may change."""
        return self.now if start_ms == self.now.start_ms else self.kept.get(start_ms)

    def touch(self, half_hour: HalfHour, cell: Cell) -> None:
        """A figure of this cell changed: if its half hour is over, the row is to be issued again."""
        if half_hour is not self.now:
            cell.dirty = True

    @property
    def due(self) -> bool:
        """Rows may be waiting."""
        return bool(self.kept)

    def take(self) -> list[Row]:
        """Rows of half hours that are over, new ones and those that changed. What cannot change any more goes into the
        day and is forgotten."""
        rows = []
        for start_ms in list(self.kept):
            half_hour = self.kept[start_ms]
            for by, key, cell in list(half_hour.all()):
                if cell.dirty and key:
                    rows.append(self._row(half_hour, by, key, cell))
                    cell.dirty = False
                if not cell.pending:
                    del half_hour.cells[by][key]
                    self._into_day(half_hour, by, key, cell)
            if not any(half_hour.cells.values()):
                del self.kept[start_ms]
        return rows

    def _row(self, half_hour: HalfHour, by: By, key: str, cell: Cell) -> Row:
        return Row(
            half_hour_ms=half_hour.start_ms,
            by=by,
            key=key,
            room=cell.room,
            settled=not cell.pending,
            complete=half_hour.complete,
            as_of_ms=self.now_ms,
            threshold_ms=cell.threshold_ms,
            goal_percent=cell.goal_percent,
            figures=cell.named(),
        )

    def _into_day(self, half_hour: HalfHour, by: By, key: str, cell: Cell) -> None:
        if self._day_of(half_hour.start_ms) == self.day_start_ms:
            _merge(self.day, by, key, cell)

    def today(self) -> Cells:
        """The day's figures up to now, by kind of row."""
        total = no_cells()
        for by, cells in self.day.items():
            for key, cell in cells.items():
                _merge(total, by, key, cell)
        for half_hour in self._open():
            if self._day_of(half_hour.start_ms) == self.day_start_ms:
                for by, key, cell in half_hour.all():
                    _merge(total, by, key, cell)
        return total

    def _open(self) -> Iterator[HalfHour]:
        yield from self.kept.values()
        yield self.now


def _merge(cells: Cells, by: By, key: str, cell: Cell) -> None:
    total = cells[by].get(key)
    if total is None:
        total = cells[by][key] = Cell(cell.room)
    total.merge(cell)
