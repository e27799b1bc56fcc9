"""An operator's audio over a PeerConnection: the microphone as a source, headset and speaker as Opus sinks."""

import secrets
from collections.abc import Callable

from kak_server.media.engine import opus, rtcp, rtp
from kak_server.media.engine.frames import SILENCE_PCM, Pcm
from kak_server.media.engine.g711 import Law
from kak_server.media.engine.players import OpusPlayer
from kak_server.media.worker.clock import TickTime
from kak_server.model.ids import LegId

RTP_UNITS_PER_TICK = 960  # RFC 7587 section 4.1: the RTP clock of Opus is 48 kHz
SETTLE_FRAMES = 5  # silence sent when the path comes up, and after speech, so that decoders end on it
KEEP_ALIVE_TICKS = 250  # 5 s

SendPacket = Callable[[bytes], bool]


class Microphone:
    """What the browser sends: a Source."""

    law: Law | None = None

    def __init__(self, leg: LegId, payload_type: int) -> None:
        self.leg = leg
        self.on_sound: Callable[[], None] | None = None
        self.reception = rtcp.Reception()
        self.packets = 0
        self._payload_type = payload_type
        self._player = OpusPlayer()
        self._timestamp = 0

    def on_rtp(self, data: bytes) -> bool:
        """A decrypted packet. Whether it was the microphone's."""
        packet = rtp.parse(data)
        if packet is None or packet.payload_type != self._payload_type or not packet.payload:
            return False
        if packet.ssrc != self.reception.ssrc and self.packets:
            self._player = OpusPlayer()  # the browser changed its track: a new clock
        self.packets += 1
        self.reception.packet(packet.ssrc, packet.sequence)
        self._timestamp = rtp.unwrap(packet.timestamp, 32, self._timestamp)
        self._player.put(self._timestamp, packet.payload)
        return True

    @property
    def asleep(self) -> bool:
        """Never: a browser's microphone is always on its way."""
        return False

    def pull(self, wanted: bool) -> Pcm | None:
        """This tick's frame; decoded only if somebody hears it."""
        return self._player.pull(wanted)

    def stats(self) -> dict[str, int | float | str]:
        """Counters for leg.stats."""
        stats = self._player.buffer.stats
        return {
            "received": self.packets,
            "late": stats.late,
            "lost_frames": stats.lost_frames,
            "held_frames": stats.held_frames,
            "dropped_frames": stats.dropped_frames,
            "buffer_ms": self._player.buffer.buffered_samples // 8,
        }


class OperatorSink:
    """One m-line down: an OpusSink."""

    law: Law | None = None

    def __init__(self, leg: LegId, ssrc: int, payload_type: int, time: TickTime, send: SendPacket) -> None:
        self.leg = leg
        self.ssrc = ssrc
        self.packets = 0
        self.octets = 0
        self._payload_type = payload_type
        self._time = time
        self._send = send
        self._encoder: opus.OpusEncoder | None = None
        self._sequence = secrets.randbits(15)
        self._timestamp0 = secrets.randbits(31)
        self._last_tick = -1
        self._settle = SETTLE_FRAMES

    @property
    def timestamp(self) -> int:
        """The RTP time of the tick under way."""
        return self._timestamp0 + RTP_UNITS_PER_TICK * self._time.index

    def encode(self, frame: Pcm, fresh: bool) -> bytes:
        """One frame with this sink's encoder."""
        if self._encoder is None:
            self._encoder = opus.OpusEncoder()
        elif fresh:
            self._encoder.reset()
        return self._encoder.encode(frame)

    def send_packet(self, packet: bytes) -> bool:
        """This tick's audio."""
        self._settle = SETTLE_FRAMES
        return self._packet(packet)

    def send_nothing(self, joined: bool) -> None:
        """Silence: a few frames of it, then one now and then to keep the path alive."""
        if self._settle:
            if self._packet(self.encode(SILENCE_PCM, False)):
                self._settle -= 1
        elif self._time.index - self._last_tick >= KEEP_ALIVE_TICKS:
            self._packet(self.encode(SILENCE_PCM, False))

    def _packet(self, payload: bytes) -> bool:
        spurt = self._time.index != self._last_tick + 1
        data = rtp.build(spurt, self._payload_type, self._sequence, self.timestamp, self.ssrc, payload)
        if not self._send(data):
            return False
        self._sequence += 1
        self._last_tick = self._time.index
        self.packets += 1
        self.octets += len(payload)
        return True
