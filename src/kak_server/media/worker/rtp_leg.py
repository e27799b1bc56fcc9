"""An RTP leg: one UDP port, plain or SRTP, G.711 or Opus; symmetric RTP learned once and then strict, digits both
ways, silence watch. What it sends is in `rtp_sender`, what it plays in `rtp_voice`, its keys in `srtp`.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

from kak_server.media import rpc
from kak_server.media.engine import g711, rtcp, rtp
from kak_server.media.engine.dtmf import DtmfDetector
from kak_server.media.engine.frames import FRAME_SAMPLES, SILENCE_PCM, Pcm
from kak_server.media.engine.gate import UplinkGate
from kak_server.media.engine.players import OpusPlayer
from kak_server.media.engine.ports import CompandedPlayer, Stream
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.engines import Engine
from kak_server.media.worker.log import logger
from kak_server.media.worker.ports import Poller, bind_udp
from kak_server.media.worker.rtp_sender import Address, RtpSender, new_stream
from kak_server.media.worker.rtp_voice import G711Voice, OpusMouth, voice_of
from kak_server.media.worker.srtp import Srtp

TRUST_SIGNALLED_MS = 1_000  # after a re-INVITE: the old address may still send, and a stranger must not slip in
SILENT_AFTER_MIN_MS = 100
GATE_BUFFER_MAX_MS = 2_000
SEARCH_EVERY_TICKS = 4
PACKET_BYTES_MAX = 12 + 8 * FRAME_SAMPLES
SRTP_BYTES_MAX = PACKET_BYTES_MAX + 16 + 128  # tag and key identifier


_AUDIO, _DIGIT, _NOISE = 1, 2, 3  # what a payload type means


@dataclass(slots=True)
class RtpCounts:
    """What came over the wire."""

    foreign: int = 0  # from an address that is not the learned one
    malformed: int = 0
    keyless: int = 0  # before the keys were agreed
    comfort_noise: int = 0
    reports: int = 0  # RTCP


class RtpLeg:
    """One leg: a Source, and by its codec a CompandedSink or an OpusSink of the engine, fed by the socket poller."""

    def __init__(
        self, args: rpc.CreateRtp, time: TickTime, engine: Engine, poller: Poller, emit: Callable[[rpc.Event], None]
    ) -> None:
        """Binds the port. Raises OSError, and BadKeyError for keys that are none."""
        self.args = args
        self.created = args  # as asked for, to know a repeated command by
        self.leg = args.leg
        self.counts = RtpCounts()
        self.learned = args.learned and bool(args.peer_host and args.peer_port)
        self.gate = UplinkGate(min(args.gate_buffer_ms, GATE_BUFFER_MAX_MS)) if args.gated else None
        self._time = time
        self._emit = emit
        self._poller = poller
        self._engine = engine
        self.on_sound: Callable[[], None] | None = None
        self.watch_at_ms = 0.0  # before that there is nothing for `watch` to see
        self._voice = voice_of(args.codec, args.payload_type, engine.player)
        self._intake = engine.intake()
        self._mouth = OpusMouth()
        self._digits = DtmfDetector(args.dtmf_clock_hz // 1000)
        self._reception = rtcp.Reception()
        self._peer_lost = 0.0  # share of our packets the peer did not get, by its last report
        self._peer_ssrc: int | None = None
        self._only_signalled_until_ms = 0.0
        self._intake.last_packet_ms = time.mono_ms
        self._told_silent_ms = 0.0
        self._searched_index = -1
        self._told_failed = 0
        self._srtp = self._srtp_of(args.srtp)
        self._secured = self._mux = False
        self._kinds: dict[int, int] = {}
        self._know_session()
        self._sock = bind_udp(args.bind_host, args.port)
        self.port: int = args.port or self._sock.getsockname()[1]
        self.sender = RtpSender(args, time, new_stream(engine.stream, args, time, self._sock), emit)
        self.sender.protect_with(self._srtp, mute=self._is_keyless)
        poller.add(self._sock, self.on_datagram, self._intake)

    def close(self) -> None:
        """Release the port."""
        self.sender.drop_digits()
        self.sender.stream.close()
        self._poller.remove(self._sock)
        self._sock.close()

    def _know_session(self) -> None:
        """What is looked up for each packet, out of the arguments."""
        args = self.args
        self.watch_at_ms = 0.0
        self._silent_after_ms = max(SILENT_AFTER_MIN_MS, args.silent_after_ms)
        self._secured, self._mux = args.srtp is not None, args.rtcp_mux
        self._kinds = {rtp.PT_COMFORT_NOISE: _NOISE, **dict.fromkeys(self._voice.types, _AUDIO)}
        if args.dtmf_payload_type is not None:
            self._kinds.setdefault(args.dtmf_payload_type, _DIGIT)

    # --- the session -------------------------------------------------------------------------------------------------

    @property
    def peer(self) -> Address | None:
        """Where the peer's media is."""
        return self.sender.peer

    @property
    def law(self) -> g711.Law | None:
        """The companding of its frames, both ways; None: Opus."""
        return self._voice.law

    @property
    def _is_keyless(self) -> bool:
        return self.args.srtp is not None and not self.args.srtp.suite

    def _srtp_of(self, keys: rpc.SrtpKeys | None) -> Srtp | None:
        if keys is None or not keys.suite:
            return None
        return Srtp(keys, self._rocs_max)

    def _rocs_max(self) -> int:
        """How often the peer's sequence numbers can have turned over: with packets of 10 ms every 11 minutes."""
        return max(0, self._time.wall_ms - self.args.epoch_ms) // 10 >> 16

    def modify(self, args: rpc.ModifyRtp) -> None:
        """The peer's session changed: send there until its address is learned anew (behind NAT: after a second).
        Raises BadKeyError, with the leg as it was."""
        before, sender = self.args, self.sender
        after = rpc.applied(before, args)
        srtp = self._srtp if after.srtp == before.srtp else self._srtp_of(after.srtp)
        self.args = dataclasses.replace(
            after,
            peer_host=args.peer_host or before.peer_host,
            peer_port=args.peer_port or before.peer_port,
        )
        signalled = (args.peer_host, args.peer_port)
        if args.peer_host and args.peer_port and signalled != (before.peer_host, before.peer_port):
            sender.peer, self.learned = signalled, False
            self._only_signalled_until_ms = self._time.mono_ms + TRUST_SIGNALLED_MS
        sender.allow(args.send)
        sender.use_codec(args.codec, args.payload_type)
        sender.dtmf_payload_type = after.dtmf_payload_type
        sender.dtmf_units_per_ms = after.dtmf_clock_hz // 1000
        if (args.codec, args.payload_type) != (before.codec, before.payload_type):
            self._voice = voice_of(args.codec, args.payload_type, self._engine.player)
        if after.dtmf_clock_hz != before.dtmf_clock_hz:
            self._digits = DtmfDetector(after.dtmf_clock_hz // 1000)
        self._srtp = srtp
        self._know_session()
        sender.protect_with(srtp, mute=self._is_keyless)
        self._know_peer()

    def _know_peer(self) -> None:
        """Let the engine take the peer's common packets without asking us, or not."""
        plain = self.learned and not self._secured and not self._mux and not self._told_silent_ms
        if plain and self._peer_ssrc is not None and isinstance(self._voice, G711Voice):
            self._intake.know(self.sender.peer, self._peer_ssrc, self._voice.laws, self._voice.player)
        else:
            self._intake.forget()

    # --- towards us --------------------------------------------------------------------------------------------------

    def on_datagram(self, data: bytes, address: Address) -> None:
        """A packet of the network, from anybody; all but what the engine takes as common."""
        if self.learned and address[:2] != self.sender.peer:
            self.counts.foreign += 1
            return
        if rtp.is_rtcp(data):
            self._take_report(data)
            return
        if self._secured:
            plain = self._decrypted(data)
            if plain is None:
                return
            data = plain
        packet = rtp.parse(data) if len(data) <= PACKET_BYTES_MAX else None
        if packet is None or not packet.payload:
            self.counts.malformed += 1
            return
        kind = self._kinds.get(packet.payload_type)
        if kind is None:
            self.counts.malformed += 1
            return
        renewed = not self.learned
        if renewed and not self._learn(address):
            return
        self._intake.received += 1
        if self._told_silent_ms:
            self._heard_again()
            renewed = True
        self._intake.last_packet_ms = self._time.mono_ms
        if self._mux:
            self._reception.packet(packet.ssrc, packet.sequence)
        if kind is _AUDIO:
            if packet.ssrc != self._peer_ssrc:
                if self._peer_ssrc is not None:
                    self._voice.restart()
                self._peer_ssrc = packet.ssrc
                renewed = True
            self._voice.put(packet)
            if self.on_sound is not None:
                self.on_sound()
                self.on_sound = None
        elif kind is _DIGIT:
            self.watch_at_ms = 0.0
            self._tell_digits(self._digits.feed(packet.timestamp, packet.payload, int(self._time.mono_ms)))
        else:
            self.counts.comfort_noise += 1
        if renewed:
            self._know_peer()

    def _decrypted(self, data: bytes) -> bytes | None:
        if self._srtp is None:
            self.counts.keyless += 1
            return None
        if len(data) > SRTP_BYTES_MAX:
            self.counts.malformed += 1
            return None
        index = self._time.index
        # A new worker's legs all begin to search at once: each has its tick of four
        may_search = self._searched_index != index and (index + self.port // 2) % SEARCH_EVERY_TICKS == 0
        failed = self._srtp.failed
        plain = self._srtp.unprotect(data, may_search)
        if self._srtp.failed != failed:
            self._searched_index = index
        return plain

    def _take_report(self, data: bytes) -> None:
        """RTCP: no packet of it teaches us an address, and without rtcp-mux none belongs here."""
        plain: bytes | None = data if self.args.rtcp_mux and len(data) <= SRTP_BYTES_MAX else None
        if plain is None:
            self.counts.malformed += 1
            return
        if self.args.srtp is not None:
            plain = self._srtp.unprotect_rtcp(plain) if self._srtp is not None else None
        if plain is None:
            return
        self.counts.reports += 1
        feedback = rtcp.parse(plain)
        if feedback.lost is not None:
            self._peer_lost = feedback.lost
        if feedback.sender_report_ntp:
            self._reception.sender_report(feedback.sender_report_ntp, self._time.mono_ms)

    def _learn(self, address: Address) -> bool:
        if self._time.mono_ms < self._only_signalled_until_ms and address[:2] != self.sender.peer:
            self.counts.foreign += 1
            return False
        peer = (address[0], address[1])
        if peer != self.sender.peer:
            self._emit(rpc.LegLearned(self.leg, *peer))
        self.sender.peer, self.learned = peer, True
        return True

    def _heard_again(self) -> None:
        self._emit(rpc.LegActive(self.leg, int(self._time.mono_ms - self._intake.last_packet_ms)))
        self._told_silent_ms = 0.0

    def _tell_digits(self, ended: list[tuple[str, int]]) -> None:
        for digit, duration_ms in ended:
            self._emit(rpc.LegDtmf(self.leg, digit, duration_ms))

    def watch(self) -> None:
        """Now and then: a digit without an end, a peer without packets, a report that is due."""
        now_ms = self._time.mono_ms
        if self._digits.under_way:
            self._tell_digits(self._digits.poll(int(now_ms)))
        silent_ms = now_ms - self._intake.last_packet_ms
        if silent_ms - self._told_silent_ms >= self._silent_after_ms:
            self._told_silent_ms = silent_ms
            self._know_peer()
            self._emit(rpc.LegSilent(self.leg, int(silent_ms)))
        if self._mux:
            self.sender.report(self._reception, self._sock)
        if self._srtp is not None and self._srtp.failed > self._told_failed:
            self._told_failed = 10 * self._srtp.failed  # a log that cannot flood
            logger().warning("srtp.failed", leg=self.leg, failed=self._srtp.failed, received=self._intake.received)
        plain = not self._mux and not self._secured and not self._digits.under_way
        silent_at_ms = self._intake.last_packet_ms + self._told_silent_ms + self._silent_after_ms
        self.watch_at_ms = silent_at_ms if plain else 0.0

    @property
    def player(self) -> CompandedPlayer | OpusPlayer:
        """What plays the peer's voice."""
        return self._voice.player

    @property
    def asleep(self) -> bool:
        """The peer sends nothing: most seats, most of the time."""
        return self._voice.player.asleep

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        """This tick's frame of the peer's voice."""
        return self._voice.player.pull(wanted)

    # --- towards the peer --------------------------------------------------------------------------------------------

    @property
    def stream(self) -> Stream | None:
        """What its audio goes out on; behind a gate each frame is looked at."""
        return self.sender.stream if self.gate is None else None

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
        return self.sender.audio(payload or g711.SILENCE[self.law or "PCMA"]) and payload is not None

    def encode(self, frame: Pcm, fresh: bool) -> bytes:
        """A frame in Opus."""
        return self._mouth.encode(frame, fresh)

    def send_packet(self, packet: bytes) -> bool:
        """This tick's Opus packet."""
        return self.sender.audio(packet)

    def send_nothing(self, joined: bool) -> None:
        """Nobody is heard: silence while the leg is in a call, so that no peer thinks us dead."""
        if joined:
            self.sender.audio(self._mouth.encode(SILENCE_PCM, False))

    # --- what others may know ----------------------------------------------------------------------------------------

    def census(self) -> rpc.LegCensus:
        """This leg for the census."""
        host, port = self.sender.peer or ("", 0)
        state = "learned" if self.learned else "waiting"
        suite = self.args.srtp.suite if self.args.srtp is not None else ""
        mark = rpc.session_mark(self.args)
        return rpc.LegCensus(
            self.leg,
            "rtp",
            state,
            self.port,
            host,
            port,
            self.args.codec,
            suite,
            self.sender.allowed,
            mark,
            self.args.ssrc,
        )

    def stats(self) -> dict[str, int | float | str]:
        """Counters for leg.stats."""
        player, stream = self._voice.player, self.sender.stream
        played = player.stats
        return {
            "kind": "rtp",
            "codec": self.args.codec,
            "srtp": self.args.srtp.suite if self.args.srtp is not None else "",
            "received": self._intake.received,
            "sent": stream.packets,
            "foreign": self.counts.foreign,
            "malformed": self.counts.malformed,
            "keyless": self.counts.keyless,
            "auth_failed": self._srtp.failed if self._srtp is not None else 0,
            "replayed": self._srtp.replayed if self._srtp is not None else 0,
            "send_errors": stream.errors,
            "comfort_noise": self.counts.comfort_noise,
            "reports_received": self.counts.reports,
            "reports_sent": self.sender.reports,
            "peer_lost": round(self._peer_lost, 3),
            "late": played.late,
            "lost_frames": played.lost_frames,
            "held_frames": played.held_frames,
            "dropped_frames": played.dropped_frames,
            "buffer_ms": math.ceil(player.buffered_samples / 8),
            "last_packet_age_ms": int(self._time.mono_ms - self._intake.last_packet_ms),
        }
