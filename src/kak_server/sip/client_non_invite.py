"""Non-INVITE client transaction: our BYE and OPTIONS (RFC 3261 section 17.1.2).

trying --1xx--> proceeding --200-699--> completed --K--> over
   +------------200-699-------------------^   (answers repeated by the peer absorbed)
E: retransmit, doubling to T2 (at T2 once proceeding)      F: gives up, Final(408)
"""

from dataclasses import replace
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.machine import Arm, Disarm, Effect, Final, Over, Times, Transmit


@frozen
class ClientNonInvite:
    """One request of ours that waits for its answer."""

    reliable: bool
    times: Times
    request: bytes
    state: Literal["trying", "proceeding", "completed"] = "trying"
    interval_ms: int = 0  # of timer E


Step = tuple[ClientNonInvite, tuple[Effect, ...]]


def start(request: bytes, reliable: bool, times: Times) -> Step:
    """Send the request (17.1.2.2): timer F always, timer E on unreliable transports."""
    machine = ClientNonInvite(reliable, times, request, interval_ms=times.t1_ms)
    effects: tuple[Effect, ...] = (Transmit(request), Arm("F", times.give_up_ms))
    return machine, effects if reliable else (*effects, Arm("E", times.t1_ms))


def on_response(machine: ClientNonInvite, status: int) -> Step:
    """An answer that matches by branch and method."""
    if machine.state == "completed":
        return machine, ()  # 17.1.2.2: repeated answers are absorbed
    if status < 200:
        return replace(machine, state="proceeding"), ()
    done = replace(machine, state="completed", request=b"")
    stopped: tuple[Effect, ...] = (Disarm("E"), Disarm("F"), Final(status))
    if machine.reliable:
        return done, (*stopped, Over())  # timer K is zero
    return done, (*stopped, Arm("K", machine.times.t4_ms))


def on_timer(machine: ClientNonInvite, name: str) -> Step:
    """A timer of ours fired."""
    if name == "E" and machine.state != "completed":
        # 17.1.2.2: min(2*E, T2) in "trying", T2 in "proceeding"
        doubled_ms = min(2 * machine.interval_ms, machine.times.t2_ms)
        interval_ms = machine.times.t2_ms if machine.state == "proceeding" else doubled_ms
        return replace(machine, interval_ms=interval_ms), (Transmit(machine.request), Arm("E", interval_ms))
    if name == "F" and machine.state != "completed":
        return machine, (Disarm("E"), Final(408), Over())
    if name == "K":
        return machine, (Over(),)
    return machine, ()
