"""A plain RTP leg: one UDP port, G.711 both ways, symmetric RTP learned once and then strict, digits, silence watch.

Sequence numbers and timestamps are functions of time (see rpc.CreateRtp), so a worker started anew continues the
stream of a dead one.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media import rpc
from kak_server.media.engine import g711, rtp
from kak_server.media.engine.dtmf import DtmfDetector
from kak_server.media.engine.frames import FRAME_SAMPLES
from kak_server.media.engine.gate import UplinkGate
from kak_server.media.engine.players import G711Player
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.ports import SocketPoller, bind_udp

Address = tuple[str, int]
STATIC_LAWS: dict[int, g711.Law] = {0: "PCMU", 8: "PCMA"}  # RFC 3551 table 4
TRUST_SIGNALLED_MS = 1_000  # after a re-INVITE: the old address may still send, and a stranger must not slip in
SILENT_AFTER_MIN_MS = 100
GATE_BUFFER_MAX_MS = 2_000
PACKET_BYTES_MAX = 12 + 8 * FRAME_SAMPLES


@dataclass(slots=True)
class RtpCounts:
    """What went over the wire."""

    received: int = 0
    sent: int = 0
    foreign: int = 0  # from an address that is not the learned one
    malformed: int = 0
    send_errors: int = 0
    comfort_noise: int = 0


class RtpLeg:
    """One leg: a Source and a CompandedSink of the engine, fed by the socket poller."""

    def __init__(
        self, args: rpc.CreateRtp, time: TickTime, poller: SocketPoller, emit: Callable[[rpc.Event], None]
    ) -> None:
        """Binds the port. Raises OSError."""
        self.args = args
        self.created = args  # as asked for, to know a repeated command by
        self.leg = args.leg
        self.law: g711.Law = args.codec
        self.counts = RtpCounts()
        self.peer: Address | None = (args.peer_host, args.peer_port) if args.peer_host and args.peer_port else None
        self.learned = args.learned and self.peer is not None
        self.gate = UplinkGate(min(args.gate_buffer_ms, GATE_BUFFER_MAX_MS)) if args.gated else None
        self._time = time
        self._emit = emit
        self._poller = poller
        self._payload_type = args.payload_type
        self._send = True
        self._player = G711Player(self.law)
        self._digits = DtmfDetector()
        self._peer_ssrc: int | None = None
        self._only_signalled_until_ms = 0.0
        self._first_frame = max(0, time.wall_ms - args.epoch_ms) // rpc.TICK_MS - time.index
        self._sent_frame = -1
        self._last_packet_ms = time.mono_ms
        self._told_silent_ms = 0.0
        self._sock = bind_udp(args.bind_host, args.port)
        self.port: int = self._sock.getsockname()[1]
        poller.add(self._sock, self.on_datagram)

    def close(self) -> None:
        """Release the port."""
        self._poller.remove(self._sock)
        self._sock.close()

    def modify(self, args: rpc.ModifyRtp) -> None:
        """The peer's session changed: send there until its address is learned anew (behind NAT: after a second)."""
        signalled = (args.peer_host, args.peer_port)
        if args.peer_host and args.peer_port and signalled != (self.args.peer_host, self.args.peer_port):
            self.peer, self.learned = signalled, False
            self._only_signalled_until_ms = self._time.mono_ms + TRUST_SIGNALLED_MS
        self._send = args.send
        self._payload_type = args.payload_type
        if args.codec != self.law:
            self.law = args.codec
            self._player = G711Player(self.law)
        self.args = dataclasses.replace(
            self.args,
            peer_host=args.peer_host or self.args.peer_host,
            peer_port=args.peer_port or self.args.peer_port,
            payload_type=args.payload_type,
            codec=args.codec,
        )

    # --- towards us --------------------------------------------------------------------------------------------------

    def on_datagram(self, data: bytes, address: Address) -> None:
        """A packet of the network, from anybody."""
        if self.learned and address[:2] != self.peer:
            self.counts.foreign += 1
            return
        packet = rtp.parse(data) if len(data) <= PACKET_BYTES_MAX else None
        if packet is None or not packet.payload or rtp.is_rtcp(data):
            self.counts.malformed += 1
            return
        law = STATIC_LAWS.get(packet.payload_type)
        if packet.payload_type == self.args.payload_type:
            law = self.law
        digit = packet.payload_type == self.args.dtmf_payload_type
        if law is None and not digit and packet.payload_type != rtp.PT_COMFORT_NOISE:
            self.counts.malformed += 1
            return
        if not self.learned and not self._learn(address):
            return
        self.counts.received += 1
        self._heard_from()
        if digit:
            self._tell_digits(self._digits.feed(packet.timestamp, packet.payload, int(self._time.mono_ms)))
        elif law is None:
            self.counts.comfort_noise += 1
        else:
            if packet.ssrc != self._peer_ssrc:
                if self._peer_ssrc is not None:
                    self._player = G711Player(self.law)  # a new stream of the same peer: its clock starts anew
                self._peer_ssrc = packet.ssrc
            self._player.put(law, packet.timestamp, packet.payload)

    def _learn(self, address: Address) -> bool:
        if self._time.mono_ms < self._only_signalled_until_ms and address[:2] != self.peer:
            self.counts.foreign += 1
            return False
        self.peer, self.learned = (address[0], address[1]), True
        self._emit(rpc.LegLearned(self.leg, address[0], address[1]))
        return True

    def _heard_from(self) -> None:
        now_ms = self._time.mono_ms
        if self._told_silent_ms:
            self._emit(rpc.LegActive(self.leg, int(now_ms - self._last_packet_ms)))
            self._told_silent_ms = 0.0
        self._last_packet_ms = now_ms

    def _tell_digits(self, ended: list[tuple[str, int]]) -> None:
        for digit, duration_ms in ended:
            self._emit(rpc.LegDtmf(self.leg, digit, duration_ms))

    def watch(self) -> None:
        """Now and then: a digit without an end, a peer without packets, a lease that has lapsed."""
        now_ms = self._time.mono_ms
        self._tell_digits(self._digits.poll(int(now_ms)))
        after_ms = max(SILENT_AFTER_MIN_MS, self.args.silent_after_ms)
        silent_ms = now_ms - self._last_packet_ms
        if silent_ms - self._told_silent_ms >= after_ms:
            self._told_silent_ms = silent_ms
            self._emit(rpc.LegSilent(self.leg, int(silent_ms)))

    def pull(self, wanted: bool) -> bytes | None:
        """This tick's frame of the peer's voice. The play-out point moves whether it is wanted or not."""
        return self._player.pull()

    # --- towards the peer --------------------------------------------------------------------------------------------

    @property
    def gated(self) -> bool:
        """Towards the radio: sends only under a lease."""
        return self.gate is not None

    def send_frame(self, frame: bytes | None, speaking: bool) -> bool:
        """This tick's packet: audio, or silence so that no peer thinks us dead; behind a gate only under a lease."""
        payload = frame
        if self.gate is not None:
            if self.gate.lapse(self._time.mono_ms):
                self._emit(rpc.UplinkClosed(self.leg, "lease"))
            payload = self.gate.pass_on(frame, speaking)
            if not self.gate.is_open:
                return False
        if self.peer is None or not self._send:
            return False
        at = self._first_frame + self._time.index
        packet = rtp.build(
            at != self._sent_frame + 1,  # RFC 3551 section 4.1: the marker starts a talk spurt
            self._payload_type,
            self.args.seq0 + at,
            self.args.ts0 + at * FRAME_SAMPLES,
            self.args.ssrc,
            payload if payload is not None else g711.SILENCE[self.law],
        )
        try:
            self._sock.sendto(packet, self.peer)
        except (BlockingIOError, OSError):
            self.counts.send_errors += 1
            return False
        self._sent_frame = at
        self.counts.sent += 1
        return payload is not None

    # --- what others may know ----------------------------------------------------------------------------------------

    def census(self) -> rpc.LegCensus:
        """This leg for the census."""
        host, port = self.peer or ("", 0)
        return rpc.LegCensus(self.leg, "rtp", "learned" if self.learned else "waiting", self.port, host, port)

    def stats(self) -> dict[str, int | float | str]:
        """Counters for leg.stats."""
        buffer = self._player.buffer
        return {
            "kind": "rtp",
            "received": self.counts.received,
            "sent": self.counts.sent,
            "foreign": self.counts.foreign,
            "malformed": self.counts.malformed,
            "send_errors": self.counts.send_errors,
            "comfort_noise": self.counts.comfort_noise,
            "late": buffer.stats.late,
            "lost_frames": buffer.stats.lost_frames,
            "held_frames": buffer.stats.held_frames,
            "dropped_frames": buffer.stats.dropped_frames,
            "buffer_ms": math.ceil(buffer.buffered_samples / 8),
            "last_packet_age_ms": int(self._time.mono_ms - self._last_packet_ms),
        }
