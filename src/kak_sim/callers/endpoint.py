"""A telephone's audio: one UDP socket that sends a source's sound every 20 ms and keeps what it hears.

Arrival times are the kernel's (SO_TIMESTAMPNS), so that a busy loop here does not look like a gap there.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable

from kak_sim.audio import ALAW_SILENCE, FRAME_MS, FRAME_SAMPLES, alaw_decode, alaw_encode
from kak_sim.callers.heard import Heard, HeardPacket
from kak_sim.callers.offer import PCMA, RemoteMedia
from kak_sim.callers.rtp import RtpPacket, digit_event, pack, unpack
from kak_sim.callers.sound import Echo, Source

_SO_TIMESTAMPNS = 35  # Linux, asm-generic/socket.h; Python has no name for it
_TIMESPEC = struct.Struct("@ll")
_CONTROL_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
_MAX_DATAGRAM_BYTES = 2048
_RECEIVE_BURST = 64  # datagrams taken in one turn of the loop
_RECEIVE_BUFFER_BYTES = 1 << 20
_LATE_FRAMES = 10  # a loop that stood still for longer starts a new rhythm instead of a burst
_SILENT_FRAME = bytes([ALAW_SILENCE]) * FRAME_SAMPLES
_REST_FRAMES = 50  # at rest one packet a second tells the other end that somebody is there, and where
_DIGIT_FRAMES = 5  # 100 ms a digit, then as long a pause
_END_REPEATS = 3  # RFC 4733 section 2.5.1.4: the end of an event goes out three times


class RtpEndpoint:
    """Opened on a port of its own; talks as soon as it knows where to."""

    def __init__(
        self,
        host: str,
        *,
        ssrc: int,
        source: Source | None = None,
        heard: Heard | None = None,
        on_packet: Callable[[RtpPacket, int], None] | None = None,
    ) -> None:
        self.source = source
        self.heard = heard
        self.sent = 0
        self.received = 0
        self.strange = 0  # datagrams that were no audio packets
        self.first_sent_ns: int | None = None
        self._on_packet = on_packet
        self._ssrc = ssrc
        self._sequence = ssrc & 0x7FFF
        self._timestamp = ssrc & 0x7FFFFFFF
        self._marker = True
        self._resting = False
        self._remote: RemoteMedia | None = None
        self._digits: list[bytes] = []
        self._digit_start = 0
        self._tick: asyncio.TimerHandle | None = None
        self._next_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((host, 0))
        self.host, self.port = self._socket.getsockname()[:2]
        self._loop.add_reader(self._socket.fileno(), self._readable)

    def talk_to(self, remote: RemoteMedia) -> None:
        """Send to this address from now on (again and again the newest wins). Port 0, recvonly wishes: keep quiet."""
        quiet = remote.port == 0 or remote.host in ("", "0.0.0.0") or remote.direction in ("sendonly", "inactive")
        self._remote = None if quiet else remote
        if self._tick is None and not quiet:
            self._next_s = self._loop.time()
            self._marker = True
            self._send_frame()

    def rest(self, on: bool) -> None:
        """At rest only one packet a second goes out, silent; then every 20 ms again, the source's sound."""
        if on == self._resting:
            return
        self._resting = on
        self._marker = not on
        if not on and self._tick is not None:
            self._tick.cancel()
            passed = max(0, int((self._loop.time() - (self._next_s - _REST_FRAMES * FRAME_MS / 1000)) * 1000))
            self._timestamp -= max(0, _REST_FRAMES - passed // FRAME_MS) * FRAME_SAMPLES
            self._next_s = self._loop.time()
            self._send_frame()

    def fall_silent(self) -> None:
        """Send nothing any more; what comes in is still heard."""
        self._remote = None
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def send_digits(self, digits: str) -> None:
        """DTMF by RFC 4733, 100 ms each with 100 ms between; the voice pauses meanwhile."""
        for digit in digits:
            for frame in range(1, _DIGIT_FRAMES + 1):
                self._digits.append(digit_event(digit, frame * FRAME_SAMPLES, end=False))
            self._digits += [digit_event(digit, _DIGIT_FRAMES * FRAME_SAMPLES, end=True)] * _END_REPEATS
            self._digits += [b""] * _DIGIT_FRAMES

    def close(self) -> None:
        """Give the port back."""
        self.fall_silent()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    # --- out ---

    def _send_frame(self) -> None:
        remote = self._remote
        if remote is not None:
            self._transmit(remote)
        frames = _REST_FRAMES if self._resting else 1
        self._sequence += 1
        self._timestamp += frames * FRAME_SAMPLES
        self._next_s += frames * FRAME_MS / 1000
        now_s = self._loop.time()
        if now_s - self._next_s > _LATE_FRAMES * FRAME_MS / 1000:
            self._next_s = now_s
        self._tick = self._loop.call_at(self._next_s, self._send_frame)

    def _transmit(self, remote: RemoteMedia) -> None:
        kind, payload, timestamp = PCMA, _SILENT_FRAME, self._timestamp
        event = self._digits.pop(0) if self._digits else b""
        if event and remote.dtmf_payload_type is not None:
            # RFC 4733 section 2.5.1.2: every packet of a digit carries the timestamp of its beginning
            if int.from_bytes(event[2:], "big") == FRAME_SAMPLES:
                self._digit_start = self._timestamp
            kind, payload, timestamp = remote.dtmf_payload_type, event, self._digit_start
        elif self.source is not None and not self._resting:
            payload = alaw_encode(self.source.frame())
        data = pack(kind, self._sequence, timestamp, self._ssrc, payload, marker=self._marker)
        self._marker = False
        try:
            self._socket.sendto(data, (remote.host, remote.port))
        except OSError:
            self.strange += 1  # nobody there for a moment (a worker being replaced): speech goes on
            return
        self.sent += 1
        if self.first_sent_ns is None:
            self.first_sent_ns = time.time_ns()

    # --- in ---

    def _readable(self) -> None:
        for _ in range(_RECEIVE_BURST):
            try:
                data, control, _, _ = self._socket.recvmsg(_MAX_DATAGRAM_BYTES, _CONTROL_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.strange += 1  # an ICMP error of something we sent
                return
            self._received(data, _kernel_time_ns(control))

    def _received(self, data: bytes, at_ns: int) -> None:
        packet = unpack(data)
        if packet is None or packet.payload_type != PCMA:
            self.strange += 1
            return
        self.received += 1
        if self._on_packet is not None:
            self._on_packet(packet, at_ns)
        if self.heard is not None:
            samples = alaw_decode(packet.payload)
            self.heard.add(HeardPacket(at_ns, packet.sequence, packet.timestamp, packet.ssrc, samples))
            if isinstance(self.source, Echo):
                self.source.hear(samples)


def _kernel_time_ns(control: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()
