"""The three transaction machines, branch by branch."""

from kak_server.sip import client_non_invite, server_invite, server_non_invite
from kak_server.sip.client_non_invite import ClientNonInvite
from kak_server.sip.machine import Arm, Disarm, Final, Over, Times, Transmit, Unacknowledged
from kak_server.sip.server_invite import ServerInvite
from kak_server.sip.server_non_invite import ServerNonInvite

TIMES = Times()


def test_invite_refused_over_udp() -> None:
    machine = ServerInvite(False, TIMES)
    assert server_invite.on_retransmission(machine) == (machine, ())
    machine, effects = server_invite.on_respond(machine, 100, b"100")
    assert effects == (Transmit(b"100"),)
    assert server_invite.on_retransmission(machine)[1] == (Transmit(b"100"),)
    machine, effects = server_invite.on_respond(machine, 404, b"404")
    assert effects == (Transmit(b"404"), Arm("G", 500), Arm("H", 32_000))
    intervals = []
    for _ in range(5):
        machine, effects = server_invite.on_timer(machine, "G")
        assert effects[0] == Transmit(b"404")
        intervals.append(effects[1].after_ms if isinstance(effects[1], Arm) else None)
    assert intervals == [1000, 2000, 4000, 4000, 4000]
    assert server_invite.on_retransmission(machine)[1] == (Transmit(b"404"),)
    assert server_invite.on_respond(machine, 200, b"200") == (machine, ())  # too late
    machine, effects = server_invite.on_ack(machine)
    assert effects == (Disarm("G"), Disarm("H"), Arm("I", 5000))
    assert server_invite.on_ack(machine) == (machine, ())
    assert server_invite.on_retransmission(machine) == (machine, ())
    assert server_invite.on_timer(machine, "G") == (machine, ())
    assert server_invite.on_timer(machine, "I")[1] == (Over(),)


def test_invite_refused_over_tcp() -> None:
    machine, effects = server_invite.on_respond(ServerInvite(True, TIMES), 486, b"486")
    assert effects == (Transmit(b"486"), Arm("H", 32_000))
    assert server_invite.on_ack(machine)[1] == (Disarm("H"), Over())


def test_invite_refused_and_never_acknowledged() -> None:
    machine, _ = server_invite.on_respond(ServerInvite(False, TIMES), 486, b"486")
    assert server_invite.on_timer(machine, "H")[1] == (Disarm("G"), Unacknowledged(), Over())


def test_invite_accepted() -> None:
    machine, effects = server_invite.on_respond(ServerInvite(False, TIMES), 200, b"200")
    assert effects == (Transmit(b"200"), Arm("L", 32_000))
    assert server_invite.on_retransmission(machine) == (machine, ())
    assert server_invite.on_respond(machine, 200, b"200")[1] == (Transmit(b"200"),)
    assert server_invite.on_respond(machine, 487, b"487") == (machine, ())
    assert server_invite.on_ack(machine) == (machine, ())
    assert server_invite.on_timer(machine, "L")[1] == (Over(),)


def test_other_requests() -> None:
    machine = ServerNonInvite(False, TIMES)
    assert server_non_invite.on_retransmission(machine) == (machine, ())
    machine, effects = server_non_invite.on_respond(machine, 100, b"100")
    assert effects == (Transmit(b"100"),)
    machine, effects = server_non_invite.on_respond(machine, 200, b"200")
    assert effects == (Transmit(b"200"), Arm("J", 32_000))
    assert server_non_invite.on_retransmission(machine)[1] == (Transmit(b"200"),)
    assert server_non_invite.on_respond(machine, 500, b"500") == (machine, ())
    assert server_non_invite.on_timer(machine, "other") == (machine, ())
    assert server_non_invite.on_timer(machine, "J")[1] == (Over(),)
    assert server_non_invite.on_respond(ServerNonInvite(True, TIMES), 200, b"200")[1] == (Transmit(b"200"), Over())


def test_our_request_over_udp() -> None:
    machine, effects = client_non_invite.start(b"BYE", False, TIMES)
    assert effects == (Transmit(b"BYE"), Arm("F", 32_000), Arm("E", 500))
    intervals = []
    for _ in range(4):
        machine, effects = client_non_invite.on_timer(machine, "E")
        intervals.append(effects[1].after_ms if isinstance(effects[1], Arm) else None)
    assert intervals == [1000, 2000, 4000, 4000]
    machine, effects = client_non_invite.on_response(machine, 200)
    assert effects == (Disarm("E"), Disarm("F"), Final(200), Arm("K", 5000))
    assert client_non_invite.on_response(machine, 200) == (machine, ())
    assert client_non_invite.on_timer(machine, "E") == (machine, ())
    assert client_non_invite.on_timer(machine, "K")[1] == (Over(),)


def test_our_request_slows_down_once_the_peer_has_it() -> None:
    machine, _ = client_non_invite.start(b"OPTIONS", False, TIMES)
    machine, effects = client_non_invite.on_response(machine, 100)
    assert effects == ()
    assert client_non_invite.on_timer(machine, "E")[1] == (Transmit(b"OPTIONS"), Arm("E", 4000))


def test_our_request_without_an_answer_and_over_tcp() -> None:
    machine, effects = client_non_invite.start(b"BYE", True, TIMES)
    assert effects == (Transmit(b"BYE"), Arm("F", 32_000))
    assert client_non_invite.on_timer(machine, "F")[1] == (Disarm("E"), Final(408), Over())
    assert client_non_invite.on_response(machine, 481)[1] == (Disarm("E"), Disarm("F"), Final(481), Over())
    assert isinstance(machine, ClientNonInvite)
