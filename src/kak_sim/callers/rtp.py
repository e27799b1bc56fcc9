"""RTP packets (RFC 3550 section 5.1) and telephone events in them (RFC 4733), as bytes."""

import struct

from kak_server.model.light import frozen

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
DIGITS = "0123456789*#ABCD"


@frozen
class RtpPacket:
    """What matters of a packet."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


def pack(payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, *, marker: bool = False) -> bytes:
    """A packet without CSRCs, padding or extension; numbers wrap."""
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def unpack(data: bytes) -> RtpPacket | None:
    """The packet, or None when the bytes are no RTP (too short, other version, broken lengths, RTCP)."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if 192 <= second <= 223:  # RFC 5761 section 4: RTCP packet types on the same port
        return None
    start = _HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    end = len(data) - (data[-1] if first & 0x20 else 0)
    if end < start:
        return None
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, bool(second & 0x80), data[start:end])


def digit_event(digit: str, duration_samples: int, *, end: bool, volume: int = 10) -> bytes:
    """Payload of a telephone-event (RFC 4733 section 2.3). `duration_samples` at 8 kHz since the start of the digit."""
    return _EVENT.pack(DIGITS.index(digit.upper()), (0x80 if end else 0) | volume, duration_samples & 0xFFFF)
