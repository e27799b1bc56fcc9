"""Statistics for the house: fed by the core's steps, handed out to the records as half hours end, read by the API."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from zoneinfo import ZoneInfo

from kak_server.app.store import Store
from kak_server.bridges.outputs import Note
from kak_server.config.statistics import StatisticsSection
from kak_server.console.statistics import Answer, By, Question
from kak_server.model.codec import Json
from kak_server.records.half_hours import IssuedRow, Wanted
from kak_server.runtime.counted import Counted
from kak_server.runtime.dispatch import Dispatcher
from kak_server.statistics import export
from kak_server.statistics.columns import BYS
from kak_server.statistics.halfhours import DAY_MS, Row
from kak_server.statistics.live import Captured, capture, render

TICK_S = 1.0
ROWS_A_TICK = 200  # of a half hour that is over: some 2,000 rows in ten seconds, some ms of the loop each
FRESH_MS = 1_000
PRUNE_EVERY_MS = 6 * 3_600_000


class Statistics:
    """Implements `console.statistics.StatisticsBackend`."""

    def __init__(
        self,
        counted: Counted,
        dispatcher: Dispatcher,
        store: Store,
        note: Callable[[Note], None],
        settings: StatisticsSection,
    ) -> None:
        self._counted = counted
        self._dispatcher = dispatcher
        self._store = store
        self._note = note
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._captured: dict[By, Captured] = {}
        self._pruned_ms = 0
        self._task: asyncio.Task[None] | None = None
        counted.on_fault = lambda problem: note(Note("statistics_fault", "error", {"problem": repr(problem)}))
        dispatcher.house.ctx.on_step = counted.count
        dispatcher.snapshot = counted.snapshot

    def start(self) -> None:
        """Hand out from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """No more; what was not handed out will be after the next start."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            rows, now_ms = self.over()
            try:
                if rows:
                    await asyncio.to_thread(self._store.put_statistics, rows)
                if now_ms - self._pruned_ms >= PRUNE_EVERY_MS:
                    self._pruned_ms = now_ms
                    await asyncio.to_thread(self._prune, now_ms)
            except Exception as problem:  # noqa: BLE001 - told; the next second is another
                self._note(Note("statistics_fault", "error", {"problem": repr(problem)}))

    def over(self) -> tuple[list[Row], int]:
        """Some of the rows that are to be handed out, and the time. On the loop, between two inputs."""
        rows: list[Row] = []
        times: list[int] = []

        def look(now_ms: int) -> None:
            times.append(now_ms)
            self._counted.reducer.advance(now_ms)
            rows.extend(self._counted.reducer.take(ROWS_A_TICK))

        self._dispatcher.feed(lambda _house, now_ms: look(now_ms))
        return rows, times[0] if times else 0

    def _prune(self, now_ms: int) -> None:
        keep = self._settings
        for by in BYS:
            days = keep.keep_operator_days if by == "operator" else keep.keep_days
            self._store.drop_statistics(by, now_ms - days * DAY_MS)

    # --- for the API --------------------------------------------------------------------------------------------------

    async def live(self, by: By, rooms: frozenset[str] | None) -> Mapping[str, Json]:
        """The figures of this moment, at most a second old."""
        captured = self._captured.get(by)
        now_ms = self._dispatcher.now_ms()
        if captured is None or not 0 <= now_ms - captured.now_ms < FRESH_MS:
            state = self._counted.core.state
            captured = self._captured[by] = self._dispatcher.ask(
                lambda _house, now_ms: capture(self._counted.reducer, state, by, now_ms)
            )
        shown: Mapping[str, Json] = await asyncio.to_thread(render, captured, rooms)
        return shown

    async def intervals(self, question: Question) -> Answer:
        """Half hours that are over."""
        return await asyncio.to_thread(self._answer, question)

    async def csv(self, question: Question) -> tuple[str, Answer]:
        """The same as text."""
        return await asyncio.to_thread(self._csv, question)

    def _csv(self, question: Question) -> tuple[str, Answer]:
        answer = self._answer(question)
        return export.to_csv(question.by, answer.rows), answer

    def _answer(self, question: Question) -> Answer:
        wanted = Wanted(
            question.by, question.from_ms, question.to_ms, question.after, question.rooms, question.limit + 1
        )
        found: Sequence[IssuedRow] = self._store.statistics(wanted)
        more = len(found) > question.limit
        found = found[: question.limit]
        rows = [export.values(issued.row, issued.revision, issued.serial, self._zone) for issued in found]
        return Answer(rows, found[-1].serial if found else question.after, more)
