"""INVITE client transaction: RFC 3261 section 17.1.1 as corrected by RFC 6026 section 7.2.

calling --1xx--> proceeding --2xx--> accepted --M--> over       (every 2xx goes up; its ACK is the dialog's)
   |                 |
   +------300-699----+---------> completed --D--> over          (repeated answers get the ACK again)
   +--B--> over, Final(408)
A: retransmit, doubling without a ceiling, on unreliable transports      B: nothing was heard in 64*T1
C: our CANCEL has brought no final answer in 64*T1 (9.1): Final(408), over
"""

from dataclasses import replace
from typing import Literal

from kak_server.model.light import frozen
from kak_server.sip.machine import Arm, Deliver, Disarm, Effect, Final, Over, Times, Transmit

State = Literal["calling", "proceeding", "completed", "accepted"]


@frozen
class ClientInvite:
    """One INVITE of ours, from its first copy on the wire until late answers need no care any more."""

    reliable: bool
    times: Times
    request: bytes  # dropped once an answer has come
    state: State = "calling"
    interval_ms: int = 0  # of timer A
    ack: bytes = b""  # for the final answer other than 2xx


Step = tuple[ClientInvite, tuple[Effect, ...]]


def start(request: bytes, reliable: bool, times: Times) -> Step:
    """Send the INVITE (17.1.1.2): timer B always, timer A on unreliable transports."""
    machine = ClientInvite(reliable, times, request, interval_ms=times.t1_ms)
    effects: tuple[Effect, ...] = (Transmit(request), Arm("B", times.give_up_ms))
    return machine, effects if reliable else (*effects, Arm("A", times.t1_ms))


def on_response(machine: ClientInvite, status: int, ack: bytes) -> Step:
    """An answer that matches by branch and method; `ack` acknowledges it, should it be a refusal (17.1.1.3)."""
    if status < 200:
        if machine.state not in ("calling", "proceeding"):
            return machine, ()  # overtaken by the final answer
        return replace(machine, state="proceeding", request=b""), (Disarm("A"), Disarm("B"), Deliver())
    if status < 300:
        if machine.state == "accepted":
            return machine, (Deliver(),)  # RFC 6026 7.2: repeated and forked ones are the user's to acknowledge
        if machine.state == "completed":
            return machine, ()  # no proxy answers with both
        accepted = replace(machine, state="accepted", request=b"")
        return accepted, (
            Disarm("A"),
            Disarm("B"),
            Disarm("C"),
            Arm("M", machine.times.give_up_ms),
            Deliver(),
            Final(status),
        )
    if machine.state == "completed":
        return machine, (Transmit(machine.ack),)  # 17.1.1.2: our ACK was lost
    if machine.state == "accepted":
        return machine, ()
    done = replace(machine, state="completed", request=b"", ack=ack)
    stopped: tuple[Effect, ...] = (Disarm("A"), Disarm("B"), Disarm("C"), Transmit(ack))
    if machine.reliable:
        return done, (*stopped, Final(status), Over())  # timer D is zero
    # 17.1.1.2: at least 32 s, which is as long as the peer's timer H repeats the answer
    return done, (*stopped, Arm("D", machine.times.give_up_ms), Final(status))


def cancel(machine: ClientInvite) -> Step:
    """A CANCEL for it has gone out. 9.1: without a final answer in 64*T1 the transaction is over all the same."""
    if machine.state != "proceeding":
        return machine, ()
    return machine, (Arm("C", machine.times.give_up_ms),)


def on_timer(machine: ClientInvite, name: str) -> Step:
    """A timer of ours fired."""
    if name == "A" and machine.state == "calling":
        interval_ms = 2 * machine.interval_ms  # 17.1.1.2: doubles, T2 is for other requests
        return replace(machine, interval_ms=interval_ms), (Transmit(machine.request), Arm("A", interval_ms))
    if name == "B" and machine.state == "calling":
        return machine, (Disarm("A"), Final(408), Over())
    if name == "C" and machine.state == "proceeding":
        return machine, (Final(408), Over())
    if name in ("D", "M"):
        return machine, (Over(),)
    return machine, ()
