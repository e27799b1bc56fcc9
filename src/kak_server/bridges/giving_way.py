"""A chat's offer gives way: an operator is asked for one thing at a time, and who is on the telephone does not wait
until somebody has made up their mind about a chat.

To a higher class always. To a call of the same class once for each call, and only where the operator takes chats beside
calls: then the chat is offered again as soon as the call is answered, and both are served.
"""

from typing import TYPE_CHECKING

from kak_server.bridges.outputs import Note
from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api as routing
from kak_server.routing.ranking import ASKED_FOR_A_CHAT
from kak_server.routing.views import ContactView

if TYPE_CHECKING:
    from kak_server.bridges.house import House

RANKS = {routing.ContactClass.EMERGENCY: 0, routing.ContactClass.URGENT: 1, routing.ContactClass.NORMAL: 2}


def look(house: "House", contact: ContactId) -> None:
    """This contact has changed: if it waits, and somebody could have it but for a chat that they are asked for, that
    offer is taken back: of the lowest class there is, and the oldest of these. Costs the chats that are on offer just
    now."""
    offered = house.brought.offered
    if not offered or contact in offered:
        return
    view = house.ctx.core.contact(contact)
    if view is None or view.state is not routing.ContactState.WAITING or view.kind is routing.ContactKind.CHAT:
        return
    found: tuple[ContactView, OperatorId] | None = None
    for chat, operator in offered.items():
        other = house.ctx.core.contact(chat)
        if other is None or house.ctx.core.operator(operator) is None:
            continue
        if found is not None and RANKS[other.klass] <= RANKS[found[0].klass]:
            continue
        if _gives_way(house, view, other, operator) and _only_the_chat(house, contact, operator):
            found = other, operator
    if found is not None:
        chat_view, operator = found
        del offered[chat_view.contact]  # the next that waits takes another
        row = chat_view.handing
        epoch = chat_view.epoch if row is None else routing.INVITES + row.number
        event = routing.OfferRejected(house.ctx.now_ms, operator, chat_view.contact, epoch, gives_way=True)
        house.ctx.route(event)
        fields = {"contact": chat_view.contact, "to": contact, "operator": operator}
        house.ctx.emit(Note("chat_gave_way", fields=fields))


def _gives_way(house: "House", view: ContactView, chat: ContactView, operator: OperatorId) -> bool:
    """Whether the waiting contact comes before the chat at this operator."""
    if RANKS[view.klass] != RANKS[chat.klass]:
        return RANKS[view.klass] < RANKS[chat.klass]
    state = house.ctx.core.state
    person = state.operators[operator]
    beside = len(person.chats) < min(person.chats_max, person.chats_in_call)
    call = view.kind in (routing.ContactKind.VOICE, routing.ContactKind.VIDEO)
    return call and beside and operator not in state.contacts[view.contact].passed


def _only_the_chat(house: "House", contact: ContactId, operator: OperatorId) -> bool:
    return house.ctx.core.why_not(contact, operator) == ASKED_FOR_A_CHAT
