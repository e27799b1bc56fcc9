"""The ladder, letter by letter."""

from dataclasses import replace

from kak_server.sip.api import Flow
from kak_server.sip.ladder import ladder, printable, summary
from kak_server.sip.trace_wire import Local
from tests.unit.sip.tracing import PHONE, PLACES, call_trace, request, response, traced

GOLDEN_CALL = """\
contact  contact-1
call     call-1
Call-ID  a@b
began    2026-01-01 12:00:00.123 UTC

            192.0.2.10:5062 udp                      kak-server 198.51.100.1:5060
            |                                        |
    +0.000  |------------ INVITE (1) sdp ----------->|
    +0.001  |<-------- 100 Trying (1 INVITE) --------|
    +0.501  |------------ INVITE (1) sdp ----------->|  again
    +0.502  |<-------- 100 Trying (1 INVITE) --------|  again
    +3.000  |<-------- 200 OK (1 INVITE) sdp --------|
    +3.500  |<-------- 200 OK (1 INVITE) sdp --------|  again
    +4.500  |<-------- 200 OK (1 INVITE) sdp --------|  again, 2x
    +4.510  |--------------- ACK (1) --------------->|
  +127.000  |--------------- BYE (2) --------------->|
  +127.001  |<------------ 200 OK (2 BYE) -----------|
"""

GOLDEN_TWO_DIALOGS = [
    "contact  contact-1",
    "call     call-1",
    "Call-ID  a@b   [1]",
    "Call-ID  c@d   [2]",
    "began    2026-01-01 12:00:00.123 UTC",
    "         3 messages in the middle were not kept",
    "",
    "            192.0.2.10:5062 udp                      203.0.113.7:40001 tcp                    "
    "kak-server 198.51.100.1:5060",
    "            |                                        |                                        |",
    "    +0.000  |-------------------------------- INVITE (1) sdp -------------------------------->|  [1]",
    "    +0.010  |                                        |<-------------- INVITE (1) -------------|  [2]",
    "    +0.020  |                                        |--------- 486 Busy (1 INVITE) --------->|  [2]",
]


def test_a_call_with_retransmissions() -> None:
    invite, trying = request("INVITE", body=b"v=0"), response("100 Trying", "INVITE")
    answer = response("200 OK", "INVITE", body=b"v=0")
    messages = [
        traced(0, False, invite),
        traced(1, True, trying),
        traced(501, False, invite),
        traced(502, True, trying),
        traced(3_000, True, answer),
        traced(3_500, True, answer),
        traced(4_500, True, answer),
        traced(4_510, False, request("ACK")),
        traced(127_000, False, request("BYE", 2)),
        traced(127_001, True, response("200 OK", "BYE", 2)),
    ]
    assert ladder(call_trace(*messages), PLACES) == GOLDEN_CALL


def test_two_dialogs_with_two_peers() -> None:
    other = Flow("tcp", "203.0.113.7", 40_001, connection=3)
    trace = call_trace(
        traced(0, False, request("INVITE", body=b"v=0")),
        traced(10, True, request("INVITE", call_id="c@d"), other),
        traced(20, False, response("486 Busy", "INVITE", call_id="c@d"), other),
        names=("a@b", "c@d"),
        left_out=3,
    )
    assert ladder(trace, PLACES) == "\n".join(GOLDEN_TWO_DIALOGS) + "\n"


def test_more_peers_than_columns_are_named_beside_the_arrow() -> None:
    messages = [
        traced(number, False, request("OPTIONS", number), Flow("udp", f"192.0.2.{number}", 5060))
        for number in range(1, 7)
    ]
    lines = ladder(call_trace(*messages), PLACES).splitlines()
    assert [line.rpartition("|")[2].strip() for line in lines[-6:]] == [
        "",
        "",
        "",
        "",
        "192.0.2.5:5060",
        "192.0.2.6:5060",
    ]


def test_a_peer_cannot_write_on_the_terminal() -> None:
    evil = request("INVITE", call_id="a\x1b[2Jb").replace(b"INVITE sip", b"\x1b]0;x\x07 sip")
    host = Flow("udp", "192.0.2.10\x1b[31m", 5060)
    places = (Local("main", "udp", "\x9b31m", 1),)
    trace = replace(call_trace(traced(0, False, evil, host)), sip_call_ids=("a\x1b[2Jb",))
    drawn = ladder(trace, places)
    assert all(char == "\n" or " " <= char <= "~" for char in drawn)
    assert "-- ?]0;x? sip:113@198.51.100.1 .. (.. ->|" in drawn


def test_nothing_kept_is_drawn_as_nothing() -> None:
    assert ladder(call_trace(), PLACES).splitlines()[-1].strip(" |") == ""


def test_what_a_message_is() -> None:
    assert summary(request("INVITE", body=b"v=0")) == "INVITE (1) sdp"
    assert summary(response("180 Ringing", "INVITE", 7)) == "180 Ringing (7 INVITE)"
    assert summary(b"garbage \xff here\r\n\r\n") == "garbage ? here (malformed)"
    assert summary(b"") == " (malformed)"
    multipart = request("INVITE", body=b"x").replace(b"application/sdp", b'multipart/mixed; boundary="b"')
    assert summary(multipart) == "INVITE (1) mixed"
    assert PHONE.transport == "udp"


def test_long_words_are_cut() -> None:
    assert printable("a" * 10, 10) == "a" * 10
    assert printable("a" * 11, 10) == "a" * 8 + ".."
