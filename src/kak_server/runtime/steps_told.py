"""What the workflow did to a contact in one event: steps that became due, and who is asked now.

Taken from the contact's row before and after, never worked out anew.
"""

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.queues import STEP
from kak_server.routing.state import Contact, State
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import ROOM_STATES, Said, of
from kak_server.runtime.step_sentences import change_said, rooms_said, when_said
from kak_server.runtime.times import seconds


@frozen
class _Was:
    queue: str
    rules: str
    entered_at_ms: int
    fired: int
    named: OperatorId | None
    rooms: frozenset[RoomId]


class StepsTold:
    """Of one contact."""

    def __init__(self, contact: ContactId, names: Names = IDS) -> None:
        self.contact = contact
        self._names = names
        self._was: _Was | None = None
        self._refused: set[tuple[str, int, int]] = set()  # steps whose condition did not hold, told once

    def look(self, state: State) -> None:
        """Before the event."""
        row = state.contacts.get(self.contact)
        self._was = None if row is None else _seen(row)

    def told(self, state: State, event: api.Event) -> list[Said]:
        """After it: in the order in which it is to be read, before whom it is offered to."""
        row, was = state.contacts.get(self.contact), self._was
        if row is None or row.state is api.ContactState.ENDED:
            return []
        found: list[Said] = []
        now = _seen(row)
        same = was is not None and (was.queue, was.rules, was.entered_at_ms) == (
            now.queue,
            now.rules,
            now.entered_at_ms,
        )
        queue = state.queue_of(row)
        if queue.config.workflow:
            if same and was is not None:
                found += self._done(state, row, row.fired & ~was.fired)
            if self._looked_at(event):
                found += self._not_yet(state, row)
        if same and was is not None and isinstance(event, api.RoomStateSet) and was.rooms != now.rooms:
            rooms, room = rooms_said(sorted(now.rooms), self._names), self._names.room(event.room)
            found.append(
                Said(
                    f"Room {room.en} is {of(ROOM_STATES, event.state.value).en} now: the call asks {rooms.en}.",
                    f"Sentralen {room.nb} er nå {of(ROOM_STATES, event.state.value).nb}: samtalen spør {rooms.nb}.",
                )
            )
        found += self._alone(state, row, None if was is None else was.named)
        return found

    def _done(self, state: State, row: Contact, bits: int) -> list[Said]:
        config, found = state.queue_of(row).config, []
        for number, step in enumerate(config.workflow):
            change = change_said(config, step, self._names)
            if not bits >> number & 1 or not change.en:
                continue
            after, condition = seconds(state.now_ms - row.entered_at_ms), when_said(step.when)
            en = f" because {condition.en}" if condition.en else ""
            nb = f" fordi {condition.nb}" if condition.nb else ""
            found.append(
                Said(
                    f"Step {number + 1} of the workflow, {after} after it came into the queue{en}: {change.en}.",
                    f"Trinn {number + 1} i arbeidsflyten, {after} etter at den kom i køen{nb}: {change.nb}.",
                )
            )
        return found

    def _looked_at(self, event: api.Event) -> bool:
        """The core looked at the contact's steps."""
        if isinstance(event, api.TimerFired):
            return event.key == f"{STEP}:{self.contact}"
        return isinstance(event, api.ContactArrived) and event.contact == self.contact

    def _not_yet(self, state: State, row: Contact) -> list[Said]:
        """Steps that are due and whose condition does not hold."""
        if row.state is not api.ContactState.WAITING:
            return []
        found = []
        for number, step in enumerate(state.queue_of(row).config.workflow):
            name = (row.queue, row.entered_at_ms, number)
            due = row.entered_at_ms + step.after_ms <= state.now_ms and not row.fired >> number & 1
            if not due or step.when is None or name in self._refused:
                continue
            self._refused.add(name)
            condition, again = when_said(step.when), seconds(state.config.national.recheck_ms)
            found.append(
                Said(
                    f"Step {number + 1} of the workflow is due, but does not hold (it asks that {condition.en});"
                    f" it is looked at again every {again}.",
                    f"Trinn {number + 1} i arbeidsflyten er klart, men gjelder ikke (det krever at {condition.nb});"
                    f" det prøves igjen hvert {again}.",
                )
            )
        return found

    def _alone(self, state: State, row: Contact, before: OperatorId | None) -> list[Said]:
        """One operator is asked alone from here on, or is not any more."""
        if row.named == before or row.state is not api.ContactState.WAITING:
            return []
        if row.named is None:
            return [
                Said(
                    f"{_name(state, before)} is not at work for it any more: all others are asked.",
                    f"{_name(state, before)} er ikke lenger på jobb for den: alle andre spørres.",
                )
            ]
        name = _name(state, row.named)
        if row.klass is api.ContactClass.EMERGENCY:
            return [Said(f"{name} is asked before all others.", f"{name} spørres før alle andre.")]
        return [Said(f"It waits for {name} alone at this step.", f"Den venter på {name} alene i dette trinnet.")]


def _seen(row: Contact) -> _Was:
    return _Was(row.queue, row.rules, row.entered_at_ms, row.fired, row.named, row.need.line.rooms.rooms)


def _name(state: State, operator: OperatorId | None) -> str:
    row = None if operator is None else state.operators.get(operator)
    return row.name if row is not None else operator or ""
