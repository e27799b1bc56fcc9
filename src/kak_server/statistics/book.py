"""The half hours that are open: the present one, and those before it that can still change; and the day so far."""

from collections.abc import Iterator

from kak_server.routing.words_workflow import LocalTime
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import Cell, Cells, HalfHour, Row, day_of, half_hour_of, no_cells


class Book:
    """Figures are written into `now`; a half hour that is over is handed out row by row, then kept only as far as
    contacts of it are undecided. `local` says where the day begins."""

    def __init__(self) -> None:
        self.local = LocalTime()
        self.now_ms = 0
        self.now = HalfHour(0)
        self.kept: dict[int, HalfHour] = {}
        self.day_start_ms = 0
        self.day: Cells = no_cells()  # today's half hours that no longer change

    def begin(self, now_ms: int, *, complete: bool) -> None:
        """The first half hour of all. `complete`: nothing was there before this moment."""
        self.now_ms = now_ms
        self.now = HalfHour(half_hour_of(now_ms), complete)
        self.day_start_ms = day_of(now_ms, self.local)

    def next(self, start_ms: int) -> None:
        """The half hour is over, and that of `start_ms` begins. Its rows wait to be taken."""
        over = self.now
        for _, _, cell in over.all():
            cell.changed_ms = over.end_ms
        self.kept[over.start_ms] = over
        self.now = HalfHour(start_ms)
        self.now_ms = start_ms
        day_start_ms = day_of(start_ms, self.local)
        if day_start_ms != self.day_start_ms:
            self.day_start_ms, self.day = day_start_ms, no_cells()

    def of_arrival(self, start_ms: int) -> HalfHour | None:
        """The half hour in which a contact arrived, as long as it may change."""
        return self.now if start_ms == self.now.start_ms else self.kept.get(start_ms)

    def touch(self, half_hour: HalfHour, cell: Cell) -> None:
        """A figure of this cell changed: if its half hour is over, the row is to be issued again."""
        if half_hour is not self.now:
            cell.changed_ms = self.now_ms

    @property
    def due(self) -> bool:
        """Rows may be waiting."""
        return bool(self.kept)

    def take(self, limit: int | None = None) -> list[Row]:
        """Rows of half hours that are over, new ones and those that changed, at most `limit`."""
        rows: list[Row] = []
        for half_hour, by, key, cell in self._over():
            if limit is not None and len(rows) >= limit:
                break
            if cell.changed_ms and key:
                rows.append(self._row(half_hour, by, key, cell))
            cell.changed_ms = 0
        self._forget()
        return rows

    def handed_out(self, before_ms: int) -> None:
        """Whoever replays the past need not hand it out again: what changed before then has been."""
        for _, _, _, cell in self._over():
            if cell.changed_ms < before_ms:
                cell.changed_ms = 0
        self._forget()

    def _over(self) -> Iterator[tuple[HalfHour, By, str, Cell]]:
        for half_hour in self.kept.values():
            for by, key, cell in half_hour.all():
                yield half_hour, by, key, cell

    def _forget(self) -> None:
        """What was handed out and cannot change any more goes into the day, and out of the half hour."""
        for start_ms, half_hour in list(self.kept.items()):
            today = day_of(start_ms, self.local) == self.day_start_ms
            for by, key, cell in list(half_hour.all()):
                if not cell.pending and not cell.changed_ms:
                    del half_hour.cells[by][key]
                    if today:
                        _merge(self.day, by, key, cell)
            if not any(half_hour.cells.values()):
                del self.kept[start_ms]

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

    def today(self) -> Cells:
        """The day's figures up to now, by kind of row."""
        total = no_cells()
        for by, cells in self.day.items():
            for key, cell in cells.items():
                _merge(total, by, key, cell)
        for half_hour in self._open():
            if day_of(half_hour.start_ms, self.local) == self.day_start_ms:
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
