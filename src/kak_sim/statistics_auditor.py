"""The statistics worked out another way: whole histories first, then every half hour by looking at all of them.

Sees only the stream of events and effects, as the auditor of the core does, and shares nothing with the reducer: no
state of the core, no running sums. Slow on purpose: each figure is a question asked of complete histories.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kak_server.routing import api
from kak_sim.statistics_histories import Histories
from kak_sim.statistics_stories import Piece, Stay

HALF_HOUR_MS = 1_800_000
Key = tuple[int, str, str]  # where the half hour begins, kind of row, its key
Figures = dict[str, int]

_OF_A_QUEUE = ("ringing", "connecting", "talk", "hold", "wrap_up")


def audit(steps: Iterable[tuple[api.Event, tuple[api.Effect, ...]]], until_ms: int) -> dict[Key, Figures]:
    """Every figure that is not zero, of every half hour that is over at `until_ms`."""
    histories = Histories()
    for event, effects in steps:
        histories.take(event, effects)
    histories.finish(until_ms)
    counted = _Counted(until_ms)
    _arrivals(histories, counted)
    _moments(histories, counted)
    _times(histories, counted)
    _peaks(histories, counted, until_ms)
    return {key: {name: n for name, n in figures.items() if n} for key, figures in counted.rows.items()}


class _Counted:
    def __init__(self, until_ms: int) -> None:
        self.rows: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._over_ms = until_ms - until_ms % HALF_HOUR_MS

    def add(self, at_ms: int, by: str, key: str, name: str, count: int = 1) -> None:
        start = at_ms - at_ms % HALF_HOUR_MS
        if start < self._over_ms and key:
            self.rows[start, by, key][name] += count

    def top(self, at_ms: int, by: str, key: str, name: str, value: int) -> None:
        start = at_ms - at_ms % HALF_HOUR_MS
        if start < self._over_ms and key:
            row = self.rows[start, by, key]
            row[name] = max(row[name], value)


def _arrivals(histories: Histories, counted: _Counted) -> None:
    """Each contact that arrived, and what became of it by the end of the story."""
    for contact in histories.contacts.values():
        if contact.outgoing:
            continue
        at_ms = contact.began_ms
        for by, key in (("queue", contact.home), ("room", contact.home_room)):
            counted.add(at_ms, by, key, "offered")
            if contact.answered_ms is not None:
                wait_ms = contact.answered_ms - at_ms
                counted.add(at_ms, by, key, "answered")
                counted.add(at_ms, by, key, "answered_in_time", int(wait_ms <= contact.threshold_ms))
                counted.add(at_ms, by, key, "answer_wait_ms", wait_ms)
                counted.top(at_ms, by, key, "answer_wait_max_ms", wait_ms)
            elif contact.ended_ms is not None and contact.place == "outside":
                counted.add(at_ms, by, key, "diverted")
            elif contact.ended_ms is not None:
                wait_ms = contact.ended_ms - at_ms
                counted.add(at_ms, by, key, "abandoned")
                counted.add(at_ms, by, key, "abandoned_early", int(wait_ms <= contact.threshold_ms))
                counted.add(at_ms, by, key, "abandon_wait_ms", wait_ms)
                counted.top(at_ms, by, key, "abandon_wait_max_ms", wait_ms)
            else:
                counted.add(at_ms, by, key, "pending")


def _moments(histories: Histories, counted: _Counted) -> None:
    """What happened, when, and to whom: the histories name it already."""
    for moment in histories.moments:
        rows = [("queue", moment.queue), ("room", moment.room), ("operator", moment.operator)]
        if moment.queue and moment.operator:  # somebody's work for a queue, done in the room where they sit
            rows.append(("queue-room", f"{moment.queue}/{moment.room}"))
        for by, key in rows:
            counted.add(moment.at_ms, by, key, moment.name, moment.count)
    for work in histories.works:
        if work.ended_ms is None or not work.talked:
            continue
        spent = dict.fromkeys(("talk", "hold", "wrap_up"), 0)
        for piece in histories.pieces[work.operator]:
            for name in spent:
                if piece.doing == name:
                    begin, end = max(piece.from_ms, work.began_ms), min(piece.to_ms, work.ended_ms)
                    spent[name] += max(0, end - begin)
        pair = f"{work.queue}/{work.room}"
        for by, key in (("queue", work.queue), ("room", work.room), ("operator", work.operator), ("queue-room", pair)):
            counted.add(work.ended_ms, by, key, "handled")
            for name, ms in spent.items():
                counted.add(work.ended_ms, by, key, f"handle_{name}_ms", ms)


def _times(histories: Histories, counted: _Counted) -> None:
    """Each stretch of an operator's day, cut at the half hours."""
    for operator, pieces in histories.pieces.items():
        for piece in pieces:
            for begin, end in _cut(piece):
                counted.add(begin, "operator", operator, f"{piece.doing}_ms", end - begin)
                counted.add(begin, "room", piece.room, f"{piece.doing}_ms", end - begin)
                if piece.doing in _OF_A_QUEUE:
                    counted.add(begin, "queue", piece.queue, f"{piece.doing}_ms", end - begin)
                    counted.add(begin, "queue-room", f"{piece.queue}/{piece.room}", f"{piece.doing}_ms", end - begin)


def _cut(piece: Piece) -> Iterator[tuple[int, int]]:
    begin = piece.from_ms
    while begin < piece.to_ms:
        end = min(piece.to_ms, begin - begin % HALF_HOUR_MS + HALF_HOUR_MS)
        yield begin, end
        begin = end


def _peaks(histories: Histories, counted: _Counted, until_ms: int) -> None:
    """How many stood in a queue at once: at each moment somebody came, and at each half hour's beginning."""
    stays: dict[str, list[Stay]] = defaultdict(list)
    for stay in histories.stays:
        stays[stay.queue].append(stay)
    for queue, those in stays.items():
        for stay in those:
            together = sum(other.came <= stay.came and not _gone_by(other, stay.came) for other in those)
            counted.top(stay.from_ms, "queue", queue, "waiting_peak", together)
        first = min(stay.from_ms for stay in those)
        border = first - first % HALF_HOUR_MS + HALF_HOUR_MS
        while border <= until_ms:
            there = sum(stay.from_ms < border and (stay.to_ms is None or stay.to_ms >= border) for stay in those)
            counted.top(border, "queue", queue, "waiting_peak", there)
            border += HALF_HOUR_MS


def _gone_by(stay: Stay, place: int) -> bool:
    return stay.went is not None and stay.went < place
