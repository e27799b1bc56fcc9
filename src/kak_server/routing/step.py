"""The core as the rest of the system holds it: one event in, all effects out, frozen views to read.

Deterministic: the same events give the same state, effects and digest, in any process.
"""

from collections.abc import Callable, Mapping, Set
from typing import Any

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing import (
    chat_moves,
    chats,
    consult,
    consult_queue,
    contacts,
    described,
    flow,
    forced,
    handing,
    lending,
    matching,
    offers,
    operators,
    outgoing,
    paper_work,
    parking,
    participants,
    queues,
    ranking,
    ring_all,
    rooms,
    rules,
    shifts,
    slots,
    snapshot,
    staff,
    takeover,
    views,
)
from kak_server.routing.api import (
    INVITES,
    ActivitySet,
    ChatIdle,
    ColleagueDropped,
    ColleagueInvited,
    ColleagueSought,
    ConfigChanged,
    Configured,
    ConnectFailed,
    ConsultEnded,
    ContactArrived,
    ContactConnected,
    ContactDescribed,
    ContactDialed,
    ContactGone,
    ContactHandedOver,
    ContactParked,
    ContactPulledBack,
    ContactTakenOver,
    Effect,
    Event,
    HandOverCancelled,
    HandoverFailed,
    HandOverStarted,
    HangUp,
    HoldSet,
    LoanAgreed,
    LoanAnswered,
    LoanAsked,
    LoanEnded,
    OfferAccepted,
    OfferRejected,
    OperatorForced,
    OperatorSignedIn,
    OperatorSignedOut,
    ParkedTaken,
    ParticipantQuit,
    PeopleConfig,
    PositionMedia,
    QueueConfig,
    RoomStateSet,
    SetTimer,
    SupervisorListens,
    TimerFired,
    TransferToOperator,
    TransferToQueue,
    WrapUpDone,
    WrapUpExtended,
)
from kak_server.routing.state import Contact, Operator, State, Turn

_CONTACT_TIMERS: Mapping[str, Callable[[Turn, Contact], None]] = {
    offers.OFFER: offers.on_expired,
    offers.CONNECT: contacts.on_connect_timeout,
    queues.WIDEN: contacts.on_widen,
    slots.PARK: parking.on_recall,
    queues.STEP: flow.on_step,
    ring_all.STAGE: ring_all.on_stage,
    handing.HAND: chat_moves.on_expired,
}

_OPERATOR_TIMERS: Mapping[str, Callable[[Turn, Operator], None]] = {
    offers.WRAP_UP: paper_work.end,
    contacts.MEDIA: operators.on_media_lost,
    participants.INVITE: consult.on_expired,
}

_PEOPLE_TIMERS: Mapping[str, Callable[[Turn, str], None]] = {
    shifts.HAND_OVER: shifts.on_expired,
    lending.LOAN: lending.on_over,
    lending.ASKED: lending.on_lapsed,
}


def _on_timer(turn: Turn, event: TimerFired) -> None:
    """A key that is not armed is stale. One that fired before its time (moved meanwhile) is armed again, so that no
    state ever loses its timer."""
    timer = turn.state.timers.get(event.key)
    if timer is None:
        return
    if timer.at_ms > turn.now_ms:
        turn.emit(SetTimer(event.key, timer.at_ms))
        return
    del turn.state.timers[event.key]
    if timer.kind in _CONTACT_TIMERS:
        _CONTACT_TIMERS[timer.kind](turn, turn.state.contacts[ContactId(timer.subject)])
    elif timer.kind in _PEOPLE_TIMERS:
        _PEOPLE_TIMERS[timer.kind](turn, timer.subject)
    else:
        _OPERATOR_TIMERS[timer.kind](turn, turn.state.operators[OperatorId(timer.subject)])


def _on_accepted(turn: Turn, event: OfferAccepted) -> None:
    """An offer of the contact, or an invitation into it."""
    (consult.on_accepted if event.epoch > INVITES else offers.on_accepted)(turn, event)


def _on_rejected(turn: Turn, event: OfferRejected) -> None:
    (consult.on_rejected if event.epoch > INVITES else offers.on_rejected)(turn, event)


