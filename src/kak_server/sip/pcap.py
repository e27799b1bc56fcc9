"""A call's trace as a capture file (libpcap format, LINKTYPE_RAW) that Wireshark and tshark read.

What we kept are messages, not packets: the IP, UDP and TCP headers around them are made here, with right lengths and
checksums. A message on a stream becomes segments of one made-up connection; TLS appears as the TCP it was inside.
"""

import ipaddress
import struct
from collections.abc import Iterable

from kak_server.sip.api import Flow
from kak_server.sip.trace import Traced
from kak_server.sip.trace_wire import Locals, local_of

_MAGIC_MICROSECONDS = 0xA1B2C3D4
_LINKTYPE_RAW = 101  # packets begin with the IP header, of either version
_SNAPLEN = 262_144
_UDP, _TCP = 17, 6
_UDP_MAX_BYTES = 65_507  # what fits an IPv4 datagram; more than that has never left
_SEGMENT_MAX_BYTES = 60_000
_TTL = 64
_PSH_ACK = 0x18
_WINDOW = 65_535
_UNKNOWN = "192.0.2.1"  # RFC 5737: an address of documentation, where ours is a name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Connection = tuple[str, int, int]


def pcap(messages: Iterable[Traced], places: Locals) -> bytes:
    """The file. The messages in their order, times in UTC with the trace's millisecond resolution."""
    parts = [struct.pack("<IHHiIII", _MAGIC_MICROSECONDS, 2, 4, 0, 0, _SNAPLEN, _LINKTYPE_RAW)]
    positions: dict[Connection, list[int]] = {}
    for message in messages:
        for packet in _packets(message, places, positions):
            seconds, ms = divmod(message.at_ms, 1000)
            parts.append(struct.pack("<IIII", seconds & 0xFFFFFFFF, ms * 1000, len(packet), len(packet)))
            parts.append(packet)
    return b"".join(parts)


def _packets(message: Traced, places: Locals, positions: dict[Connection, list[int]]) -> Iterable[bytes]:
    flow = message.flow
    local = local_of(flow, places)
    ours, theirs = _addresses(local.host, flow.host)
    source, target = (ours, theirs) if message.sent else (theirs, ours)
    ports = (local.port, flow.port) if message.sent else (flow.port, local.port)
    if flow.transport == "udp":
        data = message.data[:_UDP_MAX_BYTES]
        header = struct.pack(">HHHH", *ports, 8 + len(data), 0)
        checksum = _checksum(_pseudo(source, target, _UDP, 8 + len(data)) + header + data) or 0xFFFF
        yield _ip(source, target, _UDP, header[:6] + struct.pack(">H", checksum) + data)
        return
    position = positions.setdefault(_connection(flow), [1, 1])  # next byte of ours, of theirs
    here = 0 if message.sent else 1
    for start in range(0, len(message.data), _SEGMENT_MAX_BYTES):
        data = message.data[start : start + _SEGMENT_MAX_BYTES]
        numbers = (position[here] & 0xFFFFFFFF, position[1 - here] & 0xFFFFFFFF)
        header = struct.pack(">HHIIBBHHH", *ports, *numbers, 5 << 4, _PSH_ACK, _WINDOW, 0, 0)
        checksum = _checksum(_pseudo(source, target, _TCP, len(header) + len(data)) + header + data)
        yield _ip(source, target, _TCP, header[:16] + struct.pack(">H", checksum) + header[18:] + data)
        position[here] += len(data)


def _connection(flow: Flow) -> Connection:
    return flow.host, flow.port, flow.connection


def _addresses(local: str, peer: str) -> tuple[Address, Address]:
    """Both of one version: an IPv4 address beside an IPv6 peer is written as mapped (RFC 4291 section 2.5.5.2)."""
    ours, theirs = _address(local), _address(peer)
    if ours.version == theirs.version:
        return ours, theirs
    return _as_v6(ours), _as_v6(theirs)


def _address(host: str) -> Address:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return ipaddress.ip_address(_UNKNOWN)


def _as_v6(address: Address) -> Address:
    return address if address.version == 6 else ipaddress.IPv6Address(f"::ffff:{address}")


def _ip(source: Address, target: Address, protocol: int, payload: bytes) -> bytes:
    if source.version == 6:
        # RFC 8200 section 3
        return struct.pack(">IHBB", 6 << 28, len(payload), protocol, _TTL) + source.packed + target.packed + payload
    # RFC 791 section 3.1
    start = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), 0, 0x4000, _TTL, protocol)
    addresses = source.packed + target.packed
    checksum = _checksum(start + b"\x00\x00" + addresses)
    return start + struct.pack(">H", checksum) + addresses + payload


def _pseudo(source: Address, target: Address, protocol: int, length: int) -> bytes:
    if source.version == 6:
        return source.packed + target.packed + struct.pack(">IxxxB", length, protocol)
    return source.packed + target.packed + struct.pack(">xBH", protocol, length)


def _checksum(data: bytes) -> int:
    """RFC 1071: the complement of the one's complement sum of 16-bit words."""
    if len(data) % 2:
        data += b"\x00"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
