"""Ringing several operators at once for one contact: some at first, more after a while, never more than so many.

All have the contact's one epoch; the first to accept has it. Until that one is joined the others stay reserved: the
second to accept stands by, and takes over at once if joining the first fails.
"""

from kak_server.model.ids import OperatorId
from kak_server.routing import lanes, matching, offers
from kak_server.routing.api import ContactState, Standby, Strategy
from kak_server.routing.state import Contact, Operator, Turn

STAGE = "stage"


def begin(turn: Turn, contact: Contact) -> None:
    """The first is asked already: the others of the first stage."""
    step = contact.need.step
    _ask_more(turn, contact, step.ring_first - 1)
    if 1 + len(contact.ringing) < step.ring_max:
        turn.set_timer(STAGE, contact.contact, turn.now_ms + step.ring_stage_ms)


def on_stage(turn: Turn, contact: Contact) -> None:
    """Nobody has answered for a while: as many more, if that is how its steps ask by now."""
    if contact.state is not ContactState.OFFERED:
        return
    offers.plan_anew(turn, contact)
    if contact.need.strategy is not Strategy.RING_ALL:
        return
    step = contact.need.step
    _ask_more(turn, contact, min(step.ring_first, step.ring_max - 1 - len(contact.ringing)))
    if 1 + len(contact.ringing) < step.ring_max:
        turn.set_timer(STAGE, contact.contact, turn.now_ms + step.ring_stage_ms)


def _ask_more(turn: Turn, contact: Contact, count: int) -> None:
    for operator in matching.pick_several(contact, count):
        if turn.state.watcher is not None:
            turn.state.watcher(turn.state, contact, operator)
        contact.ringing.append(operator.operator)
        offers.reserve(turn, contact, operator)


def drop(contact: Contact, operator: OperatorId) -> None:
    """The operator is asked no more, or does not stand by any more."""
    if contact.standby == operator:
        contact.standby = None
    else:
        contact.ringing.remove(operator)


def lead(contact: Contact, operator: OperatorId) -> None:
    """Of those who ring this one answered: it is the one that counts."""
    assert contact.operator is not None
    contact.ringing[contact.ringing.index(operator)] = contact.operator
    contact.operator = operator


def stand_by(turn: Turn, contact: Contact, operator: Operator) -> None:
    """Answered second: kept until the first is joined. The rest are let go."""
    contact.ringing.remove(operator.operator)
    others, contact.ringing = contact.ringing, []
    contact.standby = operator.operator
    turn.emit(Standby(contact.contact, operator.operator, operator.position, contact.epoch))
    turn.touch_operator(operator.operator)
    turn.touch_contact(contact.contact)
    _let_go(turn, contact, others)


def release(turn: Turn, contact: Contact) -> None:
    """The first is joined, or the contact is over: nobody else is needed."""
    others = contact.ringing if contact.standby is None else [contact.standby, *contact.ringing]
    if others:
        contact.ringing, contact.standby = [], None
        _let_go(turn, contact, others)


def _let_go(turn: Turn, contact: Contact, others: list[OperatorId]) -> None:
    light = lanes.is_light(contact)
    for operator_id in others:
        contact.ringing.append(operator_id)
        operator = turn.state.operators[operator_id]
        offers.withdraw(turn, contact, operator, "answered-elsewhere")
        offers.free(turn, operator, light=light)


def take_over(turn: Turn, contact: Contact) -> bool:
    """Joining the first failed, and nobody has the contact now: whoever stands by has it, under a new epoch."""
    if contact.standby is None:
        release(turn, contact)
        return False
    operator = turn.state.operators[contact.standby]
    offers.withdraw(turn, contact, operator, "accepted")
    contact.epoch += 1
    offers.take(turn, contact, operator)
    return True
