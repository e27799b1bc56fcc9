"""A WebRTC leg: one PeerConnection for SDP, ICE and DTLS, and the role's media below it.

Life: "new" until the first packet, then "up", "down" after a second without packets, "closed" when DTLS or ICE has
ended. Closing happens in the background, so that a leg that is replaced holds nobody up.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiortc import RTCPeerConnection

from kak_server.media import rpc
from kak_server.media.engine import rtcp
from kak_server.media.worker import aiortc_hooks as hooks
from kak_server.media.worker import sdp
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.ice_ports import IcePorts, NoIcePortError
from kak_server.media.worker.log import logger
from kak_server.media.worker.operator_audio import Microphone, OperatorSink
from kak_server.media.worker.video import CitizenVideo, VideoHub, ViewerVideo

DOWN_AFTER_MS = 1_000.0
CONNECT_TIMEOUT_MS = 20_000.0
REPORT_INTERVAL_MS = 1_000.0
CLOSE_TIMEOUT_S = 5.0

Stats = dict[str, int | float | str]
_closing: set[asyncio.Task[None]] = set()  # keeps background closings alive; the loop holds only weak references


class Role(Protocol):
    """What a leg does with decrypted packets."""

    def on_rtp(self, data: bytes) -> bool:
        """Whether the packet was one of the role's."""

    def on_rtcp(self, feedback: rtcp.Feedback) -> None:
        """Feedback of the browser."""

    def watch(self) -> None:
        """Ten times a second, while connected."""

    def report(self) -> None:
        """Once a second, while connected."""

    def stats(self) -> Stats:
        """Counters."""

    def close(self) -> None:
        """Let go of others."""


class WebrtcLeg:
    """One leg; `open_webrtc_leg` makes it."""

    watch_at_ms = 0.0  # `watch` has always something to look at

    def __init__(
        self, args: rpc.CreateWebrtc, pc: RTCPeerConnection, time: TickTime, emit: Callable[[rpc.Event], None]
    ) -> None:
        self.args = args
        self.leg = args.leg
        self.answer_sdp = ""
        self.microphone: Microphone | None = None
        self.sinks: dict[str, OperatorSink] = {}
        self.media = "new"
        self.path = hooks.SrtpPath(hooks.dtls_transport(pc), self._on_rtp, self._on_rtcp)
        self._role: Role | None = None
        self._pc = pc
        self._time = time
        self._emit = emit
        self._made_ms = time.mono_ms
        self._packet_ms = time.mono_ms
        self._report_ms = time.mono_ms
        self._dropped = False  # taken out by command: nobody is to be told any more
        hooks.dtls_transport(pc).on("statechange", self._on_state)
        hooks.dtls_transport(pc).transport.on("statechange", self._on_state)

    def play_role(self, role: Role) -> None:
        """Give the leg its role, before any packet can come."""
        self._role = role

    def answers(self, args: rpc.CreateWebrtc) -> bool:
        """Whether this leg is the living answer to that very command."""
        return self.args == args and self.media != "closed"

    def close(self) -> None:
        """Close in the background; no event follows."""
        self._dropped = True
        if self._role is not None:
            self._role.close()
        close_in_background(self._pc)

    # --- packets -----------------------------------------------------------------------------------------------------

    def _on_rtp(self, data: bytes) -> None:
        if self._role is not None and not self._dropped and self._role.on_rtp(data):
            self._alive()

    def _on_rtcp(self, data: bytes) -> None:
        if self._role is not None and not self._dropped:
            self._role.on_rtcp(rtcp.parse(data))
            if self.args.role == "viewer":
                self._alive()

    def _alive(self) -> None:
        self._packet_ms = self._time.mono_ms
        if self.media in ("new", "down"):
            self._become("up")

    def _become(self, media: str, cause: str = "") -> None:
        self.media = media
        if not self._dropped:
            self._emit(rpc.LegMedia(self.leg, media, cause))  # type: ignore[arg-type]  # one of the Literal's

    def _on_state(self) -> None:
        ice = hooks.dtls_transport(self._pc).transport.state
        dtls = self.path.state
        if dtls in ("closed", "failed") or ice in ("closed", "failed"):
            self._end(f"dtls {dtls}, ice {ice}")

    def _end(self, cause: str) -> None:
        if self.media != "closed" and not self._dropped:
            self._become("closed", cause)
            close_in_background(self._pc)

    def watch(self) -> None:
        """Ten times a second: packets that stopped, a connection that never came, reports."""
        now_ms = self._time.mono_ms
        if self.media == "closed" or self._role is None:
            return
        connected = self.path.state == "connected"
        if self.media == "new":
            if connected and self.args.role == "viewer":
                self._alive()  # a viewer sends nothing but reports, and those only when it sees something
            elif now_ms - self._made_ms > CONNECT_TIMEOUT_MS and not connected:
                self._end("never connected")
                return
        elif self.media == "up" and self.args.role != "viewer" and now_ms - self._packet_ms > DOWN_AFTER_MS:
            self._become("down", f"no packet for {int(now_ms - self._packet_ms)} ms")
        if connected:
            self._role.watch()
            if now_ms - self._report_ms >= REPORT_INTERVAL_MS:
                self._report_ms = now_ms
                self._role.report()

    # --- what others may know ----------------------------------------------------------------------------------------

    def census(self) -> rpc.LegCensus:
        """This leg for the census."""
        return rpc.LegCensus(self.leg, self.args.role, self.media)

    def stats(self) -> Stats:
        """Counters for leg.stats."""
        stats: Stats = {
            "kind": self.args.role,
            "media": self.media,
            "undecryptable": self.path.undecryptable,
            "last_packet_age_ms": int(self._time.mono_ms - self._packet_ms),
        }
        return stats | (self._role.stats() if self._role is not None else {})


