"""A chat's offer gives way to something graver: an operator is asked for one thing at a time, and an emergency does not
wait until somebody has made up their mind about a chat."""

from typing import TYPE_CHECKING

from kak_server.bridges.outputs import Note
from kak_server.model.ids import ContactId
from kak_server.routing import api as routing
from kak_server.routing.ranking import ASKED_FOR_A_CHAT

if TYPE_CHECKING:
    from kak_server.bridges.house import House

RANKS = {routing.ContactClass.EMERGENCY: 0, routing.ContactClass.URGENT: 1, routing.ContactClass.NORMAL: 2}


def look(house: "House", contact: ContactId) -> None:
    """This contact has changed: if it waits, and somebody could have it but for a chat of a lower class that they are
    asked for, that offer is taken back. Costs the chats that are on offer just now."""
    offered = house.brought.offered
    if not offered or contact in offered:
        return
    view = house.ctx.core.contact(contact)
    if view is None or view.state is not routing.ContactState.WAITING or view.kind is routing.ContactKind.CHAT:
        return
    for chat, operator in offered.items():
        other = house.ctx.core.contact(chat)
        if other is None or RANKS[view.klass] >= RANKS[other.klass] or house.ctx.core.operator(operator) is None:
            continue
        if house.ctx.core.why_not(contact, operator) == ASKED_FOR_A_CHAT:
            del offered[chat]  # the next that waits takes another
            house.ctx.route(routing.OfferRejected(house.ctx.now_ms, operator, chat, other.epoch, gives_way=True))
            house.ctx.emit(Note("chat_gave_way", fields={"contact": chat, "to": contact, "operator": operator}))
            return
