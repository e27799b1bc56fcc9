"""Commands to deeds: each handler checks its arguments, changes the worker and says what came of it."""

import asyncio
import errno
import functools
import ipaddress
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kak_server.media import rpc
from kak_server.media.engine.dtmf_sender import DIGITS
from kak_server.media.engine.frames import Pcm
from kak_server.media.engine.plays import Next, Play
from kak_server.media.engine.tones import tone
from kak_server.media.rtp_args import DTMF_DIGITS_MAX, DTMF_MAX_MS, DTMF_MIN_MS
from kak_server.media.worker.ice_ports import NoIcePortError
from kak_server.media.worker.log import logger
from kak_server.media.worker.recording import BadPathError
from kak_server.media.worker.rtp_leg import RtpLeg
from kak_server.media.worker.sdp import BadSdpError
from kak_server.media.worker.srtp import BadKeyError
from kak_server.media.worker.webrtc_leg import WebrtcLeg, open_webrtc_leg
from kak_server.media.worker.worker import LEGS_MAX, Worker
from kak_server.model.codec import Json, to_json
from kak_server.model.ids import LegId

MIXES_MAX = 8_000
EDGES_MAX = 2_000
PLAYS_MAX = 12_000
RECORDINGS_MAX = 8_000
NAME_CHARS_MAX = 200
GAIN_MAX = 16.0

Result = Mapping[str, Json]
_DONE = rpc.Reply(True)


