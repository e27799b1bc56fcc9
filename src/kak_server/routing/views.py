"""What the consoles and the records see of the core: frozen copies, never the core's own rows."""

from collections.abc import Mapping

from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing.api import Activity, ContactClass, ContactKind, ContactState, OperatorState
from kak_server.routing.duty import ForcedState, HandOver, Loan, LoanTerms
from kak_server.routing.moves import Handing, Search, Slot
from kak_server.routing.rooms_rows import Room
from kak_server.routing.state import Contact, Operator
from kak_server.routing.words_moves import Part
from kak_server.routing.words_people import LoanState
from kak_server.routing.words_workflow import RoomState


@frozen
class ParticipantView:
    """An operator beside the holder; `expires_at_ms` while invited."""

    operator: OperatorId
    position: PositionId
    number: int
    part: Part
    by: OperatorId
    since_ms: int
    expires_at_ms: int | None

    @property
    def joined(self) -> bool:
        """Whether their sound is in the contact."""
        return self.expires_at_ms is None


@frozen
class SlotView:
    """Where a parked contact is."""

    room: RoomId
    number: int
    by: OperatorId
    recall_at_ms: int


@frozen
class SearchView:
    """Somebody of a queue or a room is sought to talk with first, until then at most; so many were asked."""

    queue: QueueId | None
    room: RoomId | None
    until_ms: int
    asked: int


@frozen
class HandingView:
    """Its holder hands a chat on to this colleague, who is asked until then; `number` as of an invitation."""

    operator: OperatorId
    number: int
    since_ms: int
    expires_at_ms: int


@frozen
class ContactView:
    """One contact. Times are UTC ms; `since_ms` is when the present state began; `cause` only when ended."""

    contact: ContactId
    queue: QueueId
    klass: ContactClass
    state: ContactState
    since_ms: int
    caller: str
    attributes: Mapping[str, str]
    arrived_at_ms: int
    operator: OperatorId | None
    position: PositionId | None
    epoch: int
    offer_expires_at_ms: int | None
    answered_at_ms: int | None  # first connected
    connected_at_ms: int | None  # last connected
    held: bool
    requeued: bool
    cause: str
    outgoing: bool
    first_arrived_at_ms: int = 0  # when the caller first rang in vain; 0: this is the first call
    participants: tuple[ParticipantView, ...] = ()  # in order of coming
    slot: SlotView | None = None  # while parked
    transferred_by: OperatorId | None = None  # may pull it back
    consulting: bool = False  # on hold because its holder talks with a colleague
    kind: ContactKind = ContactKind.VOICE
    standby: OperatorId | None = None  # answered second, and has it should joining the first fail
    search: SearchView | None = None
    handing: HandingView | None = None


@frozen
class DutyView:
    """The day of an operator beside the call at hand. `on_since_ms`: signed in; `misses_in_row`: offers that rang out
    at somebody who was free, since the last sign of life; `leaving`: goes when the work at hand is done."""

    on_since_ms: int
    activity_since_ms: int
    note: str
    misses_in_row: int
    extensions: int
    extended_ms: int
    forced: ForcedState | None
    leaving: bool
    loan: LoanTerms | None


@frozen
class OperatorView:
    """One signed-in operator. `since_ms` is when the present state or activity began; `missed` and `rejected` count
    offers since sign-in."""

    operator: OperatorId
    name: str
    position: PositionId
    room: RoomId
    skills: Mapping[str, int]
    activity: Activity
    reason: str
    state: OperatorState
    since_ms: int
    media_up: bool
    contact: ContactId | None
    wrap_up_until_ms: int | None
    missed: int
    rejected: int
    duty: DutyView
    chats: tuple[ContactId, ...] = ()
    chat_offer: ContactId | None = None
    chats_max: int = 0
    chats_in_call: int = 0
    reserved: bool = False  # kept for the emergencies of the room they serve


@frozen
class HandOverView:
    """Two people at one position; `name` is the incoming's."""

    position: PositionId
    outgoing: OperatorId
    incoming: OperatorId
    name: str
    since_ms: int
    until_ms: int


@frozen
class LoanView:
    """A request of one room for people of another, and what came of it."""

    loan: str
    room: RoomId
    lender: RoomId
    state: LoanState
    asked_by: OperatorId
    agreed_by: OperatorId | None
    since_ms: int
    until_ms: int
    count: int
    named: tuple[OperatorId, ...]
    queues: tuple[QueueId, ...]
    skills: Mapping[str, int]
    note: str
    own_emergencies: bool
    asked: tuple[OperatorId, ...]
    lent: tuple[OperatorId, ...]