class OperatorRole:
    """Microphone up, headset and speaker down."""

    def __init__(self, leg: WebrtcLeg, pc: RTCPeerConnection, time: TickTime) -> None:
        transceivers = pc.getTransceivers()
        self._microphone = Microphone(leg.leg, hooks.payload_type_of(transceivers[0]))
        self._sinks = {
            f"{leg.leg}/{name}": OperatorSink(
                leg.leg, hooks.ssrc_of(transceiver), hooks.payload_type_of(transceiver), time, leg.path.send
            )
            for name, transceiver in zip(("headset", "speaker"), transceivers, strict=False)
        }
        self._time = time
        self._send = leg.path.send
        leg.microphone = self._microphone
        leg.sinks = dict(self._sinks)

    def on_rtp(self, data: bytes) -> bool:
        """See Role."""
        return self._microphone.on_rtp(data)

    def on_rtcp(self, feedback: rtcp.Feedback) -> None:
        """See Role."""
        if feedback.sender_report_ntp:
            self._microphone.reception.sender_report(feedback.sender_report_ntp, self._time.mono_ms)

    def watch(self) -> None:
        """Audio asks for nothing again."""

    def report(self) -> None:
        """A sender report for each m-line, a reception report for the microphone."""
        for sink in self._sinks.values():
            if sink.packets:
                report = rtcp.sender_report(sink.ssrc, self._time.wall_ms, sink.timestamp, sink.packets, sink.octets)
                self._send(report + rtcp.sdes(sink.ssrc, "kak"))
        if self._microphone.packets:
            ssrc = next(iter(self._sinks.values())).ssrc
            report = self._microphone.reception.report(ssrc, self._time.mono_ms)
            self._send(report + rtcp.sdes(ssrc, "kak"))

    def stats(self) -> Stats:
        """See Role."""
        sent: Stats = {f"sent_{name.rsplit('/', 1)[1]}": sink.packets for name, sink in self._sinks.items()}
        return self._microphone.stats() | sent

    def close(self) -> None:
        """Nobody else knows of us."""


