"""RTP packets of video, to be forwarded as they are, and where a VP8 key frame starts (RFC 7741)."""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")


class ForwardPacket(NamedTuple):
    """A packet's fields; `payload` with its padding, so that it can go on byte for byte."""

    padded: bool
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def rewrite(self, payload_type: int, sequence: int, timestamp: int, ssrc: int) -> bytes:
        """The packet for another session: new header without CSRCs and extensions, same payload."""
        first = 0xA0 if self.padded else 0x80
        kind = payload_type | 0x80 if self.marker else payload_type
        return _HEADER.pack(first, kind, sequence, timestamp, ssrc) + self.payload


def parse_forward(data: bytes) -> ForwardPacket | None:
    """A datagram as RTP, or None if it is none."""
    if len(data) < _HEADER.size or data[0] >> 6 != 2:
        return None
    flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (flags & 0x0F)
    if flags & 0x10:
        if start + 4 > len(data):
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if start > len(data):
        return None
    return ForwardPacket(bool(flags & 0x20), kind > 127, kind & 127, sequence, timestamp, ssrc, data[start:])


def starts_key_frame(payload: bytes) -> bool:
    """Whether this is the first packet of a VP8 key frame (RFC 7741 sections 4.2 and 4.3)."""
    if len(payload) < 2 or payload[0] & 0x1F != 0x10:  # S set, partition 0 (R must be 0)
        return False
    at = 1
    if payload[0] & 0x80:  # X: one byte tells which of picture id, TL0PICIDX, TID/KEYIDX follow
        extension = payload[1]
        at = 2
        if extension & 0x80:
            if at >= len(payload):
                return False
            at += 2 if payload[at] & 0x80 else 1
        at += bool(extension & 0x40) + bool(extension & 0x30)
    return at < len(payload) and not payload[at] & 0x01  # P = 0: a key frame
