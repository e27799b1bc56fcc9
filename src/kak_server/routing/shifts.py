"""The change of shifts at a position, and other leavings that wait for the work at hand.

Somebody is *leaving* who is to go as soon as no call and no paper work holds them: signed out by a shift lead, or with
the next shift's operator standing by. They are offered nothing more. `settle` lets them go, at the end of whichever
step frees them.
"""

from dataclasses import replace

from kak_server.model.ids import PositionId
from kak_server.routing import matching, offers, operators
from kak_server.routing.api import (
    ForcedTo,
    HandOverCancelled,
    HandOverChanged,
    HandOverStarted,
    OperatorSignedIn,
    OperatorState,
    PositionLeft,
)
from kak_server.routing.api_people import HandOverChange
from kak_server.routing.duty import HandOver
from kak_server.routing.state import Operator, Turn

HAND_OVER = "hand-over"


def on_started(turn: Turn, event: HandOverStarted) -> None:
    """The incoming stands by. Said again by the same person, it changes nothing."""
    state, people = turn.state, turn.state.people
    outgoing = state.positions.get(event.position)
    if outgoing is None:
        turn.refuse("empty", "nobody sits there", event.operator)
        return
    if event.operator in state.operators:
        turn.refuse("signed-in", "you sit at a position already", event.operator)
        return
    known = people.hand_overs.get(event.position)
    if known is not None and known.incoming != event.operator:
        turn.refuse("taken", f"{known.name} is to have the seat", event.operator)
        return
    if known is not None:
        return
    if event.operator in people.handing:  # changed their mind about where
        _end(turn, people.hand_overs[people.handing[event.operator]], "cancelled")
    until_ms = turn.now_ms + state.config.people.hand_over_ms
    row = HandOver(
        event.position,
        outgoing,
        event.operator,
        event.name,
        event.room,
        dict(event.skills),
        turn.now_ms,
        until_ms,
        event.capacity,
    )
    people.begin(row)
    turn.set_timer(HAND_OVER, event.position, until_ms)
    turn.emit(HandOverChanged(row.position, outgoing, row.incoming, "started", until_ms))
    decide(turn, state.operators[outgoing])


def on_cancelled(turn: Turn, event: HandOverCancelled) -> None:
    """The outgoing stays on."""
    row = turn.state.people.hand_overs.get(event.position)
    if row is None:
        turn.refuse("unknown-position", "nobody is to take over there", event.operator)
    elif event.operator not in (row.incoming, row.outgoing):
        turn.refuse("not-yours", "that is between two others", event.operator)
    else:
        _end(turn, row, "cancelled")


def on_expired(turn: Turn, position: str) -> None:
    """Two people at one position for long enough."""
    _end(turn, turn.state.people.hand_overs[PositionId(position)], "expired")


def at_work(operator: Operator) -> bool:
    """A call, its paper work (also while it waits for an offer by name), or chats: nothing that is cut."""
    papers = operator.wrap_up_until_ms is not None
    return papers or operator.state is OperatorState.BUSY or bool(operator.chats)


def decide(turn: Turn, operator: Operator) -> None:
    """Whether the operator is leaving, after something that bears on it has changed."""
    duty = operator.duty
    row = turn.state.people.hand_overs.get(operator.position)
    forced_out = duty.forced is not None and duty.forced.to is ForcedTo.SIGNED_OUT
    leaving = forced_out or (row is not None and row.outgoing == operator.operator)
    turn.touch_operator(operator.operator)
    if leaving == duty.leaving:
        return
    matching.unlist_idle(turn.state, operator)
    duty.leaving = leaving
    if leaving:
        offers.released(turn, operator)
    matching.list_idle(turn.state, operator)
    offers.match_operator(turn, operator)


def settle(turn: Turn) -> None:
    """At the end of each step: those it touched go, if they were waiting for that. Looks at nobody else."""
    state, people = turn.state, turn.state.people
    for operator_id in turn.touched_operators():
        position = people.handing.get(operator_id)
        if position is not None:
            _look_at_seat(turn, people.hand_overs[position])
        operator = state.operators.get(operator_id)
        if operator is not None and operator.duty.leaving and not at_work(operator):
            _depart(turn, operator)


def _look_at_seat(turn: Turn, row: HandOver) -> None:
    """One of the two has sat down or gone without the other."""
    occupant = turn.state.positions.get(row.position)
    if occupant is None and row.incoming not in turn.state.operators:
        _take_seat(turn, row)
    elif occupant == row.incoming:
        _end(turn, row, "done")
        _inherit(turn, replace(row, room=turn.state.operators[occupant].room))
    elif occupant != row.outgoing:
        _end(turn, row, "taken" if occupant is not None else "cancelled")
    elif row.incoming in turn.state.operators:
        _end(turn, row, "cancelled")


def _depart(turn: Turn, operator: Operator) -> None:
    row = turn.state.people.hand_overs.get(operator.position)
    operators.remove(turn, operator, "signed-out")
    reason = "forced" if row is None else "handed-over"
    turn.emit(PositionLeft(operator.position, operator.operator, reason))
    if row is not None:
        _take_seat(turn, row)


def _take_seat(turn: Turn, row: HandOver) -> None:
    """The seat is the incoming's: not ready until they say so, and without sound until their console brings it."""
    _end(turn, row, "done")
    _inherit(turn, row)
    able = row.capacity
    operators.on_signed_in(
        turn,
        OperatorSignedIn(
            turn.now_ms,
            row.incoming,
            row.name,
            row.position,
            row.room,
            row.skills,
            chats_max=able.chats_max,
            chats_in_call=able.chats_in_call,
            interruptible=able.interruptible,
        ),
    )


def _inherit(turn: Turn, row: HandOver) -> None:
    """What the outgoing has parked in the room comes back to the incoming from now on."""
    for contact_id in turn.state.slots.get(row.room, {}).values():
        moves = turn.state.contacts[contact_id].moves
        if moves.slot is not None and moves.slot.by == row.outgoing:
            moves.slot = replace(moves.slot, by=row.incoming)
            turn.touch_contact(contact_id)


def _end(turn: Turn, row: HandOver, change: HandOverChange) -> None:
    turn.state.people.end(row)
    turn.cancel_timer(HAND_OVER, row.position)
    turn.emit(HandOverChanged(row.position, row.outgoing, row.incoming, change))
    outgoing = turn.state.operators.get(row.outgoing)
    if outgoing is not None:
        decide(turn, outgoing)
