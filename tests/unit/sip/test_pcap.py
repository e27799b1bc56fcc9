"""The capture file, byte by byte, read with code of the test's own."""

import struct
from ipaddress import ip_address

import pytest

from kak_server.sip.api import Flow
from kak_server.sip.pcap import pcap
from kak_server.sip.trace import Traced
from kak_server.sip.trace_wire import Local
from tests.unit.sip.tracing import PHONE, PLACES, START_MS, request, traced


def packets(data: bytes) -> list[tuple[int, bytes]]:
    """(time in microseconds, packet) of a file with the right head."""
    magic, major, minor, zone, digits, snap, link = struct.unpack("<IHHiIII", data[:24])
    assert (magic, major, minor, zone, digits, link) == (0xA1B2C3D4, 2, 4, 0, 0, 101)
    found, at = [], 24
    while at < len(data):
        seconds, micros, kept, was = struct.unpack_from("<IIII", data, at)
        assert kept == was <= snap
        found.append((seconds * 1_000_000 + micros, data[at + 16 : at + 16 + kept]))
        at += 16 + kept
    assert at == len(data)
    return found


def ones_sum(data: bytes) -> int:
    """0xFFFF when a checksum inside is right (RFC 1071)."""
    data += b"\x00" * (len(data) % 2)
    total = sum(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def taken_apart(packet: bytes) -> tuple[str, str, int, bytes]:
    """Source, destination, protocol and what is inside, with every length and checksum tried."""
    if packet[0] >> 4 == 4:
        assert ones_sum(packet[:20]) == 0xFFFF
        assert int.from_bytes(packet[2:4], "big") == len(packet)
        protocol, addresses, inside = packet[9], packet[12:20], packet[20:]
        pseudo = addresses + bytes([0, protocol]) + struct.pack(">H", len(inside))
    else:
        assert int.from_bytes(packet[4:6], "big") == len(packet) - 40
        protocol, addresses, inside = packet[6], packet[8:40], packet[40:]
        pseudo = addresses + struct.pack(">I", len(inside)) + bytes([0, 0, 0, protocol])
    assert ones_sum(pseudo + inside) == 0xFFFF
    half = len(addresses) // 2
    return str(ip_address(addresses[:half])), str(ip_address(addresses[half:])), protocol, inside


@pytest.mark.parametrize("body", [b"", b"x", b"\x00" * 1_001])
def test_datagrams_both_ways(body: bytes) -> None:
    data = request("INVITE", body=body)
    (first_at, first), (second_at, second) = packets(pcap([traced(0, False, data), traced(1_500, True, data)], PLACES))
    assert (first_at, second_at) == (START_MS * 1_000, (START_MS + 1_500) * 1_000)
    source, target, protocol, inside = taken_apart(first)
    assert (source, target, protocol) == ("192.0.2.10", "198.51.100.1", 17)
    assert struct.unpack(">HHH", inside[:6]) == (5062, 5060, 8 + len(data))
    assert inside[8:] == data
    assert taken_apart(second)[:2] == ("198.51.100.1", "192.0.2.10")
    assert struct.unpack(">HH", taken_apart(second)[3][:4]) == (5060, 5062)


def test_streams_have_running_numbers_each_their_own() -> None:
    one, two = (Flow("tcp", "192.0.2.10", 40_000, connection=number) for number in (1, 2))
    messages = [
        Traced(START_MS, False, one, b"a" * 100),
        Traced(START_MS, True, one, b"b" * 10),
        Traced(START_MS, False, two, b"c" * 7),
        Traced(START_MS, False, one, b"d" * 5),
    ]
    numbers = []
    for _, packet in packets(pcap(messages, PLACES)):
        _, _, protocol, inside = taken_apart(packet)
        assert protocol == 6
        numbers.append(struct.unpack(">II", inside[4:12]))
    assert numbers == [(1, 1), (1, 101), (1, 1), (101, 11)]


def test_a_message_larger_than_a_packet_is_segments() -> None:
    stream = Flow("tls", "192.0.2.10", 40_000, connection=1)
    data = bytes(range(256)) * 500
    found = packets(pcap([Traced(START_MS, False, stream, data)], PLACES))
    assert len(found) == 3
    assert b"".join(taken_apart(packet)[3][20:] for _, packet in found) == data


def test_a_datagram_that_never_left_is_cut() -> None:
    ((_, packet),) = packets(pcap([traced(0, True, b"x" * 70_000)], PLACES))
    assert len(packet) == 65_535
    taken_apart(packet)


@pytest.mark.parametrize(
    ("peer", "local", "addresses"),
    [
        ("2001:db8::7", "2001:db8::1", ("2001:db8::7", "2001:db8::1")),
        ("fe80::7%eth0", "2001:db8::1", ("fe80::7", "2001:db8::1")),
        ("2001:db8::7", "198.51.100.1", ("2001:db8::7", "::ffff:198.51.100.1")),
        ("192.0.2.10", "[2001:db8::1]", ("::ffff:192.0.2.10", "2001:db8::1")),
        ("192.0.2.10", "sip.example", ("192.0.2.10", "192.0.2.1")),
    ],
)
def test_addresses_of_both_versions_and_names(peer: str, local: str, addresses: tuple[str, str]) -> None:
    places = (Local("main", "udp", local, 5060),)
    ((_, packet),) = packets(pcap([traced(0, False, b"x", Flow("udp", peer, 5060))], places))
    source, target, _, _ = taken_apart(packet)
    assert (ip_address(source), ip_address(target)) == tuple(ip_address(text) for text in addresses)


def test_nothing_kept_is_an_empty_file() -> None:
    assert packets(pcap([], PLACES)) == []
    assert PHONE.transport == "udp"
