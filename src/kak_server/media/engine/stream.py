"""The RTP stream a leg sends: its packets, numbered as functions of time (see rpc.CreateRtp), sent and counted."""

import socket
from collections.abc import Callable

from kak_server.media.engine import rtp
from kak_server.media.engine.frames import FRAME_SAMPLES


class Stream:
    """One leg's. The reference of the native one; `index` is that of the tick, frames count from `first_frame`."""

    def __init__(self, sock: socket.socket, ssrc: int, sequence0: int, timestamp0: int, first_frame: int) -> None:
        self.silent = False
        self.payload_type = 0
        self.ssrc = ssrc
        self.sequence0 = sequence0
        self.timestamp0 = timestamp0
        self.first_frame = first_frame
        self.units_per_tick = FRAME_SAMPLES
        self.event_index = -1  # the tick a digit took
        self.packets = 0
        self.octets = 0
        self.errors = 0
        self.peer: tuple[str, int] | None = None
        self.protect: Callable[[bytes], bytes] | None = None  # by the peer's keys; no bytes: it could not be
        self._sock: socket.socket | None = sock
        self._sent_at = -1  # the frame number of the last packet

    def audio(self, index: int, payload: bytes) -> bool:
        """This tick's audio. Whether it left: not while a digit has the tick."""
        if self.silent or self.peer is None or self.event_index == index or self._sock is None:
            return False
        at = self.first_frame + index
        # RFC 3551 section 4.1: the marker starts a talk spurt
        marker = at != self._sent_at + 1
        return self.packet(marker, self.payload_type, at, self.timestamp0 + at * self.units_per_tick, payload)

    def packet(self, marker: bool, payload_type: int, at: int, timestamp: int, payload: bytes) -> bool:
        """One packet of frame `at`. Whether it left."""
        packet = rtp.build(marker, payload_type, self.sequence0 + at, timestamp, self.ssrc, payload)
        if self.protect is not None:
            packet = self.protect(packet)
        if self.peer is None or self._sock is None or not packet:
            self.errors += 1
            return False
        try:
            self._sock.sendto(packet, self.peer)
        except OSError:
            self.errors += 1
            return False
        self._sent_at = at
        self.packets += 1
        self.octets += len(payload)
        return True

    def close(self) -> None:
        """To be called before the socket is closed."""
        self._sock = None
