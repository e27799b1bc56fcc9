"""The operator's commands about moves of a live contact: a table from name to handler."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kak_server.bridges import commands_brought
from kak_server.bridges.asking import Args, By, RefusedError, flag, own_line, text
from kak_server.bridges.commands_callers import supervisor
from kak_server.bridges.context import QueueInfo
from kak_server.model.ids import ContactId, OperatorId, QueueId, RoomId
from kak_server.routing import api as routing
from kak_server.routing.api_moves import Purpose
from kak_server.routing.views import ContactView

if TYPE_CHECKING:
    from kak_server.bridges.house import House


def takes_part(house: "House", by: By, args: Args) -> ContactId | None:
    """The contact of the arguments, if this operator is in it beside its holder."""
    contact = ContactId(text(args, "contact"))
    view = house.ctx.core.contact(contact)
    row = house.colleagues.guest_of(view, by.operator) if view is not None else None
    return contact if row is not None and row.joined else None


def quits(house: "House", by: By, args: Args) -> bool:
    """One who takes part leaves; False: the operator holds the contact, or has nothing to do with it."""
    contact = takes_part(house, by, args)
    if contact is not None:
        house.ctx.route(routing.ParticipantQuit(house.ctx.now_ms, by.operator, contact))
    return contact is not None


def _park(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    commands_brought.no_sound(house, args, "parked")  # nobody would hear that they wait: an alarm is somebody's
    line = own_line(house, by, args)
    house.ctx.route(routing.ContactParked(house.ctx.now_ms, by.operator, line.contact))
    house.ctx.settle()
    view = house.ctx.core.contact(line.contact)
    return {"slot": view.slot.number if view is not None and view.slot is not None else None}


def _unpark(house: "House", by: By, args: Args) -> None:
    house.ctx.route(routing.ParkedTaken(house.ctx.now_ms, by.operator, ContactId(text(args, "contact"))))


def _to_operator(house: "House", by: By, args: Args) -> None:
    contact = commands_brought.mine(house, by, args) or own_line(house, by, args).contact
    target, back = OperatorId(text(args, "operator")), args.get("back") is not False
    house.ctx.route(routing.TransferToOperator(house.ctx.now_ms, by.operator, contact, target, back))


def _to_room(house: "House", by: By, args: Args) -> Mapping[str, Any]:
    """Into the queue of the other room that is most like the contact's own: of its class, else the room's first."""
    contact = commands_brought.mine(house, by, args) or own_line(house, by, args).contact
    queue = queue_of_room(house, RoomId(text(args, "room")), contact)
    if queue is None:
        raise RefusedError("unknown-room", "no queue is that room's own")
    house.ctx.route(routing.TransferToQueue(house.ctx.now_ms, by.operator, contact, queue.queue))
    return {"queue": queue.queue}


def queue_of_room(house: "House", room: RoomId, contact: ContactId) -> QueueInfo | None:
    """The queue by which a room gets a contact."""
    view = house.ctx.core.contact(contact)
    own = [queue for queue in house.calls.queues.values() if queue.rooms[:1] == (room,)]
    alike = [queue for queue in own if view is not None and queue.klass is view.klass]
    return next(iter(alike or own), None)


def _invite(house: "House", by: By, args: Args) -> None:
    commands_brought.no_sound(house, args, "talked about or shared")
    line = own_line(house, by, args)
    target = OperatorId(text(args, "operator"))
    purpose: Purpose = "conference" if args.get("purpose") == "conference" else "consult"
    house.ctx.route(routing.ColleagueInvited(house.ctx.now_ms, by.operator, line.contact, target, purpose))


def _of_queue(house: "House", by: By, args: Args) -> None:
    _seek(house, by, args, queue=QueueId(text(args, "queue")))


def _of_room(house: "House", by: By, args: Args) -> None:
    _seek(house, by, args, room=RoomId(text(args, "room")))


def _seek(house: "House", by: By, args: Args, *, queue: QueueId | None = None, room: RoomId | None = None) -> None:
    commands_brought.no_sound(house, args, "talked about or shared")
    line = own_line(house, by, args)
    house.ctx.route(routing.ColleagueSought(house.ctx.now_ms, by.operator, line.contact, queue, room))


def _drop(house: "House", by: By, args: Args) -> None:
    contact = commands_brought.mine(house, by, args) or own_line(house, by, args).contact
    target = OperatorId(text(args, "operator"))
    house.ctx.route(routing.ColleagueDropped(house.ctx.now_ms, by.operator, contact, target))


def _complete(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    house.ctx.route(routing.ConsultEnded(house.ctx.now_ms, by.operator, line.contact, "complete"))


def _merge(house: "House", by: By, args: Args) -> None:
    line = own_line(house, by, args)
    house.ctx.route(routing.ConsultEnded(house.ctx.now_ms, by.operator, line.contact, "merge"))


def _swap(house: "House", by: By, args: Args) -> None:
    """Back to the caller while the colleague waits, and the other way about."""
    line = own_line(house, by, args)
    view = house.ctx.core.contact(line.contact)
    consulted = view is not None and any(row.joined and row.part is routing.Part.CONSULT for row in view.participants)
    if view is None or not consulted:
        raise RefusedError("nobody-else", "no colleague is being consulted")
    to_colleague = view.state is not routing.ContactState.HELD
    house.ctx.route(routing.HoldSet(house.ctx.now_ms, by.operator, line.contact, to_colleague))


def _led(house: "House", by: By, args: Args) -> ContactView:
    """A contact that somebody has, of this shift lead's room or in a queue of it. Raises RefusedError."""
    view = house.ctx.core.contact(ContactId(text(args, "contact")))
    if view is None:
        raise RefusedError("unknown-contact", "that call is over")
    room = house.views.room_of(by.position)
    if not house.staff.leads(by.operator, room):
        supervisor(by)
    info = house.calls.queues.get(view.queue)
    holder = house.ctx.core.operator(view.operator) if view.operator is not None else None
    if (info is None or room not in info.rooms) and (holder is None or holder.room != room):
        raise RefusedError("not-yours", "that call is another room's")
    return view