_HANDLERS: Mapping[type[Any], Callable[[Turn, Any], None]] = {
    Configured: rules.on_configured,
    ConfigChanged: rules.on_changed,
    ContactArrived: contacts.on_arrived,
    ContactDescribed: described.on_described,
    ContactGone: contacts.on_gone,
    ChatIdle: chats.on_idle,
    OperatorSignedIn: operators.on_signed_in,
    OperatorSignedOut: operators.on_signed_out,
    ActivitySet: operators.on_activity,
    PositionMedia: operators.on_media,
    OfferAccepted: _on_accepted,
    OfferRejected: _on_rejected,
    ContactConnected: contacts.on_connected,
    ConnectFailed: contacts.on_connect_failed,
    HangUp: contacts.on_hang_up,
    HoldSet: contacts.on_hold,
    TransferToQueue: contacts.on_transfer,
    ContactDialed: outgoing.on_dialed,
    ContactHandedOver: outgoing.on_handed_over,
    HandoverFailed: outgoing.on_handover_failed,
    ContactPulledBack: outgoing.on_pulled_back,
    RoomStateSet: rooms.on_set,
    WrapUpDone: paper_work.on_done,
    WrapUpExtended: paper_work.on_extended,
    OperatorForced: forced.on_forced,
    HandOverStarted: shifts.on_started,
    HandOverCancelled: shifts.on_cancelled,
    LoanAsked: lending.on_asked,
    LoanAgreed: lending.on_agreed,
    LoanAnswered: lending.on_answered,
    LoanEnded: lending.on_ended,
    TimerFired: _on_timer,
    ContactParked: parking.on_parked,
    ParkedTaken: parking.on_taken,
    TransferToOperator: parking.on_transfer,
    ColleagueInvited: consult.on_invited,
    ColleagueSought: consult_queue.on_sought,
    ColleagueDropped: consult.on_dropped,
    ConsultEnded: consult.on_ended,
    ParticipantQuit: consult.on_quit,
    SupervisorListens: takeover.on_listens,
    ContactTakenOver: takeover.on_taken_over,
}


