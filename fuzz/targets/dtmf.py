"""Telephone events (RFC 4733) in any order: the input is packets of seven bytes, timestamp, payload length and payload.

Invariant: nothing is raised. Only the sixteen digits come out, at most one more than there are packets, each with a
duration that fits its 16 bits of timestamp units, and after a silence nothing is left.
"""

from fuzz.targets.pieces import Growing, repeated
from kak_server.media.engine.dtmf import LOST_END_MS, DtmfDetector

MAX_BYTES = 4_096
GROWING: Growing = {
    "one digit": repeated(b"\x01\x04\x05\x0a\x00\xa0\x00"),
    "ends": repeated(b"\x01\x04\x05\x8a\x00\xa0\x00\x02\x04\x06\x8a\x00\xa0\x00"),
}


def check(data: bytes) -> None:
    """See above."""
    detector = DtmfDetector()
    now_ms, packets = 0, 0
    digits: list[tuple[str, int]] = []
    for start in range(0, len(data) - 6, 7):
        timestamp, length = data[start] * 160, data[start + 1] & 7
        now_ms += data[start + 6]
        packets += 1
        ended = [*detector.poll(now_ms), *detector.feed(timestamp, data[start + 2 : start + 2 + length], now_ms)]
        assert len(ended) <= 3
        digits += ended
    digits += detector.poll(now_ms + LOST_END_MS)
    assert len(digits) <= packets
    assert all(digit in "0123456789*#ABCD" and len(digit) == 1 for digit, _ in digits)
    assert all(0 <= duration_ms <= 8_191 for _, duration_ms in digits)
    assert detector.poll(now_ms + 10 * LOST_END_MS) == []
