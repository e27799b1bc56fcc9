"""The little RTCP we speak: reports (RFC 3550 section 6.4), SDES, PLI and NACK (RFC 4585 section 6), REMB.

Parsing gives only what changes what we do; everything else in a compound packet is stepped over.
"""

import struct
from dataclasses import dataclass, field

_SR, _RR, _SDES, _BYE, _RTPFB, _PSFB = 200, 201, 202, 203, 205, 206
_BLOCK_BYTES = 24
_FMT_NACK, _FMT_PLI, _FMT_FIR, _FMT_AFB = 1, 1, 4, 15
_HEADER = struct.Struct("!BBH")
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970
SEQUENCES_MAX = 512  # asked again for by one packet


@dataclass(slots=True)
class Feedback:
    """What a compound packet asks of us or tells us."""

    picture_lost: bool = False  # PLI or FIR: send a key frame
    nack: list[int] = field(default_factory=list)  # sequence numbers asked for again
    lost: float | None = None  # worst share of packets lost since the report before, 0-1
    sender_report_ntp: int = 0  # middle 32 bits of the SR's NTP time, for our next report
    bye: bool = False


def parse(data: bytes) -> Feedback:
    """A compound packet; stops quietly where it is malformed."""
    feedback = Feedback()
    at = 0
    while at + 4 <= len(data):
        flags, kind, words = _HEADER.unpack_from(data, at)
        end = at + 4 * (words + 1)
        if flags >> 6 != 2 or end > len(data):
            break
        _take(feedback, flags & 0x1F, kind, data[at + 4 : end])
        at = end
    return feedback


def _take(feedback: Feedback, fmt: int, kind: int, body: bytes) -> None:
    if kind == _SR and len(body) >= 24:
        feedback.sender_report_ntp = int.from_bytes(body[6:10], "big")
        _take_losses(feedback, fmt, body[24:])
    elif kind == _RR:
        _take_losses(feedback, fmt, body[4:])
    elif kind == _BYE:
        feedback.bye = True
    elif kind == _RTPFB and fmt == _FMT_NACK:
        for pid, mask in struct.iter_unpack("!HH", body[8 : 8 + (len(body) - 8) // 4 * 4]):
            if len(feedback.nack) >= SEQUENCES_MAX:  # however many NACKs the packet holds
                break
            feedback.nack.append(pid)
            feedback.nack += [(pid + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    elif kind == _PSFB and fmt in (_FMT_PLI, _FMT_FIR):
        feedback.picture_lost = True


def _take_losses(feedback: Feedback, count: int, blocks: bytes) -> None:
    for at in range(0, min(count * _BLOCK_BYTES, len(blocks) // _BLOCK_BYTES * _BLOCK_BYTES), _BLOCK_BYTES):
        feedback.lost = max(feedback.lost or 0.0, blocks[at + 4] / 256.0)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def pli(ssrc: int, media_ssrc: int) -> bytes:
    """Picture loss indication: please send a key frame."""
    return _packet(_PSFB, _FMT_PLI, struct.pack("!II", ssrc, media_ssrc))


def nack(ssrc: int, media_ssrc: int, sequences: list[int]) -> bytes:
    """Generic NACK: please send these again."""
    items = b"".join(struct.pack("!HH", sequence, 0) for sequence in sequences)
    return _packet(_RTPFB, _FMT_NACK, struct.pack("!II", ssrc, media_ssrc) + items)


def remb(ssrc: int, media_ssrc: int, bitrate_bps: int) -> bytes:
    """draft-alvestrand-rmcat-remb-03: the most we want to receive."""
    exponent = max(0, bitrate_bps.bit_length() - 18)
    mantissa = bitrate_bps >> exponent
    rate = bytes((1, exponent << 2 | mantissa >> 16, mantissa >> 8 & 255, mantissa & 255))
    return _packet(_PSFB, _FMT_AFB, struct.pack("!II", ssrc, 0) + b"REMB" + rate + struct.pack("!I", media_ssrc))


def sdes(ssrc: int, cname: str) -> bytes:
    """The CNAME every compound packet carries."""
    item = struct.pack("!IBB", ssrc, 1, len(cname)) + cname.encode() + b"\0"
    return _packet(_SDES, 1, item + bytes(-len(item) % 4))


def sender_report(ssrc: int, wall_ms: int, rtp_timestamp: int, packets: int, octets: int) -> bytes:
    """SR without report blocks: ties the RTP clock to the wall clock."""
    seconds, rest_ms = divmod(wall_ms, 1000)
    fraction = (rest_ms << 32) // 1000
    body = struct.pack(
        "!IIIIII",
        ssrc,
        (seconds + _NTP_EPOCH_S) & 0xFFFFFFFF,
        fraction,
        rtp_timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return _packet(_SR, 0, body)


class Reception:
    """What a receiver report says about one stream (RFC 3550 section 6.4.1 and appendix A.3)."""

    def __init__(self) -> None:
        self.ssrc = 0
        self._base = 0
        self._highest = 0
        self._received = 0
        self._before = (0, 0)  # expected, received at the last report
        self._report_ntp = 0
        self._report_at_ms = 0.0

    def packet(self, ssrc: int, sequence: int) -> None:
        """A packet has come; another SSRC starts anew."""
        if ssrc != self.ssrc:
            self.ssrc, self._base, self._highest, self._received = ssrc, sequence, sequence, 0
            self._before, self._report_ntp = (0, 0), 0
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
        self._received += 1

    def sender_report(self, ntp_middle: int, now_ms: float) -> None:
        """The peer's SR has come."""
        self._report_ntp, self._report_at_ms = ntp_middle, now_ms

    def report(self, ssrc: int, now_ms: float) -> bytes:
        """RR with one block, from our `ssrc`; the jitter field is left 0."""
        expected = self._highest - self._base + 1
        lost_now = max(0, expected - self._before[0] - (self._received - self._before[1]))
        expected_now = max(1, expected - self._before[0])
        self._before = (expected, self._received)
        since_sr = int((now_ms - self._report_at_ms) * 65.536) if self._report_ntp else 0
        lost = min(0x7FFFFF, max(0, expected - self._received))
        return _packet(
            _RR,
            1,
            struct.pack(
                "!IIIIIII",
                ssrc,
                self.ssrc,
                min(255, lost_now * 256 // expected_now) << 24 | lost,
                self._highest & 0xFFFFFFFF,
                0,
                self._report_ntp,
                since_sr & 0xFFFFFFFF,
            ),
        )
