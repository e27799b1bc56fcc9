"""The engine's tick with sources and sinks of the test's own."""

from collections.abc import Callable

import numpy as np

from kak_server.media import rpc
from kak_server.media.engine import g711, opus
from kak_server.media.engine.conference import Conference
from kak_server.media.engine.frames import FRAME_SAMPLES, Pcm
from kak_server.media.engine.plays import Play
from kak_server.model.ids import LegId, MixId
from tests.support.listeners import Told


def level(value: int) -> Pcm:
    return np.full(FRAME_SAMPLES, value, dtype=np.int16)


class Voice:
    """A source of one value, linear or companded."""

    def __init__(self, value: int | None, law: g711.Law | None = None) -> None:
        self.leg = LegId("voice")
        self.law = law
        self.value = value
        self.wanted: list[bool] = []
        self.sleeps = False
        self.on_sound: Callable[[], None] | None = None

    @property
    def asleep(self) -> bool:
        return self.sleeps and self.value is None

    def pull(self, wanted: bool) -> bytes | Pcm | None:
        self.wanted.append(wanted)
        if self.value is None:
            return None
        return g711.encode(self.law, level(self.value)) if self.law else level(self.value)


class Ear:
    """A companded sink."""

    def __init__(self, law: g711.Law = "PCMA") -> None:
        self.leg = LegId("ear")
        self.law: g711.Law | None = law
        self.heard: list[int | None] = []

    gated = False
    stream = None

    def send_frame(self, frame: bytes | None, speaking: bool) -> bool:
        assert self.law is not None
        self.heard.append(None if frame is None else int(g711.decode(self.law, frame)[0]))
        return frame is not None


class Headset:
    """An Opus sink that shows what was encoded and sent."""

    def __init__(self) -> None:
        self.leg = LegId("headset")
        self.law: g711.Law | None = None
        self.encodes: list[tuple[int, bool]] = []
        self.packets: list[bytes] = []
        self.nothing = 0
        self.encoder = opus.OpusEncoder()

    def encode(self, frame: Pcm, fresh: bool) -> bytes:
        self.encodes.append((int(frame[0]), fresh))
        return self.encoder.encode(frame)

    def send_packet(self, packet: bytes) -> bool:
        self.packets.append(packet)
        return True

    def send_nothing(self, joined: bool) -> None:
        self.nothing += 1


def edges(*pairs: tuple[str, str] | tuple[str, str, float]) -> tuple[rpc.Edge, ...]:
    return tuple(rpc.Edge(*pair) for pair in pairs)


