"""Forwarding video: key frames first, one unbroken stream a viewer, losses asked for and made good."""

import struct
from itertools import pairwise

import pytest

from kak_server.media.engine import rtcp
from kak_server.media.engine.vp8 import parse_forward, starts_key_frame
from kak_server.media.worker.clock import TickTime
from kak_server.media.worker.video import (
    BITRATE_MAX_BPS,
    BITRATE_MIN_BPS,
    HISTORY_PACKETS,
    CitizenVideo,
    VideoHub,
    ViewerVideo,
    adapt,
)
from kak_server.model.ids import LegId

KEY, DELTA = b"\x10\x00picture", b"\x10\x01picture"


def packet(sequence: int, payload: bytes, *, timestamp: int = 0, ssrc: int = 9, marker: bool = True) -> bytes:
    kind = 96 | (0x80 if marker else 0)
    return struct.pack("!BBHII", 0x80, kind, sequence & 0xFFFF, timestamp, ssrc) + payload


class Wire:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    @property
    def feedback(self) -> list[rtcp.Feedback]:
        return [rtcp.parse(data) for data in self.sent]

    @property
    def video(self) -> list[tuple[int, int, int, int]]:
        packets = [parse_forward(data) for data in self.sent]
        return [(p.sequence, p.timestamp, p.ssrc, p.payload_type) for p in packets if p is not None]


class Scene:
    """A camera and a viewer on one hub."""

    def __init__(self) -> None:
        self.time = TickTime(mono_ms=10_000.0)
        self.hub = VideoHub()
        self.up, self.down = Wire(), Wire()
        self.camera = CitizenVideo(LegId("camera"), 1, 96, self.time, self.up.send)
        self.viewer = ViewerVideo(LegId("viewer"), 2, 97, self.down.send)

    def connect(self) -> "Scene":
        self.hub.add_source(self.camera)
        self.hub.add_viewer("camera", self.viewer)
        return self


def test_nothing_before_the_first_key_frame_and_it_is_asked_for() -> None:
    scene = Scene().connect()
    scene.camera.on_rtp(packet(1, DELTA))
    assert not scene.down.sent
    assert [feedback.picture_lost for feedback in scene.up.feedback] == [True]
    scene.camera.on_rtp(packet(2, DELTA))
    assert len(scene.up.sent) == 1, "not asked for again at once"
    scene.time.mono_ms += 600
    scene.camera.watch()
    assert len(scene.up.sent) == 2
    scene.camera.on_rtp(packet(3, KEY))
    scene.camera.on_rtp(packet(4, DELTA))
    scene.time.mono_ms += 600
    scene.camera.watch()
    assert len(scene.up.sent) == 2, "a key frame has come"
    assert len(scene.down.sent) == 2


def test_the_viewers_stream_is_its_own_and_goes_on_with_a_new_camera() -> None:
    scene = Scene().connect()
    for number in range(3):
        scene.camera.on_rtp(packet(65_535 + number, KEY, timestamp=3_000 * number))
    again = CitizenVideo(LegId("camera"), 5, 96, scene.time, scene.up.send)
    scene.hub.add_source(again)
    again.on_rtp(packet(400, DELTA, ssrc=77))
    again.on_rtp(packet(401, KEY, timestamp=900_000, ssrc=77))
    sequences = [sequence for sequence, *_ in scene.down.video]
    timestamps = [timestamp for _, timestamp, *_ in scene.down.video]
    assert [(b - a) & 0xFFFF for a, b in pairwise(sequences)] == [1, 1, 1]
    assert [(b - a) & 0xFFFFFFFF for a, b in pairwise(timestamps)] == [3_000] * 3
    assert {(ssrc, kind) for _, _, ssrc, kind in scene.down.video} == {(2, 97)}


def test_lost_packets_are_asked_for_and_come_back() -> None:
    scene = Scene().connect()
    scene.camera.on_rtp(packet(1, KEY))
    scene.camera.on_rtp(packet(4, DELTA))
    assert scene.up.feedback[-1].nack == [2, 3]
    scene.camera.on_rtp(packet(2, DELTA))
    scene.camera.watch()
    assert scene.up.feedback[-1].nack == [3]
    for _ in range(10):
        scene.camera.watch()
    asked = sum(feedback.nack == [3] for feedback in scene.up.feedback)
    assert asked <= 5, "not for ever"
    sent = [sequence for sequence, *_ in scene.down.video]
    assert (sent[2] - sent[0]) & 0xFFFF == 1, "the late packet has its own place"


