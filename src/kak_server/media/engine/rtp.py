"""RTP packets (RFC 3550 section 5.1) and the telephone-event payload (RFC 4733 section 2.3): bytes to values and back.

Written for the hot path: a packet is a plain tuple and the common header (no CSRC, extension or padding) costs one
unpack. Whatever the peer sends, parsing returns None rather than raising.
"""

import struct
from typing import NamedTuple

HEADER_BYTES = 12
_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_TELEPHONE_EVENT = struct.Struct("!BBH")
_VERSION_2 = 0x80

PT_COMFORT_NOISE = 13  # RFC 3389
_DIGITS = "0123456789*#ABCD"


class RtpPacket(NamedTuple):
    """One packet. `timestamp` in the payload's clock units; `payload` without padding unless asked for."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class TelephoneEvent(NamedTuple):
    """RFC 4733 section 2.3.1: `duration` in timestamp units since the event's first packet."""

    digit: str
    end: bool
    duration: int


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4: with RTP and RTCP on one port, payload types 64-95 (with marker: 192-223) are RTCP."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse(data: bytes) -> RtpPacket | None:
    """A datagram as RTP, or None if it is none."""
    if len(data) < HEADER_BYTES:
        return None
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if flags == _VERSION_2:
        return RtpPacket(kind > 127, kind & 127, sequence, timestamp, ssrc, data[HEADER_BYTES:])
    if flags >> 6 != 2:
        return None
    start = HEADER_BYTES + 4 * (flags & 0x0F)
    end = len(data)
    if flags & 0x10:  # header extension: 16 bits of profile, 16 bits of length in words
        if start + 4 > end:
            return None
        start += 4 + 4 * _EXTENSION.unpack_from(data, start)[1]
    if flags & 0x20:  # padding: its last byte counts itself and the rest
        padding = data[-1]
        if not padding:
            return None
        end -= padding
    if start > end:
        return None
    return RtpPacket(kind > 127, kind & 127, sequence, timestamp, ssrc, data[start:end])


def build(marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """One packet; the counters are cut to their widths."""
    kind = payload_type | 0x80 if marker else payload_type
    return _HEADER.pack(_VERSION_2, kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def parse_telephone_event(payload: bytes) -> TelephoneEvent | None:
    """The payload of a telephone-event packet, or None if it is malformed or not a DTMF digit."""
    if len(payload) < _TELEPHONE_EVENT.size:
        return None
    event, flags, duration = _TELEPHONE_EVENT.unpack_from(payload)
    if event >= len(_DIGITS):
        return None
    return TelephoneEvent(_DIGITS[event], bool(flags & 0x80), duration)


def unwrap(value: int, bits: int, near: int) -> int:
    """The counter `value` of `bits` bits as an unbounded integer, as near to `near` as it can be."""
    span = 1 << bits
    distance = (value - near) & (span - 1)
    return near + (distance if distance < span >> 1 else distance - span)
