"""Non-INVITE server transaction (RFC 3261 section 17.2.2).

trying --1xx--> proceeding --200-699--> completed --J--> over
   +------------200-699-------------------^   (retransmissions answered again)
"""

from typing import Literal, NamedTuple

from kak_server.sip.machine import Arm, Effect, Over, Times, Transmit


class ServerNonInvite(NamedTuple):
    """One request other than INVITE and ACK that we serve."""

    reliable: bool
    times: Times
    state: Literal["trying", "proceeding", "completed"] = "trying"
    response: bytes = b""


Step = tuple[ServerNonInvite, tuple[Effect, ...]]


def on_retransmission(machine: ServerNonInvite) -> Step:
    """The request came again: nothing in "trying" (17.2.2), the last answer afterwards."""
    return machine, (Transmit(machine.response),) if machine.response else ()


def on_respond(machine: ServerNonInvite, status: int, data: bytes) -> Step:
    """The user of the transaction answers; in "completed" further answers are dropped (17.2.2)."""
    if machine.state == "completed":
        return machine, ()
    if status < 200:
        return machine._replace(state="proceeding", response=data), (Transmit(data),)
    if machine.reliable:
        return machine._replace(state="completed", response=data), (Transmit(data), Over())  # timer J is zero
    completed = ServerNonInvite(machine.reliable, machine.times, "completed", data)
    return completed, (Transmit(data), Arm("J", machine.times.give_up_ms))


def on_timer(machine: ServerNonInvite, name: str) -> Step:
    """Timer J: the peer has stopped retransmitting."""
    return machine, (Over(),) if name == "J" else ()
