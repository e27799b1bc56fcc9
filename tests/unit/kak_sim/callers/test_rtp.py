"""RTP and telephone-event bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_sim.callers.rtp import RtpPacket, digit_event, pack, unpack


def test_a_packet_comes_back() -> None:
    data = pack(8, 65536 + 7, 2**32 + 160, 0xABCD, b"x" * 160, marker=True)
    assert unpack(data) == RtpPacket(8, 7, 160, 0xABCD, True, b"x" * 160)


def test_padding_extension_and_contributors_are_no_sound() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 1, 8]) + bytes(10)
    body = bytes(4) + b"\xbe\xde\x00\x01" + bytes(4) + b"abc" + b"\x00\x02"
    packet = unpack(head + body)
    assert packet is not None
    assert packet.payload == b"abc"


@pytest.mark.parametrize(
    "data", [b"", b"\x80" * 11, b"\x00" * 40, bytes([0x80, 200]) + bytes(30), bytes([0x8F]) + bytes(20)]
)
def test_what_is_no_packet(data: bytes) -> None:
    packet = unpack(data)
    assert packet is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    packet = unpack(data)
    assert packet is None or len(packet.payload) <= len(data) - 12


def test_a_digit() -> None:
    assert digit_event("5", 160, end=False) == bytes([5, 10, 0, 160])
    assert digit_event("#", 800, end=True) == bytes([11, 0x8A, 3, 32])
