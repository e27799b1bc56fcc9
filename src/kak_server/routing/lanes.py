"""Lanes: which kinds of contacts an operator is open for, and which lane a contact comes by.

A chat takes a place beside others; everything else takes the operator whole. An operator who has chats is open for
calls that may interrupt them, and for every emergency. A room's reserve is open for its own emergencies alone.
"""

from kak_server.routing.api import Activity, ContactClass, ContactKind, OperatorState, QueueConfig
from kak_server.routing.lane_bits import CALL as CALL
from kak_server.routing.lane_bits import EMERGENCIES
from kak_server.routing.lane_bits import EMERGENCY as EMERGENCY
from kak_server.routing.lane_bits import FREE as FREE
from kak_server.routing.lane_bits import LIGHT as LIGHT
from kak_server.routing.lane_bits import OWN as OWN
from kak_server.routing.lane_bits import QUIET as QUIET
from kak_server.routing.state import Contact, Operator

LANES = (LIGHT, QUIET, CALL, EMERGENCY, FREE, OWN)
WHOLE = QUIET | CALL | EMERGENCY | FREE | OWN
_WITH_CHATS = CALL | EMERGENCY | FREE | OWN
_ONLY_EMERGENCIES = EMERGENCIES
RESERVED = LIGHT | FREE | OWN


def bench_of(lane: int) -> int:
    """Who is open for calls that may not interrupt chats sits with those who are open for other calls."""
    return CALL if lane == QUIET else lane


def is_light(contact: Contact) -> bool:
    """It takes a place beside others."""
    return contact.kind is ContactKind.CHAT


def lane_of(contact: Contact, config: QueueConfig, *, use_reserves: bool) -> int:
    """The lane by which the contact comes to operators."""
    if contact.kind is ContactKind.CHAT:
        return LIGHT
    if use_reserves:
        return FREE
    if contact.klass is ContactClass.EMERGENCY:
        return EMERGENCY
    return CALL if config.interrupts_chats else QUIET


def open_lanes(operator: Operator, *, evacuated: bool = False) -> int:
    """What the operator may be offered now; 0: nothing. One offer at a time, whatever its kind. What the room keeps in
    reserve is not looked at here."""
    if operator.activity is not Activity.AVAILABLE or operator.chat_offer is not None or evacuated:
        return 0
    if operator.duty.leaving:
        return 0
    chats = len(operator.chats)
    if operator.state is OperatorState.IDLE:
        if not chats:
            lanes = WHOLE
        elif operator.interruptible:
            lanes = _WITH_CHATS
        else:
            lanes = _ONLY_EMERGENCIES
        return lanes | LIGHT if chats < operator.chats_max else lanes
    if operator.state is OperatorState.BUSY and operator.media_up:
        return LIGHT if chats < min(operator.chats_max, operator.chats_in_call) else 0
    return 0
