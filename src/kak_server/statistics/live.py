"""The figures of this moment, in two steps: a quick copy of the numbers, and the sums over it, which may be done
elsewhere (a thread) while the core goes on."""

from collections.abc import Iterable

from kak_server.model.codec import Json
from kak_server.model.ids import QueueId
from kak_server.model.light import frozen
from kak_server.routing.state import State
from kak_server.statistics.columns import By
from kak_server.statistics.derived import derive
from kak_server.statistics.halfhours import Cell, day_of
from kak_server.statistics.people import STATES
from kak_server.statistics.reducer import Reducer


@frozen
class Now:
    """How a row stands at this moment: of a queue the waiting, of an operator the state."""

    room: str
    waiting: int = 0
    longest_since_ms: int | None = None
    threshold_ms: int = 0
    goal_percent: int = 0
    state: str = ""
    since_ms: int | None = None


@frozen
class Captured:
    """Copies; nothing of it changes any more. `parts`: the day's cells by key, the present half hour's last."""

    by: By
    now_ms: int
    half_hour_ms: int
    day_start_ms: int
    complete: bool
    now: dict[str, Now]
    half_hour: dict[str, Cell]
    earlier: tuple[dict[str, Cell], ...]


def capture(reducer: Reducer, state: State, by: By, now_ms: int) -> Captured:
    """Everybody's time up to now, and copies of the numbers."""
    reducer.advance(now_ms)
    reducer.people.credit_all()
    book = reducer.book
    earlier = [book.day[by]]
    earlier += [
        half_hour.cells[by]
        for half_hour in book.kept.values()
        if day_of(half_hour.start_ms, book.local) == book.day_start_ms
    ]
    return Captured(
        by,
        book.now_ms,
        book.now.start_ms,
        book.day_start_ms,
        book.now.complete,
        _standing(reducer, state, by),
        _copies(book.now.cells[by]),
        tuple(_copies(cells) for cells in earlier),
    )


def render(captured: Captured, rooms: frozenset[str] | None) -> Json:
    """The rows of these rooms (None: of all), in order of their keys, with today's and the half hour's figures."""
    rows = []
    for key in sorted({*captured.now, *captured.half_hour, *(key for cells in captured.earlier for key in cells)}):
        parts = [cells[key] for cells in (*captured.earlier, captured.half_hour) if key in cells]
        now = captured.now.get(key)
        room = now.room if now is not None and now.room else next((cell.room for cell in parts[::-1] if cell.room), "")
        if not key or (rooms is not None and room not in rooms):
            continue
        rows.append(
            {
                "key": key,
                "room": room,
                **_now_values(captured.by, now),
                "half_hour": _values(captured.by, [captured.half_hour[key]] if key in captured.half_hour else []),
                "today": _values(captured.by, parts),
            }
        )
    return {
        "by": captured.by,
        "now_ms": captured.now_ms,
        "half_hour_ms": captured.half_hour_ms,
        "day_start_ms": captured.day_start_ms,
        "complete": captured.complete,
        "rows": rows,
    }


def _copies(cells: dict[str, Cell]) -> dict[str, Cell]:
    return {key: cell.copy() for key, cell in cells.items()}


def _standing(reducer: Reducer, state: State, by: By) -> dict[str, Now]:
    if by == "operator":
        return {
            person.operator: Now(person.room, state=STATES[person.doing], since_ms=person.since_ms)
            for person in reducer.people.here.values()
        }
    if by in ("room", "queue-room"):
        return {}
    return {queue: _queue_now(reducer, state, queue) for queue in (*state.queues, *reducer.contacts.lines)}


def _queue_now(reducer: Reducer, state: State, queue: QueueId) -> Now:
    line = reducer.contacts.lines.get(queue, {})
    row = state.queues.get(queue)
    longest_since_ms = min(line.values(), default=None)
    if row is None:
        return Now("", len(line), longest_since_ms)
    config = row.config
    room = config.rooms[0] if config.rooms else ""
    return Now(room, len(line), longest_since_ms, config.threshold_ms, config.goal_percent)


def _now_values(by: By, now: Now | None) -> dict[str, Json]:
    if by == "queue":
        now = now or Now("")
        return {
            "waiting": now.waiting,
            "longest_since_ms": now.longest_since_ms,
            "threshold_ms": now.threshold_ms,
            "goal_percent": now.goal_percent,
        }
    if by == "operator":
        return {"state": now.state if now else "signed-out", "since_ms": now.since_ms if now else None}
    return {}


def _values(by: By, parts: Iterable[Cell]) -> dict[str, Json]:
    total = Cell()
    for cell in parts:
        total.merge(cell)
    figures = total.named()
    return {**figures, **derive(by, figures)}
