"""Chats that fall silent."""

from kak_server.routing import lanes
from kak_server.routing.api import ContactClass
from kak_server.routing.api_chats import IDLE, ChatIdle
from kak_server.routing.contacts import TALKING, close
from kak_server.routing.state import Turn


def on_idle(turn: Turn, event: ChatIdle) -> None:
    """Nobody writes any more."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None:
        return  # ended by somebody at the same moment: ordinary
    if not lanes.is_light(contact):
        turn.refuse("not-a-chat", "only chats fall silent", contact=event.contact)
    elif contact.klass is ContactClass.EMERGENCY:
        turn.refuse("emergency", "an emergency never ends by itself", contact=event.contact)
    elif contact.state not in TALKING:
        turn.refuse("busy", "nobody has that chat: it waits", contact=event.contact)
    else:
        close(turn, contact, IDLE, IDLE)
