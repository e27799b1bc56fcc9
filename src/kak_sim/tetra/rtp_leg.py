"""One RTP leg of the simulated gateway: a UDP socket, A-law frames of 20 ms, a small buffer against jitter.

Downlink: the talker's audio goes to the console, one packet a tick while somebody talks, none while nobody does. The
sequence counts packets, the timestamp follows the media clock, the marker opens a talk-burst (RFC 3551 section 4.1).
Uplink: packets count only under a grant. Without one they are dropped and counted: `uplink_after_grant` within 100 ms
of its end (packets that were on their way), `uplink_without_grant` otherwise.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, fields

from kak_sim.audio import FRAME_SAMPLES, Samples, alaw_decode, alaw_encode, silence

PCMA = 8
HEADER_BYTES = 12
AFTER_GRANT_MS = 100
PREBUFFER_FRAMES = 3
BUFFER_MAX_FRAMES = 15
READ_MAX_PACKETS = 64  # a turn of the loop


@dataclass(slots=True)
class LegCounters:
    """What one leg has seen since it was opened. All count packets."""

    sent: int = 0
    received: int = 0  # under a grant
    lost: int = 0
    late: int = 0
    uplink_without_grant: int = 0
    uplink_after_grant: int = 0
    malformed: int = 0
    foreign: int = 0  # from another address than the learned one

    def add(self, other: "LegCounters") -> None:
        """Sum up another leg's."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class RtpLeg:
    """The gateway's end of one console's leg in one talkgroup."""

    def __init__(self, host: str, remote: tuple[str, int], ssrc: int, clock: Callable[[], int]) -> None:
        """Binds an ephemeral port. Raises OSError when there is none."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((host, 0))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.remote = remote
        self.counters = LegCounters()
        self.granted = False
        self._clock = clock
        self._learned: tuple[str, int] | None = None
        self._grant_ended_ms = -AFTER_GRANT_MS
        self._ssrc = ssrc
        self._sequence = 0
        self._silent = True  # the next packet opens a talk-burst
        self._buffer: dict[int, bytes] = {}
        self._next_sequence: int | None = None
        self._playing = False
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Free the port."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def move(self, remote: tuple[str, int]) -> None:
        """The console's end is elsewhere now."""
        if remote != self.remote:
            self.remote = remote
            self._learned = None

    # --- downlink ---

    def send(self, frame: Samples | None, tick: int) -> None:
        """One tick towards the console; None: nobody talks."""
        if frame is None:
            self._silent = True
            return
        marker = 0x80 if self._silent else 0
        self._silent = False
        header = bytes((0x80, PCMA | marker)) + self._sequence.to_bytes(2, "big")
        header += (tick * FRAME_SAMPLES & 0xFFFFFFFF).to_bytes(4, "big") + self._ssrc.to_bytes(4, "big")
        self._sequence = (self._sequence + 1) & 0xFFFF
        try:
            self._socket.sendto(header + alaw_encode(frame), self._learned or self.remote)
            self.counters.sent += 1
        except OSError:
            self.counters.lost += 1  # a full socket buffer or an unreachable peer: the next frame is due anyway

    # --- uplink ---

    def open_uplink(self) -> None:
        """A grant came into force."""
        self.granted = True
        self._buffer.clear()
        self._next_sequence = None
        self._playing = False

    def shut_uplink(self, now_ms: int, play_tail: bool) -> None:
        """The grant has ended. `play_tail`: what was received is still played (the talker finished by himself)."""
        if self.granted:
            self._grant_ended_ms = now_ms
        self.granted = False
        if not play_tail:
            self._buffer.clear()

    @property
    def has_tail(self) -> bool:
        """The grant is over, and frames received under it are not played yet."""
        return not self.granted and bool(self._buffer)

    def next_frame(self) -> Samples:
        """The frame to play in this tick: silence before the first, and where one is missing."""
        buffer = self._buffer
        if not self._playing and len(buffer) < PREBUFFER_FRAMES and self.granted:
            return silence(20)
        if not buffer:
            self._playing = False
            return silence(20)
        sequence = self._next_sequence
        if sequence is None or not self._playing or len(buffer) > BUFFER_MAX_FRAMES:
            # A burst begins, goes on after a gap, or is too far behind: play from the oldest frame there is.
            reference = (next(iter(buffer)) - 0x100 if sequence is None else sequence) & 0xFFFF
            oldest = min(buffer, key=lambda there: _ahead(there, reference))
            self.counters.lost += 0 if sequence is None else _ahead(oldest, sequence)
            sequence = oldest
        self._playing = True
        payload = buffer.pop(sequence, None)
        self._next_sequence = (sequence + 1) & 0xFFFF
        if payload is None:
            self.counters.lost += 1
            return silence(20)
        return alaw_decode(payload)

    def _readable(self) -> None:
        for _ in range(READ_MAX_PACKETS):
            try:
                packet, source = self._socket.recvfrom(2_048)
            except BlockingIOError:
                return
            except OSError:
                self.counters.lost += 1  # ICMP port unreachable of an earlier send comes back here
                return
            self._packet(packet, (source[0], source[1]))

    def _packet(self, packet: bytes, source: tuple[str, int]) -> None:
        # RFC 3550 section 5.1: version 2; padding, extension and CSRC are not used on this leg.
        if len(packet) != HEADER_BYTES + FRAME_SAMPLES or packet[0] != 0x80 or packet[1] & 0x7F != PCMA:
            self.counters.malformed += 1
            return
        if self._learned is not None and source != self._learned:
            self.counters.foreign += 1
            return
        self._learned = source
        if not self.granted:
            if self._clock() - self._grant_ended_ms < AFTER_GRANT_MS:
                self.counters.uplink_after_grant += 1
            else:
                self.counters.uplink_without_grant += 1
            return
        self.counters.received += 1
        sequence = int.from_bytes(packet[2:4], "big")
        if self._next_sequence is not None and _ahead(sequence, self._next_sequence) >= 0x8000:
            self.counters.late += 1
            return
        if len(self._buffer) < 2 * BUFFER_MAX_FRAMES:
            self._buffer[sequence] = packet[HEADER_BYTES:]


def _ahead(sequence: int, reference: int) -> int:
    """How far a sequence number lies after another, modulo 2^16."""
    return (sequence - reference) & 0xFFFF
