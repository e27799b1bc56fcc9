"""More is known of a contact than when it came: conditions may hold now, others may be asked first."""

from kak_server.routing import flow, offers, planning, queues
from kak_server.routing.api import ContactDescribed, ContactKind, ContactState
from kak_server.routing.state import Contact, Turn

CALLS = (ContactKind.VOICE, ContactKind.VIDEO)


def on_described(turn: Turn, event: ContactDescribed) -> None:
    """Note it; a contact that waits goes on as what is known now says, in its old place. One that is over meanwhile is
    none of ours."""
    contact = turn.state.contacts.get(event.contact)
    if contact is None or not _note(contact, event):
        return
    turn.touch_contact(contact.contact)
    queue = turn.state.queue_of(contact)
    if queue.config.workflow and contact.state in (ContactState.WAITING, ContactState.OFFERED):
        flow.on_step(turn, contact)
        return
    if contact.state is not ContactState.WAITING:
        return  # what it needs is worked out when it waits again
    need = planning.need_of(turn.state, contact, queue)
    if need != contact.need:
        queues.move(turn.state, contact, need, contact.named)
        offers.match_contact(turn, contact)


def _note(contact: Contact, event: ContactDescribed) -> bool:
    """Whether that is anything new."""
    kind = contact.kind
    if event.kind in CALLS and kind in CALLS:
        kind = event.kind
    area = contact.area if event.area is None else event.area
    language = contact.language if event.language is None else event.language
    if (area, language, kind) == (contact.area, contact.language, contact.kind):
        return False
    contact.area, contact.language, contact.kind = area, language, kind
    contact.note_wish()
    return True
