"""RTP and RTCP packets (RFC 3550).

Invariant: nothing is raised. The payload of a packet is a piece of the datagram; a packet built of the values parses to
the same. RTCP gives bounded feedback, and what we build ourselves says what we meant.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.media.engine import rtcp, rtp

MAX_BYTES = 2_048
GROWING: Growing = {
    "payload": repeated(b"x", b"\x80\x08" + bytes(10)),
    "reports": repeated(b"\x80\xc9\x00\x01" + bytes(4)),
    "nacks": repeated(b"\x00\x01\xff\xff", b"\x81\xcd\x3f\xff" + bytes(8)),
    "empty packets": repeated(b"\x80\xca\x00\x00"),
}


def check(data: bytes) -> None:
    """See above."""
    packet = rtp.parse(data)
    if packet is not None:
        assert packet.payload in data
        assert rtp.parse(rtp.build(*packet)) == packet
        assert 0 <= rtp.unwrap(packet.sequence, 16, 100_000) - 100_000 + 0x8000 <= 0xFFFF
    rtp.is_rtcp(data)
    feedback = rtcp.parse(data)
    assert len(feedback.nack) <= rtcp.SEQUENCES_MAX + 17
    assert all(0 <= sequence <= 0xFFFF for sequence in feedback.nack)
    assert feedback.lost is None or 0 <= feedback.lost < 1
    asked = rtcp.parse(rtcp.nack(1, 2, feedback.nack[:100]))
    assert asked.nack == feedback.nack[:100]