def near(heard: int | None, value: int) -> bool:
    return heard is not None and abs(heard - value) <= max(16, abs(value) // 16)


def test_a_sink_hears_the_sum_of_all_mixes_with_gains() -> None:
    conference, ear = Conference(), Ear()
    conference.add_source("a", Voice(1_000))
    conference.add_source("b", Voice(2_000, "PCMA"))
    conference.add_source("c", Voice(4_000, "PCMU"))
    conference.add_companded_sink("ear", ear)
    conference.set_mix(MixId("m"), edges(("a", "ear"), ("b", "ear", 0.5)))
    conference.set_mix(MixId("n"), edges(("c", "ear", -0.25)))
    conference.tick()
    assert near(ear.heard[0], 1_000 + 1_000 - 1_000)


def test_too_loud_is_cut_not_wrapped() -> None:
    conference, ear = Conference(), Ear("PCMU")
    conference.add_source("a", Voice(30_000))
    conference.add_companded_sink("ear", ear)
    conference.set_mix(MixId("m"), edges(("a", "ear", 4.0)))
    conference.tick()
    assert ear.heard[0] is not None
    assert ear.heard[0] > 31_000


def test_edges_wait_for_legs_and_survive_their_return() -> None:
    conference, ear = Conference(), Ear()
    conference.set_mix(MixId("m"), edges(("a", "ear/headset")))
    conference.tick()
    conference.add_companded_sink("ear", ear, ("ear/headset", "ear/speaker"))
    conference.tick()
    conference.add_source("a", Voice(1_000))
    conference.tick()
    conference.remove_source("a")
    conference.tick()
    conference.add_source("a", Voice(2_000))
    conference.tick()
    assert ear.heard[0] is ear.heard[2] is None
    assert near(ear.heard[1], 1_000)
    assert near(ear.heard[3], 2_000)


def test_identical_mixes_are_encoded_once() -> None:
    conference = Conference()
    headsets = {f"s{n}/headset": Headset() for n in range(3)}
    for name, headset in headsets.items():
        conference.add_opus_sink(name, headset)
    one, two, three = headsets.values()
    conference.add_source("a", Voice(1_000))
    conference.add_source("b", Voice(2_000))
    conference.set_mix(MixId("m"), edges(*(("a", name) for name in headsets)))
    conference.tick()
    assert conference.encoded_packets == 1
    assert one.packets == two.packets == three.packets
    conference.set_mix(MixId("n"), edges(("b", "s1/headset")))
    conference.tick()
    assert conference.encoded_packets == 3
    assert two.encodes == [(3_000, True)], "an encoder that others stood in for starts afresh"
    assert three.packets[1] == one.packets[1]


def test_who_hears_nothing_is_sent_nothing() -> None:
    conference, headset, ear = Conference(), Headset(), Ear()
    conference.add_opus_sink("h", headset)
    conference.add_companded_sink("ear", ear)
    conference.add_source("a", Voice(None))
    conference.set_mix(MixId("m"), edges(("a", "h"), ("a", "ear")))
    conference.tick()
    assert (headset.encodes, headset.nothing, ear.heard) == ([], 1, [None])


def test_only_wanted_sources_are_decoded() -> None:
    conference, idle, used, tapped = Conference(), Voice(1), Voice(2), Voice(3)
    for name, voice in (("idle", idle), ("used", used), ("tapped", tapped)):
        conference.add_source(name, voice)
    conference.add_companded_sink("ear", Ear())
    conference.set_mix(MixId("m"), edges(("used", "ear")))
    frames: list[bytes | Pcm | None] = []
    conference.tap("tapped", "r", Told(lambda frame, law: frames.append(frame)))
    conference.tick()
    conference.untap("tapped", "r")
    conference.tick()
    assert (idle.wanted, used.wanted, tapped.wanted) == ([False] * 2, [True] * 2, [True, False])
    assert len(frames) == 1


def test_a_tap_gets_what_came_or_nothing() -> None:
    conference = Conference()
    got: list[tuple[object, object]] = []
    conference.tap("a", "r", Told(lambda frame, law: got.append((type(frame), law))))
    conference.tick()
    conference.add_source("a", Voice(5, "PCMA"))
    conference.tick()
    conference.add_source("a", Voice(5))
    conference.tick()
    assert got == [(type(None), None), (bytes, "PCMA"), (np.ndarray, None)]


def test_a_source_that_sleeps_is_left_alone_until_a_packet_comes() -> None:
    conference, ear = Conference(), Ear()
    sleeper, other = Voice(None, "PCMA"), Voice(100, "PCMA")
    sleeper.sleeps = True
    conference.add_source("a", sleeper)
    conference.add_source("b", other)
    conference.add_companded_sink("ear", ear)
    conference.set_mix(MixId("m"), edges(("a", "ear"), ("b", "ear")))
    for _ in range(5):
        conference.tick()
    assert len(sleeper.wanted) == 1
    assert len(other.wanted) == 5
    conference.set_mix(MixId("n"), edges(("a", "nobody")))  # a change elsewhere does not wake it
    conference.tick()
    assert len(sleeper.wanted) == 1
    sleeper.value = 1_000
    assert sleeper.on_sound is not None
    sleeper.on_sound()
    conference.tick()
    assert len(sleeper.wanted) == 2
    conference.remove_source("a")
    conference.add_source("a", sleeper)
    conference.tick()
    assert len(sleeper.wanted) == 3


def test_plays_are_added_and_wait_for_their_sink() -> None:
    conference, ear = Conference(), Ear()
    sound = np.concatenate([level(1_000), level(2_000)])
    conference.plays["p"] = Play("ear", "tone:x", sound, loop=False, gain=0.5, repeat_gap_ms=0)
    assert conference.tick() == []
    conference.add_companded_sink("ear", ear)
    assert conference.tick() == []
    assert conference.tick() == [rpc.PlayEnded("p")]
    conference.tick()
    assert near(ear.heard[0], 500)
    assert near(ear.heard[1], 1_000)
    assert len(ear.heard) == 2, "nobody plays or speaks to it any more: no packets"
    assert not conference.plays


def test_talk_is_told() -> None:
    conference, voice = Conference(), Voice(8_000)
    conference.watch(LegId("a"), True)
    conference.add_source("a", voice)
    events = [event for _ in range(5) for event in conference.tick()]
    voice.value = None
    events += [event for _ in range(30) for event in conference.tick()]
    assert [(event.leg, event.talking) for event in events if isinstance(event, rpc.LegTalk)] == [
        ("a", True),
        ("a", False),
    ]
    conference.watch(LegId("a"), False)
    assert not conference.watched


def test_a_first_word_is_told_once() -> None:
    conference, voice = Conference(), Voice(8_000)
    conference.watch(LegId("a"), True, once=True)
    conference.add_source("a", voice)
    events = [event for _ in range(5) for event in conference.tick()]
    assert not conference.watched
    voice.value = None
    events += [event for _ in range(30) for event in conference.tick()]
    assert [(event.leg, event.talking) for event in events if isinstance(event, rpc.LegTalk)] == [("a", True)]


def test_a_tap_follows_its_source() -> None:
    conference = Conference()
    heard: list[tuple[int | None, g711.Law | None]] = []

    def take(frame: bytes | Pcm | None, law: g711.Law | None) -> None:
        heard.append((None if frame is None else len(frame), law))

    conference.tap("a", "t", Told(take))
    conference.tick()
    conference.add_source("other", Voice(1))
    conference.add_source("a", Voice(1_000, "PCMA"))
    conference.tick()
    conference.add_source("a", Voice(1_000, "PCMU"))  # as after a change of codec
    conference.tick()
    conference.remove_source("a")
    conference.tick()
    conference.add_source("b", Voice(1))  # in the slot that was its
    conference.tick()
    conference.untap("a", "t")
    conference.add_source("a", Voice(1_000, "PCMA"))
    conference.tick()
    assert heard == [(None, None), (160, "PCMA"), (160, "PCMU"), (None, None), (None, None)]
