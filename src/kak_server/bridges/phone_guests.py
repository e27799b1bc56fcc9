"""A phone that serves a position takes part in a colleague's call as a browser does: it rings for an invitation, and
its one leg is the seat's, whoever holds the contact."""

from kak_server.bridges.calls import JOINED
from kak_server.model.ids import OperatorId
from kak_server.routing.api import INVITES, ContactState
from kak_server.routing.views import ContactView, ParticipantView


def guest(view: ContactView | None, operator: OperatorId) -> ParticipantView | None:
    """How this operator takes part beside the holder, invited or joined."""
    rows = view.participants if view is not None else ()
    return next((row for row in rows if row.operator == operator), None)


def epoch_of(row: ParticipantView) -> int:
    """That of the invitation."""
    return INVITES + row.number


def asked(view: ContactView, operator: OperatorId, epoch: int) -> bool:
    """The phone rings for something that can still be answered: an offer, or an invitation."""
    row = guest(view, operator)
    if row is not None:
        return not row.joined and epoch_of(row) == epoch
    return view.state is ContactState.OFFERED


def there(view: ContactView | None, operator: OperatorId) -> bool:
    """The operator has the contact, or takes part in it."""
    row = guest(view, operator)
    holds = view is not None and view.operator == operator and view.state in JOINED
    return holds or (row is not None and row.joined)


def rings_or_talks(view: ContactView | None, operator: OperatorId, epoch: int) -> bool:
    """Whether a phone's call that is about this contact, under that epoch, is still what the routing core knows."""
    row = guest(view, operator)
    if row is not None:
        return epoch_of(row) == epoch
    return view is not None and view.operator == operator and view.epoch == epoch
