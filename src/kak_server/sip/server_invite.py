"""INVITE server transaction: RFC 3261 section 17.2.1 as corrected by RFC 6026 section 7.1.

proceeding --2xx--> accepted --L--> over
    |                  (retransmitted INVITEs absorbed; the ACK belongs to the dialog)
    +----300-699--> completed --ACK--> confirmed --I--> over
                      |  G: retransmit     (ACKs absorbed)
                      +--H--> over, unacknowledged
"""

from typing import Literal, NamedTuple

from kak_server.sip.machine import Arm, Disarm, Effect, Over, Times, Transmit, Unacknowledged

State = Literal["proceeding", "accepted", "completed", "confirmed"]


class ServerInvite(NamedTuple):
    """One INVITE we serve. `response` is the last provisional, or the final answer other than 2xx."""

    reliable: bool
    times: Times
    state: State = "proceeding"
    response: bytes = b""
    interval_ms: int = 0  # of timer G


Step = tuple[ServerInvite, tuple[Effect, ...]]


def on_retransmission(machine: ServerInvite) -> Step:
    """The INVITE came again."""
    if machine.state in ("proceeding", "completed") and machine.response:
        # 17.2.1: the most recent provisional, or the final answer, goes out again
        return machine, (Transmit(machine.response),)
    # RFC 6026 7.1: absorbed in "accepted" (the usage repeats the 2xx); 17.2.1: nothing in "confirmed"
    return machine, ()


def on_respond(machine: ServerInvite, status: int, data: bytes) -> Step:
    """The user of the transaction answers. A second final answer is the caller's fault and changes nothing."""
    if machine.state == "accepted" and 200 <= status < 300:
        return machine, (Transmit(data),)  # RFC 6026 7.1: 2xx retransmissions pass through
    if machine.state != "proceeding":
        return machine, ()
    if status < 200:
        return ServerInvite(machine.reliable, machine.times, "proceeding", data), (Transmit(data),)
    give_up_ms = machine.times.give_up_ms
    if status < 300:
        # RFC 6026 7.1: to "accepted", timer L = 64*T1; retransmission of the 2xx is the usage's (13.3.1.4)
        return ServerInvite(machine.reliable, machine.times, "accepted"), (Transmit(data), Arm("L", give_up_ms))
    effects: list[Effect] = [Transmit(data)]
    interval_ms = 0
    if not machine.reliable:
        interval_ms = machine.times.t1_ms  # 17.2.1: timer G on unreliable transports only
        effects.append(Arm("G", interval_ms))
    effects.append(Arm("H", give_up_ms))
    return machine._replace(state="completed", response=data, interval_ms=interval_ms), tuple(effects)


def on_ack(machine: ServerInvite) -> Step:
    """An ACK that matches the transaction."""
    if machine.state != "completed":
        return machine, ()  # 17.2.1: absorbed in "confirmed"; stray before a final answer
    if machine.reliable:
        return machine._replace(state="confirmed"), (Disarm("H"), Over())  # timer I is zero
    stopped = (Disarm("G"), Disarm("H"), Arm("I", machine.times.t4_ms))
    return machine._replace(state="confirmed", response=b""), stopped


def on_timer(machine: ServerInvite, name: str) -> Step:
    """A timer of ours fired."""
    if name == "G" and machine.state == "completed":
        interval_ms = min(2 * machine.interval_ms, machine.times.t2_ms)  # 17.2.1: doubles up to T2
        return machine._replace(interval_ms=interval_ms), (Transmit(machine.response), Arm("G", interval_ms))
    if name == "H" and machine.state == "completed":
        return machine, (Disarm("G"), Unacknowledged(), Over())
    if name in ("I", "L"):
        return machine, (Over(),)
    return machine, ()
