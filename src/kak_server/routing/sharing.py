"""Help between rooms, by weight, so that no room is drained by its neighbours.

Two questions for an operator who becomes free, where contacts of the same class wait: own callers or others'?
`help_percent` of such decisions go to others. And whose, of the others? Those of the room whose callers have got least
help by its weight (start-time fair queueing), then by arrival. Classes come before all of this, and so do contacts that
lost their operator.
"""

from kak_server.routing import lanes
from kak_server.routing.needs import HubKey, WaitKey
from kak_server.routing.state import Contact, Operator, State

SHARE = 1_000_000
"""What one contact counts for a room of weight 1."""


def choose(state: State, operator: Operator, open_for: int) -> tuple[WaitKey | None, bool]:
    """The first contact for the operator, and whether own callers and others' stood against each other. Changes
    nothing: `chosen` does."""
    own = first_own(state, operator, open_for)
    other: HubKey | None = None
    for hub in operator.crew.hubs_for(open_for):
        key = hub.first_not_of(operator.serves_room)
        if key is not None and (other is None or key < other):
            other = key
    if other is None:
        return own, False
    others = state.contacts[other[-1]].key
    assert others is not None  # it stands in a line
    if own is None:
        return others, False
    if own[:2] != others[:2]:
        return min(own, others), False
    room = state.room(operator.serves_room)
    return (others if room.balance + room.help_percent >= 100 else own), True


def chosen(state: State, operator: Operator, contact: Contact) -> None:
    """Of two that stood against each other this one was offered."""
    room = state.room(operator.serves_room)
    room.balance += room.help_percent
    if contact.need.line.origin != operator.serves_room:
        room.balance -= 100


def helped(state: State, operator: Operator, contact: Contact) -> None:
    """A contact is offered to this operator: help, if it is another room's."""
    row = contact.need.line.sharing
    if row is not None and row.room != operator.serves_room:
        state.help_clock = max(state.help_clock, row.helped)
        row.helped += SHARE // row.weight


def first_own(state: State, operator: Operator, open_for: int) -> WaitKey | None:
    """The first of the contacts whose own room is the operator's, of those the operator may serve; in reserve: by what
    the operator is there for."""
    kept, crew = lanes.EMERGENCY if open_for & lanes.OWN else 0, operator.crew
    best: WaitKey | None = None
    for line in state.index.own_lines.get(operator.serves_room, ()):
        if line.lane & open_for:
            serves = bool(line.profile.bit & crew.mask_in(line.rooms.rooms, line.lane))
        else:
            serves = bool(line.lane & kept) and crew.at_work(line)
        if serves:
            key = line.waiting.first
            if key is not None and (best is None or key < best):
                best = key
    return best
