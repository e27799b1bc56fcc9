"""Contacts as callers felt them, and what they come to by queue and by room."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kak_server.model.codec import Json
from kak_server.model.ids import ContactId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.step import RoutingCore


@dataclass(slots=True)
class Row:
    """One contact. `answered_ms` is when an operator first talked to the caller; `room` is where that operator sat, or
    the queue's own room. `turned_away`: refused at once, since there were too many contacts. All UTC ms."""

    contact: ContactId
    queue: QueueId
    room: RoomId
    arrived_ms: int
    answered_ms: int | None = None
    ended_ms: int | None = None
    turned_away: bool = False

    @property
    def wait_ms(self) -> int | None:
        """Until the answer, or until the caller gave up; None while waiting still, or for who was turned away."""
        until_ms = self.answered_ms if self.answered_ms is not None else self.ended_ms
        return None if until_ms is None else until_ms - self.arrived_ms

    @property
    def outcome(self) -> str:
        """answered, abandoned, turned away, or waiting (when the record ends)."""
        if self.turned_away:
            return "turned away"
        return "answered" if self.answered_ms is not None else "abandoned" if self.ended_ms is not None else "waiting"


@dataclass
class Tally:
    """Told of every step; keeps those who called in from `from_ms` on. `unplaced`: for queues that are not there."""

    from_ms: int
    rows: dict[ContactId, Row] = field(default_factory=dict)
    unplaced: set[ContactId] = field(default_factory=set)

    def take(self, event: api.Event, effects: Sequence[api.Effect], core: RoutingCore) -> None:
        """One step of the core, done."""
        match event:
            case api.ContactArrived(contact=contact):
                self._arrived(event, effects, core)
            case api.ContactConnected(contact=contact) if (row := self.rows.get(contact)) is not None:
                view = core.contact(contact)
                if row.answered_ms is None and view is not None and view.answered_at_ms is not None:
                    row.answered_ms = view.answered_at_ms
                    operator = None if view.operator is None else core.operator(view.operator)
                    row.room = row.room if operator is None else operator.room
        for effect in effects:
            if isinstance(effect, api.EndContact) and (ended := self.rows.get(effect.contact)) is not None:
                ended.ended_ms = core.now_ms

    def _arrived(self, event: api.ContactArrived, effects: Sequence[api.Effect], core: RoutingCore) -> None:
        if event.contact in self.rows:
            return
        rules = core.rules_of(event.contact)
        if rules is not None:
            room = rules.rooms[0] if rules.rooms else RoomId("")
            self.rows[event.contact] = Row(event.contact, event.queue, room, core.now_ms)
            return
        code = next((effect.code for effect in effects if isinstance(effect, api.Refused)), "")
        if code == "limit":
            self.rows[event.contact] = Row(event.contact, event.queue, RoomId(""), core.now_ms, turned_away=True)
        else:
            self.unplaced.add(event.contact)


@frozen
class Figures:
    """Times in ms; None where there is nobody to count. `in_time`: answered within the threshold, of all who were
    answered, gave up after it or were turned away, per cent."""

    contacts: int
    answered: int
    abandoned: int
    waiting: int
    turned_away: int
    asa_ms: int | None
    p50_ms: int | None
    p90_ms: int | None
    max_ms: int | None
    in_time: float | None


def figures(rows: Iterable[Row], threshold_of: Mapping[QueueId, int]) -> Figures:
    """What contacts come to; `threshold_of` says in how many ms a queue's are to be answered."""
    rows = list(rows)
    answered = [row for row in rows if row.outcome == "answered"]
    gone = [row for row in rows if row.outcome == "abandoned"]
    turned_away = sum(row.turned_away for row in rows)
    answers = [row.wait_ms for row in answered if row.wait_ms is not None]
    waits = sorted(row.wait_ms for row in rows if row.wait_ms is not None)
    in_time = sum(1 for row in answered if (row.wait_ms or 0) <= threshold_of.get(row.queue, 0))
    counted = (
        len(answered) + turned_away + sum(1 for row in gone if (row.wait_ms or 0) > threshold_of.get(row.queue, 0))
    )
    return Figures(
        contacts=len(rows),
        answered=len(answered),
        abandoned=len(gone),
        waiting=len(rows) - len(answered) - len(gone) - turned_away,
        turned_away=turned_away,
        asa_ms=round(sum(answers) / len(answers)) if answers else None,
        p50_ms=quantile(waits, 0.5),
        p90_ms=quantile(waits, 0.9),
        max_ms=waits[-1] if waits else None,
        in_time=round(100 * in_time / counted, 1) if counted else None,
    )


def quantile(ordered: Sequence[int], share: float) -> int | None:
    """The smallest value that at least this share of all do not exceed."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * len(ordered) * 1_000) // 1_000) - 1))]


def grouped(rows: Iterable[Row], by: str) -> dict[str, list[Row]]:
    """By "queue" or "room"."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[str(getattr(row, by))].append(row)
    return dict(sorted(groups.items()))


def beside(before: Row, after: Row) -> dict[str, Json]:
    """One contact by both rules, as JSON values."""
    return {
        "contact": before.contact,
        "queue": before.queue,
        "arrived_ms": before.arrived_ms,
        "old": {"outcome": before.outcome, "wait_ms": before.wait_ms, "room": before.room},
        "new": {"outcome": after.outcome, "wait_ms": after.wait_ms, "room": after.room},
    }


def changed(old: Mapping[ContactId, Row], new: Mapping[ContactId, Row]) -> list[dict[str, Json]]:
    """The contacts whose wait, or its outcome, is another; those whose wait changed most first."""
    pairs = [(row, new[contact]) for contact, row in old.items() if contact in new]
    changes = [
        (abs((after.wait_ms or 0) - (before.wait_ms or 0)), before, after)
        for before, after in pairs
        if before.wait_ms != after.wait_ms or before.outcome != after.outcome
    ]
    changes.sort(key=lambda one: (-one[0], one[1].arrived_ms, one[1].contact))
    return [beside(before, after) for _, before, after in changes]
