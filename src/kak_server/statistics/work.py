"""Pieces of work: offers, answers, calls out, chats, what an operator parks, passes on or loses.

Each is counted four times: for the operator, for the room where that operator sits, for the contact's queue, and for
what that room does for that queue.
"""

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.routing.api_chats import IDLE
from kak_server.routing.state import State
from kak_server.statistics.columns import (
    ACCEPTED,
    ANSWERS,
    CHAT_HANDLE_MS,
    CHATS,
    CHATS_IDLE,
    DIALED,
    DIALED_ANSWERED,
    HANDED_OVER,
    MADE_NOT_READY,
    MISSED,
    OFFERS,
    PARKED,
    REJECTED,
    REQUEUES,
    TRANSFERS_OUT,
    WITHDRAWN,
)
from kak_server.statistics.contacts import Case, Contacts
from kak_server.statistics.people import People, own_room

OFFER_ENDS = {"accepted": ACCEPTED, "rejected": REJECTED, "expired": MISSED}
RELEASES = {"transfer": TRANSFERS_OUT, "handed-over": HANDED_OVER}
LOSSES = frozenset({"media-lost", "connect-failed"})


class WorkMoments:
    """The moments of work with contacts."""

    def __init__(self, contacts: Contacts, people: People) -> None:
        self.contacts = contacts
        self.people = people

    def offer(self, effect: api.Offer, state: State) -> None:
        """An offer of a queue's work."""
        if effect.purpose:
            return  # a colleague asked into somebody's call: no work of a queue is offered
        person, row = self.people.here.get(effect.operator), state.operators.get(effect.operator)
        if person is not None and row is not None and person.room != row.room:
            self.people.look(effect.operator, state)  # in this very step the operator came to another room
        self.at_work(self.contacts.cases.get(effect.contact), effect.operator, OFFERS, state)

    def offer_over(self, effect: api.WithdrawOffer, state: State) -> None:
        """It was accepted, rejected, missed or withdrawn."""
        if effect.epoch > api.INVITES:
            return
        self.people.rings_no_more(effect.operator, effect.contact)
        column = OFFER_ENDS.get(effect.reason, WITHDRAWN)
        self.at_work(self.contacts.cases.get(effect.contact), effect.operator, column, state)

    def connect(self, effect: api.Connect, _state: State) -> None:
        """The contact is joined with an operator."""
        case = self.contacts.cases.get(effect.contact)
        if case is not None:
            case.joined_ms, case.outside = self.people.book.now_ms, False
            if case.waiting:
                self.contacts.step_out(case)

    def overflow_out(self, effect: api.OverflowOut, _state: State) -> None:
        """The rules passed it on to a number outside."""
        case = self.contacts.cases.get(effect.contact)
        if case is not None:
            case.outside = True
            if case.waiting:
                self.contacts.step_out(case)

    def dial(self, effect: api.DialOut, state: State) -> None:
        """A call out was begun."""
        room = own_room(effect.queue, state)
        case = Case(
            effect.contact, effect.queue, room, self.people.book.now_ms, -1, 0, effect.queue, room, outgoing=True
        )
        self.contacts.cases[effect.contact] = case
        self.at_work(case, effect.operator, DIALED, state)

    def release(self, effect: api.ReleaseOperator, state: State) -> None:
        """An operator was parted from a contact."""
        self.people.released(effect.operator, effect.contact)
        column = RELEASES.get(effect.cause)
        case = self.contacts.cases.get(effect.contact)
        if case is not None and case.light:
            self.at_work(case, effect.operator, CHATS, state)
            self.at_work(case, effect.operator, CHAT_HANDLE_MS, state, self.people.book.now_ms - case.joined_ms)
            if effect.cause == IDLE:
                self.at_work(case, effect.operator, CHATS_IDLE, state)
        if column is not None:
            self.at_work(case, effect.operator, column, state)
        elif effect.cause in LOSSES and case is not None and (case.answered or not case.outgoing):
            person = self.people.meet(effect.operator, state)
            if person is not None:  # queue and room hear of it when the contact waits again
                self.people.cells(person)[0].figures[REQUEUES] += 1

    def parked(self, effect: api.Parked, state: State) -> None:
        """An operator parked a contact."""
        self.at_work(self.contacts.cases.get(effect.contact), effect.by, PARKED, state)

    def participant_left(self, effect: api.ParticipantLeft, _state: State) -> None:
        """A colleague left somebody's call."""
        self.people.released(effect.operator, effect.contact)

    def made_not_ready(self, effect: api.MadeNotReady, state: State) -> None:
        """An operator is taken for absent."""
        self.at_work(None, effect.operator, MADE_NOT_READY, state)

    def at_work(
        self, case: Case | None, operator: OperatorId | None, column: int, state: State, amount: int = 1
    ) -> None:
        """Of the operator, of the room where the operator sits, of the contact's queue, and of what that room does for
        that queue."""
        person = None if operator is None else self.people.meet(operator, state)
        if person is not None:
            for cell in self.people.cells(person):
                cell.figures[column] += amount
        if case is not None:
            self.people.book.now.cell("queue", case.queue, case.room).figures[column] += amount
            if person is not None:
                self.people.shared(case.queue, person.room).figures[column] += amount

    def answered(self, case: Case, operator: OperatorId | None, state: State) -> None:
        """The first answer of a contact."""
        self.at_work(case, operator, DIALED_ANSWERED if case.outgoing else ANSWERS, state)
