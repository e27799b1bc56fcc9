"""Somebody could have been asked for the contact, and was asked for another first: which, and why that came first."""

from kak_server.routing import queues, ranking
from kak_server.routing.api import ContactState
from kak_server.routing.state import Contact, Operator, State
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.phrases import CLASSES, Said, of
from kak_server.runtime.times import moment, seconds

TOLD_MAX = 30
"""So many are told one by one while a contact waits; then they are counted."""


def passed_over(
    state: State, mine: Contact | None, other: Contact, operator: Operator, names: Names = IDS
) -> Said | None:
    """Just before `other` is offered to the operator. None if the operator could not have been asked for `mine`."""
    if mine is None or mine.state is not ContactState.WAITING or mine.key is None:
        return None
    if ranking.why_not(state, mine, operator) is not None:
        return None
    why, queue = _why(state, mine, other, operator, names), names.queue(other.queue)
    return Said(
        f"{operator.name} could have been asked, and was asked for {other.contact} of queue {queue.en} first:"
        f" {why.en}.",
        f"{operator.name} kunne vært spurt, og ble spurt for {other.contact} i køen {queue.nb} først: {why.nb}.",
    )


def _why(state: State, mine: Contact, other: Contact, operator: Operator, names: Names) -> Said:
    if other.named == operator.operator:
        return Said("that one waits for this operator by name", "den venter på nettopp denne operatøren")
    key, own_key = other.key or queues.wait_key(other, state.queue_of(other).config), mine.key
    assert own_key is not None
    if key[0] != own_key[0]:
        theirs, own = of(CLASSES, other.klass.value), of(CLASSES, mine.klass.value)
        return Said(
            f"its class ({theirs.en}) comes before this one's ({own.en})",
            f"klassen ({theirs.nb}) går foran denne ({own.nb})",
        )
    if key[1] != own_key[1]:
        return Said(
            "it had lost its operator and is at the head of the class",
            "den hadde mistet operatøren og er først i klassen",
        )
    if state.config.national.fair and other.need.line.origin != mine.need.line.origin:
        return _by_weight(state, other, operator, names)
    if other.order_ms < mine.order_ms:
        return Said(f"it came earlier ({moment(other.order_ms)})", f"den kom før ({moment(other.order_ms)})")
    if key < own_key:
        credit = mine.order_ms - own_key[2], other.order_ms - key[2]
        return Said(
            f"its priority counts {seconds(credit[1])} of waiting, this one's {seconds(credit[0])}",
            f"prioriteten teller {seconds(credit[1])} ventetid, denne sin {seconds(credit[0])}",
        )
    return Said("it was given to this operator by somebody", "den ble gitt til denne operatøren av noen")


def _by_weight(state: State, other: Contact, operator: Operator, names: Names) -> Said:
    origin = other.need.line.origin
    weight = state.room(origin).weight if origin in state.rooms else 1
    own = origin == operator.serves_room
    room = names.room(origin)
    turn_en = (
        f"it was the turn of {room.en}'s own callers" if own else f"it was the turn of {room.en} (weight {weight})"
    )
    turn_nb = f"det var turen til {room.nb}s egne innringere" if own else f"det var turen til {room.nb} (vekt {weight})"
    return Said(f"rooms share help by weight, and {turn_en}", f"sentralene deler hjelp etter vekt, og {turn_nb}")