@frozen
class RoomView:
    """Whether a control room is open, who said so last, why and when (UTC ms; 0: nobody ever did)."""

    room: RoomId
    state: RoomState
    reason: str
    by: OperatorId | None
    since_ms: int


def room_view(room: RoomId, row: Room | None) -> RoomView:
    """Copy a row for the outside."""
    if row is None:
        return RoomView(room, RoomState.OPEN, "", None, 0)
    return RoomView(room, row.state, row.reason, row.by, row.since_ms)


def loan_view(row: Loan) -> LoanView:
    """Copy a row for the outside."""
    return LoanView(
        row.loan,
        row.room,
        row.lender,
        row.state,
        row.asked_by,
        row.agreed_by,
        row.since_ms,
        row.until_ms,
        row.count,
        row.named,
        row.queues,
        row.skills,
        row.note,
        row.own_emergencies,
        tuple(row.asked),
        tuple(row.lent),
    )


def hand_over_view(row: HandOver) -> HandOverView:
    """Copy a row for the outside."""
    return HandOverView(row.position, row.outgoing, row.incoming, row.name, row.since_ms, row.until_ms)


def contact_view(contact: Contact, position: PositionId | None, people: Mapping[OperatorId, Operator]) -> ContactView:
    """Copy a row for the outside."""
    return ContactView(
        contact=contact.contact,
        queue=contact.queue,
        klass=contact.klass,
        state=contact.state,
        since_ms=contact.since_ms,
        caller=contact.caller,
        attributes=contact.attributes,
        arrived_at_ms=contact.arrived_at_ms,
        operator=contact.operator,
        position=position,
        epoch=contact.epoch,
        offer_expires_at_ms=contact.offer_expires_at_ms,
        answered_at_ms=contact.answered_at_ms,
        connected_at_ms=contact.connected_at_ms,
        held=contact.state is ContactState.HELD,
        requeued=contact.head,
        cause=contact.cause,
        outgoing=contact.outgoing,
        first_arrived_at_ms=contact.first_arrived_at_ms,
        participants=_participants(contact, people) if contact.moves.participants else (),
        slot=_slot(contact.moves.slot),
        transferred_by=contact.moves.transferred_by,
        consulting=contact.moves.consulting,
        kind=contact.kind,
        standby=contact.standby,
        search=_search(contact.moves.search),
        handing=_handing(contact.moves.handing),
    )


def _participants(contact: Contact, people: Mapping[OperatorId, Operator]) -> tuple[ParticipantView, ...]:
    return tuple(
        ParticipantView(
            row.operator, people[row.operator].position, row.number, row.part, row.by, row.since_ms, row.expires_at_ms
        )
        for row in contact.moves.participants.values()
    )


def _search(search: Search | None) -> SearchView | None:
    return None if search is None else SearchView(search.queue, search.room, search.until_ms, asked=len(search.asked))


def _handing(row: Handing | None) -> HandingView | None:
    return None if row is None else HandingView(row.operator, row.number, row.since_ms, row.expires_at_ms)


def _slot(slot: Slot | None) -> SlotView | None:
    return None if slot is None else SlotView(slot.room, slot.number, slot.by, slot.recall_at_ms)


def operator_view(operator: Operator, rooms: Mapping[RoomId, Room]) -> OperatorView:
    """Copy a row for the outside."""
    return OperatorView(
        operator=operator.operator,
        name=operator.name,
        position=operator.position,
        room=operator.room,
        skills=operator.skills,
        activity=operator.activity,
        reason=operator.reason,
        state=operator.state,
        since_ms=operator.since_ms,
        media_up=operator.media_up,
        contact=operator.contact,
        wrap_up_until_ms=operator.wrap_up_until_ms if operator.state is OperatorState.WRAP_UP else None,
        missed=operator.missed,
        rejected=operator.rejected,
        duty=duty_view(operator),
        chats=tuple(operator.chats),
        chat_offer=operator.chat_offer,
        chats_max=operator.chats_max,
        chats_in_call=operator.chats_in_call,
        reserved=_reserved(operator, rooms.get(operator.serves_room)),
    )


def _reserved(operator: Operator, room: Room | None) -> bool:
    """Idle, and one of so few that the room's own emergencies need all of them."""
    return room is not None and room.short and operator.operator in room.guards


def duty_view(operator: Operator) -> DutyView:
    """Copy a row for the outside."""
    duty = operator.duty
    return DutyView(
        on_since_ms=operator.signed_in_at_ms,
        activity_since_ms=duty.activity_since_ms,
        note=duty.note,
        misses_in_row=duty.misses_in_row,
        extensions=duty.extensions,
        extended_ms=duty.extended_ms,
        forced=duty.forced,
        leaving=duty.leaving,
        loan=duty.loan,
    )
