"""aiortc as a browser: a full PeerConnection with its own codecs, on loopback."""

import asyncio
import fractions

import aioice.ice
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack
from av import AudioFrame, VideoFrame

from kak_server.media import rpc
from kak_server.model.ids import LegId
from tests.support.media_peers import Control, Samples, sine, tone_share

HEARD_RATE_HZ = 48_000


@pytest.fixture
def loopback_ice(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice leaves loopback out of its candidates; a test has nothing else."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


class ToneTrack(AudioStreamTrack):
    """A microphone that hums."""

    def __init__(self, frequency_hz: float) -> None:
        super().__init__()
        self.frequency_hz = frequency_hz

    async def recv(self) -> AudioFrame:
        frame = await super().recv()  # paces 20 ms at 8 kHz
        assert isinstance(frame, AudioFrame)
        assert frame.pts is not None
        samples = sine(self.frequency_hz, frame.samples, frame.pts)
        tone = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        tone.pts, tone.sample_rate, tone.time_base = frame.pts, 8_000, fractions.Fraction(1, 8_000)
        return tone


class MovingTrack(VideoStreamTrack):
    """A camera that sees a moving bar."""

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        picture = np.zeros((120, 160, 3), dtype=np.uint8)
        at = (pts // 3_000) % 150
        picture[:, at : at + 10] = 255
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Listener:
    """Keeps what a received track gives."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self.samples: list[Samples] = []
        self.pictures: list[VideoFrame] = []
        self._task = asyncio.get_running_loop().create_task(self._run(track))

    async def _run(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            if isinstance(frame, AudioFrame):
                assert frame.sample_rate == HEARD_RATE_HZ
                self.samples.append(frame.to_ndarray().astype(np.int16).reshape(-1, 2)[:, 0])
            elif isinstance(frame, VideoFrame):
                self.pictures.append(frame)

    def hears(self, frequency_hz: float, frames: int = 15) -> bool:
        """Whether the newest frames are this tone."""
        if len(self.samples) < frames:
            return False
        return tone_share(np.concatenate(self.samples[-frames:]), frequency_hz, HEARD_RATE_HZ) > 0.8

    def stop(self) -> None:
        """No more."""
        self._task.cancel()


class Browser:
    """One PeerConnection of a console or a citizen's page."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection()
        self.listeners: list[Listener] = []
        self.pc.on("track", lambda track: self.listeners.append(Listener(track)))

    def operator(self, frequency_hz: float) -> "Browser":
        """Microphone and headset on the first m-line, speaker on the second."""
        self.pc.addTrack(ToneTrack(frequency_hz))
        self.pc.addTransceiver("audio", direction="recvonly")
        return self

    def citizen(self) -> "Browser":
        """A camera."""
        self.pc.addTrack(MovingTrack())
        return self

    def viewer(self) -> "Browser":
        """A screen."""
        self.pc.addTransceiver("video", direction="recvonly")
        return self

    async def offer(self) -> str:
        """The complete offer."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def connect(self, control: Control, leg: str, role: rpc.WebrtcRole, source_leg: str = "") -> str:
        """Offer to the worker and take its answer, which is returned."""
        offer = await self.offer()
        reply = await control.do(rpc.CreateWebrtc(LegId(leg), role, offer, source_leg))
        answer = str(reply.result["answer_sdp"])
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return answer

    @property
    def headset(self) -> Listener:
        """The first m-line down."""
        return self.listeners[0]

    @property
    def speaker(self) -> Listener:
        """The second m-line down."""
        return self.listeners[1]

    async def close(self) -> None:
        """Hang up."""
        for listener in self.listeners:
            listener.stop()
        await self.pc.close()