def _listen(house: "House", by: By, args: Args) -> None:
    commands_brought.no_sound(house, args, "listened to")
    view = _led(house, by, args)
    whisper = flag(args, "whisper")
    house.ctx.route(routing.SupervisorListens(house.ctx.now_ms, by.operator, view.contact, whisper))


def _take_over(house: "House", by: By, args: Args) -> None:
    view = _led(house, by, args)
    house.ctx.route(routing.ContactTakenOver(house.ctx.now_ms, by.operator, view.contact))


def _read(house: "House", by: By, args: Args) -> None:
    """Look into a chat, or no longer."""
    if flag(args, "on"):
        house.chat_hands.look_in(by.position, by.operator, _led(house, by, args))
    else:
        house.chat_hands.look_away(by.position)


BY_PHONE = ("contact.unpark", "contact.listen", "contact.take_over")
"""What a position whose sound is a phone cannot begin from the console."""

AUDITED = frozenset({"contact.listen", "contact.take_over", "contact.read"})

TABLE: Mapping[str, Callable[["House", By, Args], Mapping[str, Any] | None]] = {
    "contact.park": _park,
    "contact.unpark": _unpark,
    "contact.transfer_operator": _to_operator,
    "contact.transfer_room": _to_room,
    "colleague.invite": _invite,
    "contact.consult_queue": _of_queue,
    "contact.consult_room": _of_room,
    "colleague.drop": _drop,
    "consult.complete": _complete,
    "consult.merge": _merge,
    "consult.swap": _swap,
    "contact.listen": _listen,
    "contact.take_over": _take_over,
    "contact.read": _read,
}