class CitizenRole:
    """A camera."""

    def __init__(self, video: CitizenVideo, hub: VideoHub, time: TickTime) -> None:
        self._video = video
        self._hub = hub
        self._time = time
        self.on_rtp = video.on_rtp
        self.watch = video.watch
        self.report = video.report
        self.stats = video.stats

    def on_rtcp(self, feedback: rtcp.Feedback) -> None:
        """See Role."""
        if feedback.sender_report_ntp:
            self._video.reception.sender_report(feedback.sender_report_ntp, self._time.mono_ms)

    def close(self) -> None:
        """The viewers wait for another."""
        self._hub.remove_source(self._video)


class ViewerRole:
    """A screen."""

    def __init__(self, video: ViewerVideo, hub: VideoHub) -> None:
        self._video = video
        self._hub = hub
        self.stats = video.stats

    def on_rtp(self, data: bytes) -> bool:
        """A viewer sends no media."""
        return False

    def on_rtcp(self, feedback: rtcp.Feedback) -> None:
        """See Role."""
        if self._video.on_feedback(feedback):
            self._hub.picture_lost(self._video)

    def watch(self) -> None:
        """The source watches for all its viewers."""

    def report(self) -> None:
        """A forwarded stream has no clock of ours to report."""

    def close(self) -> None:
        """Stop watching."""
        self._hub.remove_viewer(self._video)


async def open_webrtc_leg(
    args: rpc.CreateWebrtc, time: TickTime, ports: IcePorts, hub: VideoHub, emit: Callable[[rpc.Event], None]
) -> WebrtcLeg:
    """Answer an offer. Raises BadSdpError or NoIcePortError; nothing is left behind then."""
    kinds = sdp.media_kinds(args.offer_sdp)
    pc = hooks.new_peer_connection([kind for kind, _ in kinds], sdp.plan(args.role, kinds))
    try:
        leg = WebrtcLeg(args, pc, time, emit)
        leg.answer_sdp = await hooks.answer(pc, sdp.clean(args.offer_sdp), leg.path, ports)
    except NoIcePortError:
        close_in_background(pc)
        raise
    except Exception as problem:  # whatever aiortc finds wrong with a peer's text, by whatever exception
        close_in_background(pc)
        raise sdp.BadSdpError(f"{type(problem).__name__}: {problem}") from problem
    leg.play_role(_role(args, leg, pc, time, hub))
    return leg


def _role(args: rpc.CreateWebrtc, leg: WebrtcLeg, pc: RTCPeerConnection, time: TickTime, hub: VideoHub) -> Role:
    if args.role == "operator":
        return OperatorRole(leg, pc, time)
    transceiver = next(each for each in pc.getTransceivers() if each.kind == "video")
    ssrc, payload_type = hooks.ssrc_of(transceiver), hooks.payload_type_of(transceiver)
    if args.role == "citizen":
        camera = CitizenVideo(args.leg, ssrc, payload_type, time, leg.path.send)
        hub.add_source(camera)
        return CitizenRole(camera, hub, time)
    viewer = ViewerVideo(args.leg, ssrc, payload_type, leg.path.send)
    hub.add_viewer(args.source_leg, viewer)
    return ViewerRole(viewer, hub)


def close_in_background(pc: RTCPeerConnection) -> None:
    """Close a PeerConnection (DTLS close_notify, sockets) without waiting for it."""

    async def close() -> None:
        try:
            await asyncio.wait_for(pc.close(), CLOSE_TIMEOUT_S)
        except (TimeoutError, OSError) as problem:
            logger().warning("webrtc.close", problem=f"{type(problem).__name__}: {problem}")

    task = asyncio.get_running_loop().create_task(close())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def all_closed(timeout_s: float) -> None:
    """Wait for the background closings, at most so long."""
    if _closing:
        await asyncio.wait(set(_closing), timeout=timeout_s)