def test_a_viewer_gets_again_what_it_lost() -> None:
    scene = Scene().connect()
    for number in range(HISTORY_PACKETS + 10):
        scene.camera.on_rtp(packet(number, KEY if number == 0 else DELTA))
    sequence = scene.down.video[-5][0]
    before = scene.down.sent[-5]
    assert not scene.viewer.on_feedback(rtcp.Feedback(nack=[sequence, (sequence + 999) & 0xFFFF]))
    assert scene.down.sent[-1] == before
    assert scene.viewer.resent == 1
    scene.viewer.on_feedback(rtcp.Feedback(nack=[scene.down.video[0][0]]))
    assert scene.viewer.resent == 1, "too long ago"


def test_a_great_loss_asks_for_a_key_frame_instead() -> None:
    scene = Scene().connect()
    scene.camera.on_rtp(packet(1, KEY))
    scene.time.mono_ms += 1_000
    scene.camera.on_rtp(packet(2_000, DELTA))
    assert scene.up.feedback[-1].picture_lost
    assert not scene.up.feedback[-1].nack


def test_a_viewers_lost_picture_is_passed_on() -> None:
    scene = Scene().connect()
    scene.camera.on_rtp(packet(1, KEY))
    scene.time.mono_ms += 1_000
    assert scene.viewer.on_feedback(rtcp.Feedback(picture_lost=True))
    scene.hub.picture_lost(scene.viewer)
    assert scene.up.feedback[-1].picture_lost


def test_a_viewer_may_come_first_and_leave() -> None:
    scene = Scene()
    scene.hub.add_viewer("camera", scene.viewer)
    scene.hub.add_source(scene.camera)
    scene.camera.on_rtp(packet(1, KEY))
    assert len(scene.down.sent) == 1
    scene.hub.remove_viewer(scene.viewer)
    scene.camera.on_rtp(packet(2, DELTA))
    assert len(scene.down.sent) == 1
    scene.hub.remove_source(scene.camera)
    scene.hub.remove_source(scene.camera)
    scene.hub.picture_lost(scene.viewer)


def test_the_cap_follows_the_loss() -> None:
    assert adapt(1_000_000, 0.5) == 750_000
    assert adapt(1_000_000, 0.05) == 1_000_000
    assert adapt(1_000_000, 0.0) == 1_080_000
    assert adapt(BITRATE_MAX_BPS, 0.0) == BITRATE_MAX_BPS
    assert adapt(BITRATE_MIN_BPS, 1.0) == BITRATE_MIN_BPS


def test_the_report_tells_the_camera() -> None:
    scene = Scene().connect()
    scene.camera.report()
    assert not scene.up.sent
    scene.camera.on_rtp(packet(1, KEY))
    scene.camera.report()
    assert b"REMB" in scene.up.sent[-1]


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (b"\x10\x00", True),
        (b"\x10\x01", False),
        (b"\x00\x00", False),
        (b"\x11\x00", False),
        (b"\x90\x80\x05\x00", True),  # extension with a 7 bit picture id
        (b"\x90\x80\x85\x05\x00", True),  # with a 15 bit one
        (b"\x90\xe0\x85\x05\x01\x02\x00", True),  # with TL0PICIDX and TID as well
        (b"\x90\xe0\x85\x05\x01\x02\x01", False),
        (b"\x90\x80", False),
        (b"\x90\xe0\x85", False),
        (b"", False),
    ],
)
def test_where_a_key_frame_starts(payload: bytes, key: bool) -> None:
    assert starts_key_frame(payload) is key


def test_extensions_go_and_padding_stays() -> None:
    data = struct.pack("!BBHII", 0xB1, 96, 1, 2, 3) + bytes(4) + b"\xbe\xde\x00\x01\0\0\0\0" + b"pic\0\0\x03"
    parsed = parse_forward(data)
    assert parsed is not None
    assert parsed.payload == b"pic\0\0\x03"
    assert parsed.rewrite(97, 5, 6, 7) == struct.pack("!BBHII", 0xA0, 97, 5, 6, 7) + b"pic\0\0\x03"
    assert parse_forward(b"\x90" + bytes(11)) is None
    assert parse_forward(b"\x90" + bytes(13) + b"\xff\xff") is None
