"""The INVITE client transaction, branch by branch (RFC 3261 17.1.1, RFC 6026 7.2)."""

from kak_server.sip import client_invite
from kak_server.sip.machine import Arm, Deliver, Disarm, Final, Over, Times, Transmit

TIMES = Times()
HEARD = (Disarm("A"), Disarm("B"))
STOPPED = (*HEARD, Disarm("C"))


def test_nobody_answers() -> None:
    machine, effects = client_invite.start(b"INVITE", False, TIMES)
    assert effects == (Transmit(b"INVITE"), Arm("B", 32_000), Arm("A", 500))
    intervals = []
    for _ in range(6):
        machine, effects = client_invite.on_timer(machine, "A")
        assert effects[0] == Transmit(b"INVITE")
        intervals.append(effects[1].after_ms if isinstance(effects[1], Arm) else None)
    assert intervals == [1000, 2000, 4000, 8000, 16_000, 32_000]  # no ceiling, unlike other requests
    assert client_invite.on_timer(machine, "B")[1] == (Disarm("A"), Final(408), Over())


def test_a_stream_needs_no_copies() -> None:
    machine, effects = client_invite.start(b"INVITE", True, TIMES)
    assert effects == (Transmit(b"INVITE"), Arm("B", 32_000))
    machine, effects = client_invite.on_response(machine, 486, b"ACK")
    assert effects == (*STOPPED, Transmit(b"ACK"), Final(486), Over())  # timer D is zero


def test_refused() -> None:
    machine, _ = client_invite.start(b"INVITE", False, TIMES)
    machine, effects = client_invite.on_response(machine, 180, b"")
    assert effects == (*HEARD, Deliver())
    assert client_invite.on_timer(machine, "A") == (machine, ())
    assert client_invite.on_timer(machine, "B") == (machine, ())
    assert client_invite.on_response(machine, 183, b"")[1] == (*HEARD, Deliver())
    machine, effects = client_invite.on_response(machine, 486, b"ACK")
    assert effects == (*STOPPED, Transmit(b"ACK"), Arm("D", 32_000), Final(486))
    assert client_invite.on_response(machine, 486, b"other") == (machine, (Transmit(b"ACK"),))
    assert client_invite.on_response(machine, 180, b"") == (machine, ())
    assert client_invite.on_response(machine, 200, b"") == (machine, ())
    assert client_invite.on_timer(machine, "D")[1] == (Over(),)


def test_accepted() -> None:
    machine, _ = client_invite.start(b"INVITE", False, TIMES)
    machine, effects = client_invite.on_response(machine, 200, b"")
    assert effects == (*STOPPED, Arm("M", 32_000), Deliver(), Final(200))
    assert client_invite.on_response(machine, 200, b"") == (machine, (Deliver(),))  # RFC 6026 7.2
    assert client_invite.on_response(machine, 487, b"ACK") == (machine, ())
    assert client_invite.on_response(machine, 180, b"") == (machine, ())
    assert client_invite.on_timer(machine, "M")[1] == (Over(),)


def test_cancelled_and_never_answered() -> None:
    machine, _ = client_invite.start(b"INVITE", False, TIMES)
    assert client_invite.cancel(machine) == (machine, ())  # 9.1: nothing was heard yet
    machine, _ = client_invite.on_response(machine, 180, b"")
    machine, effects = client_invite.cancel(machine)
    assert effects == (Arm("C", 32_000),)
    assert client_invite.on_timer(machine, "C")[1] == (Final(408), Over())
    machine, _ = client_invite.on_response(machine, 200, b"")
    assert client_invite.on_timer(machine, "C") == (machine, ())
