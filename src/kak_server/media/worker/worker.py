"""The worker itself: what it holds, and its tick. Commands come from `commands`, control from `server`."""

import secrets
from collections.abc import Callable
from pathlib import Path

from kak_server.media import rpc
from kak_server.media.engine.conference import Conference
from kak_server.media.worker.clock import TickClock
from kak_server.media.worker.engines import Choice, engine_of
from kak_server.media.worker.events import EventRing
from kak_server.media.worker.ice_ports import IcePorts
from kak_server.media.worker.log import logger
from kak_server.media.worker.prompts import Prompts
from kak_server.media.worker.recording import Recorder
from kak_server.media.worker.rtp_leg import RtpLeg
from kak_server.media.worker.video import VideoHub
from kak_server.media.worker.webrtc_leg import WebrtcLeg
from kak_server.model.ids import LegId
from kak_server.model.light import frozen

WATCH_TICKS = 10
LEGS_MAX = 4_000
STOP_TIMEOUT_S = 10.0
WRITER_STOP_S = 0.1

AnyLeg = RtpLeg | WebrtcLeg


@frozen
class WorkerSettings:
    """What the command line says."""

    socket: Path
    recordings: Path
    prompts: Path
    ice_ports: tuple[int, int]
    addresses: tuple[str, ...]
    orphan_exit_s: float = rpc.ORPHAN_EXIT_S
    engine: Choice = "auto"


class Worker:
    """One media worker. To be made on the running loop."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.boot = f"b-{secrets.token_hex(8)}"
        self.events = EventRing()
        self.engine = engine_of(settings.engine)
        self.conference = Conference(self.engine.board())
        self.poller = self.engine.poller()
        self.prompts = Prompts(settings.prompts)
        self.recorder = Recorder(settings.recordings, self.emit, self.engine.tape)
        self.ice_ports = IcePorts(*settings.ice_ports, settings.addresses)
        self.video = VideoHub()
        self.legs: dict[LegId, AnyLeg] = {}
        self.dialling: dict[LegId, RtpLeg] = {}  # legs with digits to send
        self.clock = TickClock(self._tick, self._skip)
        self.failed_ticks = 0
        self.on_tick: Callable[[], None] | None = None

    def emit(self, event: rpc.Event) -> None:
        """Number and keep an event for control."""
        self.events.append(event, self.clock.time.wall_ms)

    def start(self) -> None:
        """Begin ticking."""
        self.clock.start()

    async def finish_recordings(self) -> None:
        """Stop ticking and complete the recordings while control can still hear of them; bounded."""
        self.clock.stop()
        self.clock.touch()
        await self.recorder.finish(self.clock.time.wall_ms, STOP_TIMEOUT_S)

    def stop(self) -> None:
        """Release every thread and socket."""
        self.clock.stop()
        self.recorder.close(WRITER_STOP_S)
        for leg in list(self.legs):
            self.drop_leg(leg)
        self.poller.close()

    def add_leg(self, leg: AnyLeg) -> None:
        """Enter a leg into the engine; the one it replaces must have been taken out."""
        self.legs[leg.leg] = leg
        if isinstance(leg, RtpLeg):
            self.place(leg)
            return
        if leg.microphone is not None:
            self.conference.add_source(leg.leg, leg.microphone)
        for name, sink in leg.sinks.items():
            self.conference.add_opus_sink(name, sink, (leg.leg,) if name.endswith("/headset") else ())

    def place(self, leg: RtpLeg) -> None:
        """Enter an RTP leg's ends as its codec wants them, the first time or again after a change of codec."""
        self.conference.add_source(leg.leg, leg)
        aliases = (f"{leg.leg}/headset", f"{leg.leg}/speaker")
        if leg.law is None:
            self.conference.add_opus_sink(leg.leg, leg, aliases)
        else:
            self.conference.add_companded_sink(leg.leg, leg, aliases)

    def drop_leg(self, name: LegId) -> None:
        """Take a leg out and close it. Idempotent; edges and recordings that name it stay."""
        leg = self.legs.pop(name, None)
        if leg is None:
            return
        self.dialling.pop(name, None)
        self.conference.remove_source(name)
        for sink in (name,) if isinstance(leg, RtpLeg) else leg.sinks:
            self.conference.remove_sink(sink)
        if isinstance(leg, RtpLeg) and leg.gate is not None and leg.gate.close():
            self.emit(rpc.UplinkClosed(name, "leg-closed"))
        leg.close()

    def census(self) -> rpc.Census:
        """All this worker holds."""
        return rpc.Census(
            legs=tuple(leg.census() for leg in self.legs.values()),
            mixes=dict(self.conference.mixes),
            plays=tuple(self.conference.plays),
            recordings=tuple(self.recorder.tracks),
            uplinks=tuple(name for name, leg in self.legs.items() if isinstance(leg, RtpLeg) and _is_open(leg)),
            watched=tuple(self.conference.watched),
            awaited=tuple(leg for leg, detector in self.conference.watched.items() if detector.once),
            failed=tuple(name for name, track in self.recorder.tracks.items() if track.failure is not None),
        )

    def _tick(self) -> None:
        try:
            self.poller.drain(self.clock.time.mono_ms)
            if self.clock.time.index % WATCH_TICKS == 0:
                now_ms = self.clock.time.mono_ms
                for leg in self.legs.values():
                    if leg.watch_at_ms <= now_ms:
                        leg.watch()
            if self.dialling:
                for leg_id, dialling in list(self.dialling.items()):
                    if not dialling.sender.tick_digits():
                        del self.dialling[leg_id]
            for event in self.conference.tick(self.clock.time.index):
                self.emit(event)
            self.recorder.end_tick(self.clock.time.index)
            if self.on_tick is not None:
                self.on_tick()
        except Exception:  # noqa: BLE001  20 ms of silence for all; ending the worker would be worse
            self.failed_ticks += 1
            if self.failed_ticks & (self.failed_ticks - 1) == 0:  # 1st, 2nd, 4th, 8th ...: a log that cannot flood
                logger().exception("tick.failed", count=self.failed_ticks)

    def _skip(self, ticks: int) -> None:
        logger().warning("tick.skipped", ticks=ticks)
        self.recorder.skip(ticks)


def _is_open(leg: RtpLeg) -> bool:
    return leg.gate is not None and leg.gate.is_open
