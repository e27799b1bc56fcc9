"""What an RTP leg sends: audio, digits in its place, and RTCP; numbered, protected and counted.

Sequence numbers and timestamps are functions of time (see rpc.CreateRtp): one packet a tick at most.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media import rpc
from kak_server.media.engine import rtcp, rtp
from kak_server.media.engine.dtmf_sender import DtmfSender
from kak_server.media.engine.frames import FRAME_SAMPLES
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.srtp import Srtp, fresh_stream

Address = tuple[str, int]
REPORT_EVERY_MS = 5_000  # RFC 3550 6.2: the least interval
ORDERS_REMEMBERED = 32


@dataclass(slots=True)
class SentCounts:
    """What went over the wire."""

    packets: int = 0
    octets: int = 0
    errors: int = 0
    reports: int = 0


class RtpSender:
    """One leg's sending side."""

    def __init__(
        self, args: rpc.CreateRtp, time: TickTime, sock: socket.socket, emit: Callable[[rpc.Event], None]
    ) -> None:
        self.counts = SentCounts()
        self.payload_type = args.payload_type
        self.dtmf_payload_type = args.dtmf_payload_type
        self.dtmf_units_per_ms = args.dtmf_clock_hz // 1000
        self.units_per_tick = units_per_tick(args.codec)
        self.peer: Address | None = None
        self.allowed = True
        self.digits = DtmfSender()
        self._leg = args.leg
        self._time = time
        self._sock = sock
        self._emit = emit
        self._srtp: Srtp | None = None
        self._mute = False  # SRTP whose keys are not agreed yet
        self._silent = False  # that, or the peer wants nothing
        self._ssrc = args.ssrc
        self._sequence0 = args.seq0
        self._timestamp0 = args.ts0
        self._first_frame = max(0, time.wall_ms - args.epoch_ms) // rpc.TICK_MS - time.index
        self._sent_at = -1  # the frame number of the last packet
        self._event_timestamp = 0
        self._event_index = -1  # the tick a digit took
        self._orders: dict[str, None] = {}  # names of orders taken, oldest first
        self._report_ms = time.mono_ms

    def protect_with(self, srtp: Srtp | None, *, mute: bool) -> None:
        """Use these keys from now on; with another key than before under a new SSRC and sequence."""
        self._mute = mute
        self._silent = mute or not self.allowed
        before, self._srtp = self._srtp, srtp
        if srtp is not None and (before is None or before.keys.send_key != srtp.keys.send_key):
            self._ssrc, first = fresh_stream()
            self._sequence0 = first - (self._first_frame + self._time.index)

    @property
    def ssrc(self) -> int:
        """Of the stream we send."""
        return self._ssrc

    def allow(self, on: bool) -> None:
        """Whether the peer wants media of ours."""
        self.allowed = on
        self._silent = self._mute or not on

    def audio(self, payload: bytes) -> bool:
        """This tick's audio. Whether it left: not while a digit has the tick."""
        index = self._time.index
        if self._silent or self.peer is None or self._event_index == index:
            return False
        at = self._first_frame + index
        timestamp = self._timestamp0 + at * self.units_per_tick
        # RFC 3551 section 4.1: the marker starts a talk spurt
        return self._packet(at != self._sent_at + 1, self.payload_type, at, timestamp, payload)

    def _timestamp(self, at: int) -> int:
        return self._timestamp0 + at * self.units_per_tick

    def _packet(self, marker: bool, payload_type: int, at: int, timestamp: int, payload: bytes) -> bool:
        packet = rtp.build(marker, payload_type, self._sequence0 + at, timestamp, self._ssrc, payload)
        counts = self.counts
        peer = self.peer
        if self._srtp is not None:
            packet = self._srtp.protect(packet)
        if peer is None or not packet:
            counts.errors += 1
            return False
        try:
            self._sock.sendto(packet, peer)
        except OSError:
            counts.errors += 1
            return False
        self._sent_at = at
        counts.packets += 1
        counts.octets += len(payload)
        return True

    # --- digits ------------------------------------------------------------------------------------------------------

    def order_digits(self, args: rpc.SendDtmf) -> None:
        """Queue an order; one that was taken before changes nothing."""
        if args.send in self._orders:
            return
        self._orders[args.send] = None
        while len(self._orders) > ORDERS_REMEMBERED:
            del self._orders[next(iter(self._orders))]
        self.digits.add(args.send, args.digits, args.duration_ms, args.gap_ms)

    def tick_digits(self) -> bool:
        """Once a tick while digits wait, before audio is sent. Whether some still do."""
        event = self.digits.tick(self.dtmf_units_per_ms)
        if event is not None:
            self._event_index = self._time.index
            at = self._first_frame + self._time.index
            if event.first:
                self._event_timestamp = self._timestamp(at)  # RFC 4733 2.2.2: of all packets of the event
            if not self._silent and self.peer is not None and self.dtmf_payload_type is not None:
                self._packet(event.first, self.dtmf_payload_type, at, self._event_timestamp, event.payload)
        for name in self.digits.done:
            self._emit(rpc.LegDtmfSent(self._leg, name))
        self.digits.done.clear()
        return self.digits.busy

    def drop_digits(self) -> None:
        """The leg ends: what was not sent never will be."""
        for name in self.digits.drop():
            self._emit(rpc.LegDtmfSent(self._leg, name, ok=False))

    # --- RTCP --------------------------------------------------------------------------------------------------------

    def report(self, reception: rtcp.Reception) -> None:
        """A compound of reports now and then (RFC 3550 6.1): ours as sender, ours of what comes, and our name."""
        now_ms = self._time.mono_ms
        if now_ms - self._report_ms < REPORT_EVERY_MS or self._silent or self.peer is None:
            return
        self._report_ms = now_ms
        parts = []
        if self.counts.packets:
            timestamp = self._timestamp(self._first_frame + self._time.index)
            parts.append(
                rtcp.sender_report(self._ssrc, self._time.wall_ms, timestamp, self.counts.packets, self.counts.octets)
            )
        if reception.ssrc or not parts:
            parts.append(reception.report(self._ssrc, now_ms))
        parts.append(rtcp.sdes(self._ssrc, f"{self._ssrc:08x}@kak-server"))
        packet = b"".join(parts)
        if self._srtp is not None:
            packet = self._srtp.protect_rtcp(packet)
        try:
            self._sock.sendto(packet, self.peer)
        except OSError:
            self.counts.errors += 1
        else:
            self.counts.reports += 1


def units_per_tick(codec: rpc.Codec) -> int:
    """RTP clock units of a tick: Opus counts 48 kHz whatever it carries (RFC 7587 section 4.1)."""
    return 960 if codec == "opus" else FRAME_SAMPLES
