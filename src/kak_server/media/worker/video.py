"""Citizen video: encoded packets of one source forwarded to its viewers, never decoded.

Upstream we ask for a key frame until one has come, for lost packets, and cap the bit rate by what the viewers can take.
Downstream each viewer gets its own SSRC, payload type and unbroken sequence and timestamp, starting at a key frame, and
lost packets again from a short history.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable

from kak_server.media.engine import rtcp
from kak_server.media.engine.vp8 import ForwardPacket, parse_forward, starts_key_frame
from kak_server.media.worker.clock import TickTime
from kak_server.model.ids import LegId

HISTORY_PACKETS = 1_024
MISSING_MAX = 128
NACK_TRIES = 5
PLI_INTERVAL_MS = 500.0
BITRATE_START_BPS = 1_000_000
BITRATE_MAX_BPS = 2_500_000
BITRATE_MIN_BPS = 100_000
_FRAME_UNITS = 3_000  # 1/30 s at 90 kHz: the step from one source's last frame to the next one's first

SendPacket = Callable[[bytes], bool]


def adapt(cap_bps: int, lost: float) -> int:
    """The next second's bit-rate cap: back off over 10 % loss, probe upwards under 2 %.

    The viewers' own estimates (REMB) are not used: they follow what is sent, so a still picture would
    starve the moving one after it.
    """
    if lost > 0.10:
        cap_bps = int(cap_bps * (1.0 - lost / 2))
    elif lost < 0.02:
        cap_bps = int(cap_bps * 1.08)
    return max(BITRATE_MIN_BPS, min(BITRATE_MAX_BPS, cap_bps))


class CitizenVideo:
    """The source: one browser's camera."""

    def __init__(self, leg: LegId, ssrc: int, payload_type: int, time: TickTime, send: SendPacket) -> None:
        self.leg = leg
        self.viewers: dict[LegId, ViewerVideo] = {}
        self.reception = rtcp.Reception()
        self.packets = 0
        self.frames = 0
        self.key_frames = 0
        self._ssrc = ssrc
        self._payload_type = payload_type
        self._time = time
        self._send = send
        self._cap_bps = BITRATE_START_BPS
        self._key_wanted = True
        self._asked_ms = -PLI_INTERVAL_MS
        self._highest: int | None = None
        self._missing: OrderedDict[int, int] = OrderedDict()  # sequence -> how often asked for

    def on_rtp(self, data: bytes) -> bool:
        """A decrypted packet. Whether it was the camera's."""
        packet = parse_forward(data)
        if packet is None or packet.payload_type != self._payload_type:
            return False
        if packet.ssrc != self.reception.ssrc:
            self._highest = None
            self._missing.clear()
        self.reception.packet(packet.ssrc, packet.sequence)
        self.packets += 1
        self.frames += packet.marker
        self._watch_loss(packet.sequence)
        if starts_key_frame(packet.payload):
            self.key_frames += 1
            self._key_wanted = False
        for viewer in self.viewers.values():
            viewer.forward(packet)
        if self._key_wanted:
            self.ask_key_frame()
        return True

    def want_key_frame(self) -> None:
        """A viewer has come or lost the picture: ask until a key frame has come, PLI_INTERVAL_MS apart."""
        self._key_wanted = True
        self.ask_key_frame()

    def ask_key_frame(self) -> None:
        """PLI, rate-limited."""
        now_ms = self._time.mono_ms
        if self.reception.ssrc and now_ms - self._asked_ms >= PLI_INTERVAL_MS:
            self._asked_ms = now_ms
            self._send(rtcp.pli(self._ssrc, self.reception.ssrc))

    def watch(self) -> None:
        """Some times a second: ask again for what is still missing."""
        if self._key_wanted and self.viewers:
            self.ask_key_frame()
        if self._missing:
            self._ask_missing()

    def report(self) -> None:
        """About once a second: reception report and bit-rate cap."""
        if not self.reception.ssrc:
            return
        losses = [viewer.take_loss() for viewer in self.viewers.values()]
        self._cap_bps = adapt(self._cap_bps, max(losses, default=0.0))
        self._send(
            self.reception.report(self._ssrc, self._time.mono_ms)
            + rtcp.sdes(self._ssrc, "kak")
            + rtcp.remb(self._ssrc, self.reception.ssrc, self._cap_bps)
        )

    def _watch_loss(self, sequence: int) -> None:
        if self._highest is None:
            self._highest = sequence
            return
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead >= 0x8000 or ahead == 0:
            self._missing.pop(sequence, None)
            return
        if ahead > MISSING_MAX:
            self._missing.clear()
            self.want_key_frame()  # too much has gone to be asked for packet by packet
        elif ahead > 1:
            for number in range(1, ahead):
                self._missing[(self._highest + number) & 0xFFFF] = 0
            while len(self._missing) > MISSING_MAX:
                self._missing.popitem(last=False)
            self._ask_missing()
        self._highest = sequence

    def _ask_missing(self) -> None:
        for sequence, tries in list(self._missing.items()):
            if tries >= NACK_TRIES:
                del self._missing[sequence]
            else:
                self._missing[sequence] = tries + 1
        if self._missing:
            self._send(rtcp.nack(self._ssrc, self.reception.ssrc, list(self._missing)))

    def stats(self) -> dict[str, int | float | str]:
        """Counters for leg.stats."""
        return {"received": self.packets, "frames": self.frames, "key_frames": self.key_frames, "transcoded": 0}


