"""RTP headers, telephone events and counters that wrap."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kak_server.media.engine import rtp


def test_a_packet_there_and_back() -> None:
    data = rtp.build(True, 8, 65_537, (1 << 32) + 5, 7, b"abc")
    assert rtp.parse(data) == rtp.RtpPacket(True, 8, 1, 5, 7, b"abc")


@given(st.binary(max_size=200))
def test_parsing_never_raises(data: bytes) -> None:
    packet = rtp.parse(data)
    assert packet is None or len(packet.payload) <= max(0, len(data) - 12)


@given(st.booleans(), st.integers(0, 127), st.integers(0, 65_535), st.integers(0, 2**32 - 1), st.binary(max_size=50))
def test_what_is_built_is_parsed(marker: bool, kind: int, sequence: int, timestamp: int, payload: bytes) -> None:
    assert rtp.parse(rtp.build(marker, kind, sequence, timestamp, 9, payload)) == (
        marker,
        kind,
        sequence,
        timestamp,
        9,
        payload,
    )


def test_contributing_sources_extensions_and_padding_are_stepped_over() -> None:
    extension = struct.pack("!HHI", 0xBEDE, 1, 0x10AA0000)
    data = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 8, 1, 2, 3) + bytes(8) + extension + b"voice" + b"\0\0\3"
    packet = rtp.parse(data)
    assert packet is not None
    assert packet.payload == b"voice"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x40" + bytes(11),
        b"\x8f" + bytes(11),  # 15 CSRCs that are not there
        b"\x90" + bytes(11),  # an extension that is not there
        b"\x90" + bytes(13) + b"\xff\xff",  # an extension longer than the packet
        b"\xa0" + bytes(12),  # padding of length 0
        b"\xa0" + bytes(11) + b"\xff",  # more padding than packet
    ],
)
def test_what_is_no_rtp(data: bytes) -> None:
    assert rtp.parse(data) is None


def test_rtcp_is_told_from_rtp() -> None:
    assert rtp.is_rtcp(b"\x80\xc8")
    assert rtp.is_rtcp(b"\x81\xce")
    assert not rtp.is_rtcp(rtp.build(True, 8, 1, 1, 1, b"x"))
    assert not rtp.is_rtcp(b"")


def test_telephone_events() -> None:
    assert rtp.parse_telephone_event(b"\x0b\x8a\x03\x20") == ("#", True, 800)
    assert rtp.parse_telephone_event(b"\x05\x0a\x00\xa0") == ("5", False, 160)
    assert rtp.parse_telephone_event(b"\x20\x0a\x00\xa0") is None, "32 is no digit"
    assert rtp.parse_telephone_event(b"\x05") is None


@given(st.integers(-(2**40), 2**40), st.integers(-(2**15) + 1, 2**15 - 1))
def test_counters_unwrap(near: int, distance: int) -> None:
    assert rtp.unwrap((near + distance) & 0xFFFF, 16, near) == near + distance