class CommandError(Exception):
    """A command that was refused: one of the contract's codes and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Commands:
    """The contract's operations on one worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._sync: Mapping[type[Any], Callable[[Any], Result]] = {
            rpc.CreateRtp: self.create_rtp,
            rpc.ModifyRtp: self.modify_rtp,
            rpc.SendDtmf: self.send_dtmf,
            rpc.CloseLeg: self.close_leg,
            rpc.SetMix: self.set_mix,
            rpc.StartPlay: self.start_play,
            rpc.StopPlay: self.stop_play,
            rpc.StartRecord: self.start_record,
            rpc.StopRecord: self.stop_record,
            rpc.OpenUplink: self.open_uplink,
            rpc.CloseUplink: self.close_uplink,
            rpc.WatchTalk: self.watch_talk,
            rpc.GetStats: self.stats,
            rpc.GetCensus: self.census,
        }

    def run(self, command: rpc.Command) -> rpc.Reply | Awaitable[rpc.Reply]:
        """Carry out a command: the reply, or for the one that takes a while, the promise of it.

        The clock must have been touched in this turn of the loop.
        """
        if isinstance(command, rpc.CreateWebrtc):
            return self._later(command)
        try:
            result = self._sync[type(command)](command)
            return rpc.Reply(True, result) if result else _DONE
        except (CommandError, BadPathError, BadKeyError, OSError) as problem:
            return _refusal(problem)
        except Exception as bug:  # noqa: BLE001  logged and answered as our fault
            return _bug(bug, command)

    async def _later(self, command: rpc.CreateWebrtc) -> rpc.Reply:
        try:
            return rpc.Reply(True, await self.create_webrtc(command))
        except (CommandError, BadSdpError, NoIcePortError, OSError) as problem:
            return _refusal(problem)
        except Exception as bug:  # noqa: BLE001  logged and answered as our fault
            return _bug(bug, command)

    # --- legs --------------------------------------------------------------------------------------------------------

    def create_rtp(self, args: rpc.CreateRtp) -> Result:
        """The same arguments again leave the leg as it is; others replace it."""
        _check_name(args.leg)
        _check_address(args.peer_host, args.peer_port)
        _check_address(args.bind_host, args.port)
        _check_numbers(args.payload_type, args.dtmf_payload_type, args.dtmf_clock_hz)
        if args.gated and args.codec == "opus":
            raise CommandError("malformed", "a gated leg speaks G.711")
        if not 0 <= args.epoch_ms < 1 << 53 or not 0 <= args.ssrc < 1 << 32 or args.seq0 < 0 or args.ts0 < 0:
            raise CommandError("malformed", "ssrc, seq0, ts0 or epoch_ms out of range")
        there = self._worker.legs.get(args.leg)
        if isinstance(there, RtpLeg) and there.created == args:
            return {"port": there.port}
        if there is None and len(self._worker.legs) >= LEGS_MAX:
            raise CommandError("limit", f"{LEGS_MAX} legs are up")
        if isinstance(there, RtpLeg) and there.port == args.port:
            self._worker.drop_leg(args.leg)  # its port is the one the new leg needs
        leg = RtpLeg(args, self._worker.clock.time, self._worker.engine, self._worker.poller, self._worker.emit)
        self._worker.drop_leg(args.leg)
        self._worker.add_leg(leg)
        return {"port": leg.port}

    async def create_webrtc(self, args: rpc.CreateWebrtc) -> Result:
        """The offer of the leg that is up again gives its answer again; another one replaces its PeerConnection."""
        _check_name(args.leg)
        there = self._worker.legs.get(args.leg)
        if isinstance(there, WebrtcLeg) and there.answers(args):
            return {"answer_sdp": there.answer_sdp}
        if there is None and len(self._worker.legs) >= LEGS_MAX:
            raise CommandError("limit", f"{LEGS_MAX} legs are up")
        worker = self._worker
        leg = await open_webrtc_leg(args, worker.clock.time, worker.ice_ports, worker.video, worker.emit)
        if isinstance(there := worker.legs.get(args.leg), WebrtcLeg) and there.media == "up":
            worker.emit(rpc.LegMedia(args.leg, "down", "replaced"))  # its word does not hold for the new one
        self._worker.drop_leg(args.leg)
        self._worker.add_leg(leg)
        return {"answer_sdp": leg.answer_sdp}

    def modify_rtp(self, args: rpc.ModifyRtp) -> Result:
        """Change peer, codec and direction."""
        leg = self._rtp(args.leg)
        _check_address(args.peer_host, args.peer_port)
        dtmf = None if args.dtmf_payload_type == "same" else args.dtmf_payload_type
        _check_numbers(args.payload_type, dtmf, args.dtmf_clock_hz)
        if leg.gated and args.codec == "opus":
            raise CommandError("malformed", "a gated leg speaks G.711")
        player = leg.player
        leg.modify(args)
        if leg.player is not player:  # another codec
            self._worker.place(leg)
        return {}

    def send_dtmf(self, args: rpc.SendDtmf) -> Result:
        """An order of digits; the same again changes nothing."""
        leg = self._rtp(args.leg)
        _check_name(args.send)
        digits = args.digits.upper()
        if not digits or any(digit not in DIGITS for digit in digits):
            raise CommandError("malformed", f"digits are {DIGITS}")
        if not DTMF_MIN_MS <= args.duration_ms <= DTMF_MAX_MS or not DTMF_MIN_MS <= args.gap_ms <= DTMF_MAX_MS:
            raise CommandError("malformed", f"digits and gaps last {DTMF_MIN_MS}-{DTMF_MAX_MS} ms")
        if leg.args.dtmf_payload_type is None:
            raise CommandError("no_dtmf", f"the peer of leg {args.leg!r} takes no telephone-events")
        if leg.sender.digits.waiting + len(digits) > DTMF_DIGITS_MAX:
            raise CommandError("limit", f"at most {DTMF_DIGITS_MAX} digits wait")
        leg.sender.order_digits(args)
        self._worker.dialling[args.leg] = leg
        return {}

    def close_leg(self, args: rpc.CloseLeg) -> Result:
        """Idempotent. Plays into the leg end with it; edges and recordings wait for its return."""
        self._worker.drop_leg(args.leg)
        plays = self._worker.conference.plays
        for name, play in list(plays.items()):
            if play.sink.split("/", 1)[0] == args.leg:
                del plays[name]
                self._worker.emit(rpc.PlayEnded(name))
        return {}

    def _rtp(self, name: str) -> RtpLeg:
        leg = self._worker.legs.get(LegId(name))
        if not isinstance(leg, RtpLeg):
            raise CommandError("unknown_leg", f"no RTP leg {name!r}")
        return leg

    # --- audio -------------------------------------------------------------------------------------------------------

    def set_mix(self, args: rpc.SetMix) -> Result:
        """Replace one mix."""
        _check_name(args.mix)
        mixes = self._worker.conference.mixes
        if len(args.edges) > EDGES_MAX or (args.mix not in mixes and len(mixes) >= MIXES_MAX):
            raise CommandError("limit", "too many edges or mixes")
        for edge in args.edges:
            _check_name(edge.source, edge.sink)
            _check_gain(edge.gain)
        if mixes.get(args.mix, ()) != args.edges:
            self._worker.conference.set_mix(args.mix, args.edges)
        return {}

    def start_play(self, args: rpc.StartPlay) -> Result:
        """A play id that is playing goes on as it is."""
        _check_name(args.play, args.sink)
        _check_gain(args.gain)
        plays = self._worker.conference.plays
        if args.play in plays:
            return {}
        if len(plays) >= PLAYS_MAX:
            raise CommandError("limit", f"{PLAYS_MAX} plays are running")
        plays[args.play] = Play(
            args.sink,
            f"{args.source}+{args.then}" if args.then else args.source,
            self._sound(args.source),
            loop=args.loop,
            gain=args.gain,
            repeat_gap_ms=min(args.repeat_gap_ms, 600_000),
            then=self._following(args.then) if args.then else None,
        )
        return {}

    def _following(self, source: str) -> Next:
        """The second sound of a play: made or read beside the loop meanwhile."""
        kind, _, name = source.partition(":")
        if kind != "prompt":
            raise CommandError("bad_path", f"a prompt may follow, not {source[:NAME_CHARS_MAX]!r}")
        prompts = self._worker.prompts
        if prompts.ready(name) is None:
            asyncio.get_running_loop().run_in_executor(None, prompts.prepare, name)
        return lambda: prompts.ready(name)

    def _sound(self, source: str) -> Pcm:
        kind, _, name = source.partition(":")
        sound = tone(name) if kind == "tone" else self._worker.prompts.sound(name) if kind == "prompt" else None
        if sound is None:
            raise CommandError("bad_path", f"no such tone or prompt: {source[:NAME_CHARS_MAX]!r}")
        return sound

    def stop_play(self, args: rpc.StopPlay) -> Result:
        """Idempotent; no play.ended follows."""
        self._worker.conference.plays.pop(args.play, None)
        return {}

    def start_record(self, args: rpc.StartRecord) -> Result:
        """A recording that runs goes on as it is, and what was told of it is told again."""
        _check_name(args.recording, args.source)
        recorder, conference = self._worker.recorder, self._worker.conference
        if args.recording in recorder.tracks:
            recorder.tell_again(args)
            return {}
        if len(recorder.tracks) >= RECORDINGS_MAX:
            raise CommandError("limit", f"{RECORDINGS_MAX} recordings are running")
        track = recorder.start(args, conference.law_of(args.source), self._worker.clock.time.wall_ms)
        conference.tap(args.source, args.recording, track.tape)
        return {}

    def stop_record(self, args: rpc.StopRecord) -> Result:
        """Idempotent; record.closed follows when the file is on the disk."""
        recorder = self._worker.recorder
        track = recorder.tracks.get(args.recording)
        if track is not None:
            self._worker.conference.untap(track.args.source, args.recording)
            recorder.stop(args.recording, self._worker.clock.time.wall_ms)
        return {}

    # --- uplink, talk, questions -------------------------------------------------------------------------------------

    def open_uplink(self, args: rpc.OpenUplink) -> Result:
        """Open a gate or renew its lease."""
        leg = self._rtp(args.leg)
        if leg.gate is None:
            raise CommandError("malformed", f"leg {args.leg!r} has no gate")
        leg.gate.open(args.lease_ms, self._worker.clock.time.mono_ms)
        return {}

    def close_uplink(self, args: rpc.CloseUplink) -> Result:
        """Idempotent; takes effect before the next packet, for packets leave in ticks only."""
        leg = self._worker.legs.get(args.leg)
        if isinstance(leg, RtpLeg) and leg.gate is not None and leg.gate.close():
            self._worker.emit(rpc.UplinkClosed(args.leg, "command"))
        return {}

    def watch_talk(self, args: rpc.WatchTalk) -> Result:
        """Idempotent. A leg that is not there yet may be watched already."""
        _check_name(args.leg)
        if args.on and len(self._worker.conference.watched) >= LEGS_MAX:
            raise CommandError("limit", f"{LEGS_MAX} legs are watched")
        self._worker.conference.watch(args.leg, args.on, once=args.once)
        return {}

    def stats(self, args: rpc.GetStats) -> Result:
        """Counters of one leg or all, and of the worker."""
        clock = self._worker.clock
        legs = {name: leg.stats() for name, leg in self._worker.legs.items() if args.leg in ("", name)}
        worker = {
            "ticks": clock.ticks,
            "skipped_ticks": clock.skipped,
            "failed_ticks": self._worker.failed_ticks,
            "busy_ms": int(clock.busy_s * 1000),
            "late_max_ms": int(clock.late_max_ms),
            "opus_encodes": self._worker.conference.encoded_packets,
            "engine": self._worker.engine.name,
        }
        return {"legs": legs, "worker": worker}

    def census(self, args: rpc.GetCensus) -> Result:
        """The Census as JSON."""
        census: dict[str, Json] = to_json(self._worker.census())
        return census


