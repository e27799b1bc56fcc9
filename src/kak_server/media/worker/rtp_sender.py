"""What an RTP leg sends: audio, digits in its place, and RTCP; numbered, protected and counted.

Sequence numbers and timestamps are functions of time (see rpc.CreateRtp): one packet a tick at most.
"""

import socket
from collections.abc import Callable
from typing import Any

from kak_server.media import rpc
from kak_server.media.engine import rtcp
from kak_server.media.engine.dtmf_sender import DtmfSender
from kak_server.media.engine.frames import FRAME_SAMPLES
from kak_server.media.engine.ports import Stream
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.srtp import Srtp, fresh_stream

Address = tuple[str, int]
REPORT_EVERY_MS = 5_000  # RFC 3550 6.2: the least interval
ORDERS_REMEMBERED = 32


class RtpSender:
    """One leg's sending side."""

    def __init__(self, args: rpc.CreateRtp, time: TickTime, stream: Stream, emit: Callable[[rpc.Event], None]) -> None:
        """`stream`: of `new_stream`."""
        self.stream = stream
        self.dtmf_payload_type = args.dtmf_payload_type
        self.dtmf_units_per_ms = args.dtmf_clock_hz // 1000
        self.allowed = True
        self.digits = DtmfSender()
        self.reports = 0
        self._leg = args.leg
        self._time = time
        self._emit = emit
        self._srtp: Srtp | None = None
        self._mute = False  # SRTP whose keys are not agreed yet
        self._event_timestamp = 0
        self._orders: dict[str, None] = {}  # names of orders taken, oldest first
        self._report_ms = time.mono_ms

    def use_codec(self, codec: rpc.Codec, payload_type: int) -> None:
        """What audio is sent as."""
        self.stream.payload_type = payload_type
        self.stream.units_per_tick = units_per_tick(codec)

    def protect_with(self, srtp: Srtp | None, *, mute: bool) -> None:
        """Use these keys from now on; with another key than before under a new SSRC and sequence."""
        self._mute = mute
        self.stream.silent = mute or not self.allowed
        before, self._srtp = self._srtp, srtp
        self.stream.protect = None if srtp is None else srtp.protect
        if srtp is not None and (before is None or before.keys.send_key != srtp.keys.send_key):
            self.stream.ssrc, first = fresh_stream()
            self.stream.sequence0 = first - (self.stream.first_frame + self._time.index)

    @property
    def peer(self) -> Address | None:
        """Where to."""
        return self.stream.peer

    @peer.setter
    def peer(self, address: Address | None) -> None:
        self.stream.peer = address

    @property
    def ssrc(self) -> int:
        """Of the stream we send."""
        return self.stream.ssrc

    def allow(self, on: bool) -> None:
        """Whether the peer wants media of ours."""
        self.allowed = on
        self.stream.silent = self._mute or not on

    def audio(self, payload: bytes) -> bool:
        """This tick's audio. Whether it left: not while a digit has the tick."""
        return self.stream.audio(self._time.index, payload)

    def _timestamp(self, at: int) -> int:
        return self.stream.timestamp0 + at * self.stream.units_per_tick

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
            stream = self.stream
            stream.event_index = self._time.index
            at = stream.first_frame + self._time.index
            if event.first:
                self._event_timestamp = self._timestamp(at)  # RFC 4733 2.2.2: of all packets of the event
            if not stream.silent and stream.peer is not None and self.dtmf_payload_type is not None:
                stream.packet(event.first, self.dtmf_payload_type, at, self._event_timestamp, event.payload)
        for name in self.digits.done:
            self._emit(rpc.LegDtmfSent(self._leg, name))
        self.digits.done.clear()
        return self.digits.busy

    def drop_digits(self) -> None:
        """The leg ends: what was not sent never will be."""
        for name in self.digits.drop():
            self._emit(rpc.LegDtmfSent(self._leg, name, ok=False))

    # --- RTCP --------------------------------------------------------------------------------------------------------

    def report(self, reception: rtcp.Reception, sock: socket.socket) -> None:
        """A compound of reports now and then (RFC 3550 6.1): ours as sender, ours of what comes, and our name."""
        now_ms, stream = self._time.mono_ms, self.stream
        if now_ms - self._report_ms < REPORT_EVERY_MS or stream.silent or stream.peer is None:
            return
        self._report_ms = now_ms
        parts = []
        if stream.packets:
            timestamp = self._timestamp(stream.first_frame + self._time.index)
            parts.append(rtcp.sender_report(stream.ssrc, self._time.wall_ms, timestamp, stream.packets, stream.octets))
        if reception.ssrc or not parts:
            parts.append(reception.report(stream.ssrc, now_ms))
        parts.append(rtcp.sdes(stream.ssrc, f"{stream.ssrc:08x}@kak-server"))
        packet = b"".join(parts)
        if self._srtp is not None:
            packet = self._srtp.protect_rtcp(packet)
        try:
            sock.sendto(packet, stream.peer)
        except OSError:
            stream.errors += 1
        else:
            self.reports += 1


def units_per_tick(codec: rpc.Codec) -> int:
    """RTP clock units of a tick: Opus counts 48 kHz whatever it carries (RFC 7587 section 4.1)."""
    return 960 if codec == "opus" else FRAME_SAMPLES


def new_stream(
    make: Callable[[Any, int, int, int, int], Stream], args: rpc.CreateRtp, time: TickTime, sock: Any
) -> Stream:
    """The stream that these arguments ask for, as far as it has got by now."""
    first_frame = max(0, time.wall_ms - args.epoch_ms) // rpc.TICK_MS - time.index
    stream = make(sock, args.ssrc, args.seq0, args.ts0, first_frame)
    stream.payload_type = args.payload_type
    stream.units_per_tick = units_per_tick(args.codec)
    if args.peer_host and args.peer_port:
        stream.peer = (args.peer_host, args.peer_port)
    return stream
