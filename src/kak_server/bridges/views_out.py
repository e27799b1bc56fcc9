"""What consoles show of calls out, parties, calls without an operator and abandoned callers. Shapes are those of
docs/integrators/position-api.md."""

from collections.abc import Mapping
from typing import Any

from kak_server.bridges.abandoned import Abandoned
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context
from kak_server.bridges.lent_lists import Rooms, shown
from kak_server.bridges.line import Line, Party
from kak_server.bridges.outputs import Dirty
from kak_server.bridges.reasons import texts
from kak_server.bridges.transfers import Transfers
from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing.api import ContactState
from kak_server.routing.outgoing import queue_of_room

View = dict[str, Any]


def party_view(party: Party) -> View:
    """One party."""
    return {
        "party": party.id,
        "number": party.number,
        "label": party.label,
        "state": party.state,
        "private": party.private,
        "since_ms": party.since_ms,
        "cause": party.cause,
        **texts(party.cause),
    }


def of_call_out(line: Line | None) -> View:
    """What a call card says of who was called."""
    if line is None:
        return {"direction": "in", "display": "", "far_end": "answered", "parties": [], "referral": None}
    referral = line.referral
    return {
        "direction": line.direction,
        "display": line.display,
        "far_end": "gone" if line.gone else line.progress,
        "parties": [party_view(party) for party in line.parties],
        "referral": {"number": referral.number, "state": referral.state} if referral is not None else None,
    }


class ViewsOut:
    """Read only, but for the set of contacts last seen without an operator."""

    def __init__(self, ctx: Context, calls: Calls, transfers: Transfers, abandoned: Abandoned) -> None:
        self.ctx = ctx
        self.calls = calls
        self.transfers = transfers
        self.abandoned = abandoned
        self._alone: set[ContactId] = set()

    def can_refer(self, line: Line) -> bool:
        """Whether the carrier could be asked to take the call elsewhere."""
        return self.transfers.carrier_may_take(line)

    def touched(self, contact: ContactId) -> None:
        """A contact changed: is it, or was it, in the list of those that go on without an operator?"""
        row = self.ctx.core.state.contacts.get(contact)  # no view: this is asked at every change of every contact
        alone = row is not None and row.state is ContactState.HANDED_OVER
        if alone or contact in self._alone:
            (self._alone.add if alone else self._alone.discard)(contact)
            self.ctx.emit(Dirty("handed_over"))

    def resume(self) -> None:
        """After a restart."""
        self._alone = {line.contact for line in self.transfers.alone()}

    def party_changed(self, contact: ContactId) -> None:
        """Somebody in such a contact came or went."""
        if contact in self._alone:
            self.ctx.emit(Dirty("handed_over"))

    def ended(self, contact: ContactId, cause: str) -> Mapping[str, Any]:
        """What the position is told when a call leaves it; of a call out that nobody answered, why."""
        view = self.ctx.core.contact(contact)
        if cause == "caller-gone" and view is not None and view.outgoing and view.answered_at_ms is None:
            cause = view.cause or cause
        return {"contact": contact, "cause": cause, **texts(cause)}

    def snapshot(self, rooms: Rooms) -> View:
        """The snapshot's part."""
        return {
            "handed_over": shown("handed_over", self.handed_over_list, rooms),
            "abandoned": shown("abandoned", self.abandoned_list, rooms),
            "services": [
                {"service": one.service, "label": one.label, "number": one.number} for one in self.ctx.settings.services
            ],
        }

    def handed_over_list(self, room: RoomId) -> list[View]:
        """Contacts that go on without an operator, of the queues this room serves and of its own calls out."""
        rows = []
        for line in self.transfers.alone():
            view = self.ctx.core.contact(line.contact)
            if view is None or not self._of_room(line, room):
                continue
            rows.append(
                {
                    "contact": line.contact,
                    "queue": view.queue,
                    "queue_name": info.name
                    if (info := self.calls.queues.get(view.queue)) is not None
                    else str(view.queue),
                    "class": view.klass.value,
                    "caller": view.caller,
                    "since_ms": view.since_ms,
                    "operator": line.last_operator,
                    "operator_name": self.name_of(line.last_operator),
                    "parties": [party_view(party) for party in line.parties],
                    "of_room": None,
                }
            )
        return rows

    def abandoned_list(self, room: RoomId) -> list[View]:
        """Callers of this room's emergency queues to be called back, the longest gone first."""
        rows = []
        for case in self.abandoned.cases.values():
            info = self.calls.queues.get(case.queue)
            if info is None or room not in info.rooms:
                continue
            rows.append(
                {
                    "contact": case.contact,
                    "queue": case.queue,
                    "queue_name": info.name,
                    "class": info.klass.value,
                    "number": case.number,
                    "arrived_at_ms": case.arrived_at_ms,
                    "ended_at_ms": case.ended_at_ms,
                    "waited_ms": case.ended_at_ms - case.arrived_at_ms,
                    "attempts": case.attempts,
                    "calls": case.calls,
                    "claimed_by": case.claimed_by,
                    "claimed_by_name": self.name_of(case.claimed_by),
                    "claimed_at_ms": case.claimed_at_ms or None,
                    "talking_since_ms": case.talking_since_ms or None,
                    "of_room": None,
                }
            )
        return rows

    def _of_room(self, line: Line, room: RoomId) -> bool:
        info = self.calls.queues.get(line.queue)
        return room in info.rooms if info is not None else line.queue == queue_of_room(room)

    def name_of(self, operator: OperatorId | None) -> str | None:
        """What somebody is called, signed in or not."""
        if operator is None:
            return None
        view, person = self.ctx.core.operator(operator), self.ctx.settings.people.get(operator)
        return view.name if view is not None else str(operator) if person is None else person.name