def _refusal(problem: Exception) -> rpc.Reply:
    if isinstance(problem, CommandError):
        return rpc.Reply(False, code=problem.code, message=str(problem))
    if isinstance(problem, BadKeyError):
        return rpc.Reply(False, code="malformed", message=str(problem))
    if isinstance(problem, BadPathError):
        return rpc.Reply(False, code="bad_path", message=str(problem))
    if isinstance(problem, BadSdpError):
        return rpc.Reply(False, code="bad_sdp", message=str(problem))
    if isinstance(problem, NoIcePortError) or getattr(problem, "errno", None) == errno.EADDRINUSE:
        return rpc.Reply(False, code="port_in_use", message=str(problem))
    return rpc.Reply(False, code="internal", message=str(problem))


def _bug(bug: Exception, command: rpc.Command) -> rpc.Reply:
    """Our fault, not the caller's: said, logged, and nothing else lost."""
    logger().exception("command.failed", op=rpc.OP_OF[type(command)])
    return rpc.Reply(False, code="internal", message=f"{type(bug).__name__}: {bug}")


def _check_name(*names: str) -> None:
    for name in names:
        if not name or len(name) > NAME_CHARS_MAX:
            raise CommandError("malformed", f"names have 1-{NAME_CHARS_MAX} characters")


def _check_numbers(payload_type: int, dtmf_payload_type: int | None, dtmf_clock_hz: int) -> None:
    if not 0 <= payload_type < 128 or not 0 <= (dtmf_payload_type or 0) < 128:
        raise CommandError("malformed", "payload types are 0-127")
    if dtmf_clock_hz not in (8_000, 48_000):
        raise CommandError("malformed", "digits have a clock of 8000 or 48000 Hz")


def _check_gain(gain: float) -> None:
    if not math.isfinite(gain) or abs(gain) > GAIN_MAX:
        raise CommandError("malformed", f"gain must be within +-{GAIN_MAX}")


def _check_address(host: str, port: int) -> None:
    if not 0 <= port < 65_536:
        raise CommandError("malformed", f"no port: {port}")
    if host and not _is_address(host):  # a name would mean a blocking look-up in the tick
        raise CommandError("malformed", f"not an IP address: {host[:NAME_CHARS_MAX]!r}")


@functools.lru_cache(maxsize=256)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