class ViewerVideo:
    """A sink: one browser that watches."""

    def __init__(self, leg: LegId, ssrc: int, payload_type: int, send: SendPacket) -> None:
        self.leg = leg
        self.packets = 0
        self.frames = 0
        self.resent = 0
        self._lost = 0.0
        self._ssrc = ssrc
        self._payload_type = payload_type
        self._send = send
        self._source_ssrc: int | None = None
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._last_sequence = secrets.randbits(15)
        self._last_timestamp = secrets.randbits(31)
        self._history: OrderedDict[int, bytes] = OrderedDict()

    def forward(self, packet: ForwardPacket) -> None:
        """A packet of the source; nothing before the first key frame."""
        if packet.ssrc != self._source_ssrc:
            if not starts_key_frame(packet.payload):
                return
            self._source_ssrc = packet.ssrc
            self._sequence_offset = self._last_sequence + 1 - packet.sequence
            self._timestamp_offset = self._last_timestamp + _FRAME_UNITS - packet.timestamp
        sequence = (packet.sequence + self._sequence_offset) & 0xFFFF
        timestamp = (packet.timestamp + self._timestamp_offset) & 0xFFFFFFFF
        data = packet.rewrite(self._payload_type, sequence, timestamp, self._ssrc)
        if (sequence - self._last_sequence) & 0xFFFF < 0x8000:
            self._last_sequence, self._last_timestamp = sequence, timestamp
        self._history[sequence] = data
        if len(self._history) > HISTORY_PACKETS:
            self._history.popitem(last=False)
        if self._send(data):
            self.packets += 1
            self.frames += packet.marker

    def on_feedback(self, feedback: rtcp.Feedback) -> bool:
        """The browser's RTCP; whether it has lost the picture."""
        for sequence in feedback.nack:
            data = self._history.get(sequence)
            if data is not None and self._send(data):
                self.resent += 1
        self._lost = max(self._lost, feedback.lost or 0.0)
        return feedback.picture_lost

    def take_loss(self) -> float:
        """The worst share of packets lost that was reported since the last call."""
        lost, self._lost = self._lost, 0.0
        return lost

    def stats(self) -> dict[str, int | float | str]:
        """Counters for leg.stats."""
        return {"sent": self.packets, "frames": self.frames, "resent": self.resent, "transcoded": 0}


class VideoHub:
    """Who watches whom: sources and viewers by leg id, in whatever order they come."""

    def __init__(self) -> None:
        self._sources: dict[LegId, CitizenVideo] = {}
        self._viewers: dict[LegId, tuple[str, ViewerVideo]] = {}  # viewer leg -> (source leg, viewer)

    def add_source(self, source: CitizenVideo) -> None:
        """A citizen's camera is there, or there again."""
        self._sources[source.leg] = source
        for leg, (watched, viewer) in self._viewers.items():
            if watched == source.leg:
                source.viewers[leg] = viewer
        if source.viewers:
            source.want_key_frame()

    def remove_source(self, source: CitizenVideo) -> None:
        """Unless another has taken its place."""
        if self._sources.get(source.leg) is source:
            del self._sources[source.leg]

    def add_viewer(self, source_leg: str, viewer: ViewerVideo) -> None:
        """A viewer of a source that is there or may come."""
        self._viewers[viewer.leg] = (source_leg, viewer)
        source = self._sources.get(LegId(source_leg))
        if source is not None:
            source.viewers[viewer.leg] = viewer
            source.want_key_frame()

    def remove_viewer(self, viewer: ViewerVideo) -> None:
        """Unless another has taken its place."""
        source_leg, there = self._viewers.get(viewer.leg, ("", None))
        if there is viewer:
            del self._viewers[viewer.leg]
            source = self._sources.get(LegId(source_leg))
            if source is not None:
                source.viewers.pop(viewer.leg, None)

    def picture_lost(self, viewer: ViewerVideo) -> None:
        """Pass a viewer's PLI on."""
        source = self._sources.get(LegId(self._viewers.get(viewer.leg, ("", viewer))[0]))
        if source is not None:
            source.want_key_frame()