class RoutingCore:
    """The routing state and its one way to change. Not thread-safe: one writer."""

    def __init__(self, state: State | None = None) -> None:
        self._state = state if state is not None else State()

    def step(self, event: Event) -> tuple[Effect, ...]:
        """Take one event to its end. Effects are in order of doing; the changed notices come last, once each.

        `event.now_ms` going backwards is taken as "no time has passed". An event that cannot be obeyed changes nothing
        and gives Refused (late accepts are ordinary); it never raises for what a peer or a person did.
        """
        state = self._state
        state.ended.clear()
        state.now_ms = max(state.now_ms, event.now_ms)
        turn = Turn(state, state.now_ms)
        _HANDLERS[type(event)](turn, event)
        shifts.settle(turn)
        if state.people.loans:
            lending.settle(turn)
        if turn.lapsed:
            consult_queue.settle(turn)
        return turn.finish()

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The state itself, for invariants and explanations. Read only."""
        return self._state

    @property
    def now_ms(self) -> int:
        """Time of the newest event (UTC ms)."""
        return self._state.now_ms

    def contact(self, contact: ContactId) -> views.ContactView | None:
        """One contact; an ended one is still there, with its cause, until the next step."""
        row = self._state.contacts.get(contact) or self._state.ended.get(contact)
        return None if row is None else self._contact_view(row)

    def contacts(self) -> tuple[views.ContactView, ...]:
        """All live contacts in order of arrival."""
        return tuple(self._contact_view(row) for row in self._state.contacts.values())

    def operator(self, operator: OperatorId) -> views.OperatorView | None:
        """One operator, None if not signed in."""
        row = self._state.operators.get(operator)
        return None if row is None else views.operator_view(row, self._state.rooms)

    def operators(self) -> tuple[views.OperatorView, ...]:
        """All signed-in operators."""
        return tuple(views.operator_view(row, self._state.rooms) for row in self._state.operators.values())

    def place(self, contact: ContactId) -> int:
        """The contact's place among those who wait in its queue, from 1; 0 for one that is over."""
        row = self._state.contacts.get(contact)
        return 0 if row is None else queues.place_of(self._state, row)

    def in_room(self, room: RoomId) -> tuple[views.OperatorView, ...]:
        """Who is signed in in a room, by id."""
        return tuple(views.operator_view(row, self._state.rooms) for row in staff.in_room(self._state, room))

    def room(self, room: RoomId) -> views.RoomView:
        """A control room's state; open where nobody has said anything else."""
        return views.room_view(room, self._state.rooms.get(room))

    def hand_over(self, position: PositionId) -> views.HandOverView | None:
        """The change of shifts at a position, if one is under way."""
        row = self._state.people.hand_overs.get(position)
        return None if row is None else views.hand_over_view(row)

    def waits_for(self, incoming: OperatorId) -> PositionId | None:
        """The position at which this operator, who is not signed in, stands by for the next shift."""
        position = self._state.people.handing.get(incoming)
        return None if position is None or incoming in self._state.operators else position

    def loans(self) -> tuple[views.LoanView, ...]:
        """All requests and loans, oldest first."""
        rows = sorted(self._state.people.loans.values(), key=lambda row: (row.since_ms, row.loan))
        return tuple(views.loan_view(row) for row in rows)

    def loan(self, loan: str) -> views.LoanView | None:
        """One of them."""
        row = self._state.people.loans.get(loan)
        return None if row is None else views.loan_view(row)

    def loan_of(self, operator: OperatorId) -> views.LoanView | None:
        """The loan that somebody is part of: lent, or asked whether to go."""
        loan = self._state.people.on_loan.get(operator)
        return None if loan is None else self.loan(loan)

    @property
    def people_config(self) -> PeopleConfig:
        """How people's days are bounded, by the rules of now."""
        return self._state.config.people

    def operator_at(self, position: PositionId) -> OperatorId | None:
        """Who sits there."""
        return self._state.positions.get(position)

    def strangers(self, people: Set[OperatorId], positions: Set[PositionId]) -> list[OperatorId]:
        """Who is signed in and none of `people`, or sits at none of `positions`, in order. Looks at none of the
        others."""
        state = self._state
        gone = state.operators.keys() - people
        gone |= {state.positions[position] for position in state.positions.keys() - positions}
        return sorted(gone)

    def waiting(self, queue: QueueId) -> tuple[views.ContactView, ...]:
        """The queue's line, first first; empty for an unknown queue."""
        line = queues.waiting_line(self._state, queue)
        return tuple(self._contact_view(self._state.contacts[contact]) for contact in line)

    def first_waiting(self, queue: QueueId, count: int) -> list[ContactId]:
        """The first so many of the queue's line."""
        return queues.first_waiting(self._state, queue, count)

    def waiting_count(self, queue: QueueId) -> int:
        """How long the queue's line is."""
        return sum(len(row.waiting) for row in self._state.versions_of(queue))

    def idle(self, queue: QueueId) -> tuple[OperatorId, ...]:
        """Operators who could be asked for this queue now, in order: own room first, then longest idle."""
        row = self._state.queues.get(queue)
        return () if row is None else tuple(operator.operator for operator in ranking.idle_for(self._state, row))

    def idle_count(self, queue: QueueId) -> int:
        """How many they are. The cost is that of the crews of the queue's rooms."""
        row = self._state.queues.get(queue)
        return 0 if row is None else ranking.idle_count(self._state, row)

    def served_queues(self, operator: OperatorId) -> tuple[QueueId, ...]:
        """The queues this operator's room and skills reach. Looks at every queue."""
        row = self._state.operators.get(operator)
        if row is None:
            return ()
        served = (queue.config for queue in self._state.all_queues() if matching.may_serve(row, queue.config))
        return tuple(dict.fromkeys(config.queue for config in served))

    def queues(self) -> tuple[QueueConfig, ...]:
        """The rules of every queue that takes arrivals."""
        return tuple(queue.config for queue in self._state.queues.values() if not queue.retired)

    def rules_of(self, contact: ContactId) -> QueueConfig | None:
        """The rules a live contact follows: those of its queue when it came in, unless told otherwise since."""
        row = self._state.contacts.get(contact)
        return None if row is None else self._state.queue_of(row).config

    @property
    def version(self) -> int:
        """Number of the configuration's version that runs; 0: it has none."""
        return self._state.version

    def why_not(self, contact: ContactId, operator: OperatorId) -> str | None:
        """Why this operator is not asked for this contact now, in words; None if it may be. KeyError if unknown."""
        return ranking.why_not(self._state, self._state.contacts[contact], self._state.operators[operator])

    def timers(self) -> Mapping[str, int]:
        """Every armed timer and when it is due (UTC ms): what a restart has to arm again."""
        return {key: timer.at_ms for key, timer in self._state.timers.items()}

    def _contact_view(self, row: Contact) -> views.ContactView:
        operator = None if row.operator is None else self._state.operators.get(row.operator)
        return views.contact_view(row, None if operator is None else operator.position, self._state.operators)

    # --- keeping ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """The whole state as plain JSON values."""
        return snapshot.encode(self._state)

    @classmethod
    def restore(cls, data: Any) -> "RoutingCore":
        """A core from a snapshot. Raises CodecError if it is none."""
        return cls(snapshot.decode(data))

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical state: equal after equal events."""
        return snapshot.digest(self._state)
