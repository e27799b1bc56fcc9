"""A radio: its key, its loudspeaker, its recording."""

from pathlib import Path

import numpy as np

from kak_sim.audio import FRAME_SAMPLES, read_wav, tone
from kak_sim.tetra.network import Denied, Granted, Interrupted, Network, Queued
from kak_sim.tetra.radios import NOTICES_MAX, RECORD_MAX_FRAMES, Radio, Recording, frames_forever, frames_of

GSSI = 24201


def world() -> tuple[Network, Radio, Radio]:
    network = Network([(GSSI, "a"), (24202, "b")])
    one, two = (Radio(number, f"Bil {number}", GSSI, network, lambda: 0) for number in (1, 2))
    return network, one, two


def tell(network: Network, *radios: Radio) -> None:
    for event in network.drain():
        for radio in radios:
            if isinstance(event, Granted | Denied | Queued | Interrupted) and event.party == radio.party:
                radio.told(event)


def test_a_key_that_is_granted_speaks_its_source_to_the_end_and_lets_go() -> None:
    network, one, _ = world()
    sound = tone(700, 50)  # two frames and a half
    one.press(frames_of(sound))
    tell(network, one)
    assert one.key == "talking"
    spoken = np.concatenate([one.speak() for _ in range(3)])
    assert (spoken[: len(sound)] == sound).all()
    assert not spoken[len(sound) :].any()
    assert one.key == "talking"
    assert not one.speak().any()
    assert one.key == "idle"
    assert network.groups[GSSI].talker is None


def test_a_key_that_waits_is_granted_later_or_let_go() -> None:
    network, one, two = world()
    one.press(frames_forever(tone(700, 20)))
    two.press(frames_forever(tone(900, 20)))
    tell(network, one, two)
    assert (one.key, two.key) == ("talking", "queued")
    two.release()
    assert network.groups[GSSI].queue == []
    two.press(frames_forever(tone(900, 20)))
    one.release()
    tell(network, one, two)
    assert (one.key, two.key) == ("idle", "talking")


def test_an_interrupted_or_denied_key_says_why_and_asks_no_more() -> None:
    network, one, two = world()
    one.press(frames_forever(tone(700, 20)))
    two.press(frames_forever(tone(900, 20)), priority=3)
    tell(network, one, two)
    assert (one.key, one.cause, two.key) == ("interrupted", "emergency", "talking")
    one.release()
    assert (one.key, one.cause) == ("idle", "")
    one.gssi = 99
    one.press(frames_forever(tone(700, 20)))
    tell(network, one, two)
    assert (one.key, one.cause) == ("denied", "unknown_group")


def test_an_answer_to_an_earlier_press_is_void() -> None:
    network, one, _ = world()
    one.press(frames_forever(tone(700, 20)))
    events = network.drain()
    one.release()
    for event in events:
        if isinstance(event, Granted):
            one.told(event)
    assert one.key == "idle"


def test_turning_to_another_group_lets_the_key_go_and_shows_who_talks_there() -> None:
    network, one, two = world()
    two.select(24202)
    two.press(frames_forever(tone(700, 20)))
    one.press(frames_forever(tone(700, 20)))
    tell(network, one, two)
    one.select(24202)
    assert network.groups[GSSI].talker is None
    assert (one.key, one.hears, one.gssi) == ("idle", "Bil 2", 24202)


def test_a_recording_has_every_tick_in_it(tmp_path: Path) -> None:
    _, one, _ = world()
    path = tmp_path / "new" / "heard.wav"
    one.record(path)
    sound = tone(700, 20)
    for tick in range(10):
        one.hear(sound if tick in (3, 4) else None)
    assert one.stop_recording() == {"path": str(path), "started_ms": 0, "seconds": 0.2}
    assert one.stop_recording() is None
    samples, _ = read_wav(path)
    assert len(samples) == 10 * FRAME_SAMPLES
    loud = (np.flatnonzero(samples) // FRAME_SAMPLES).tolist()
    assert (loud[0], loud[-1]) == (3, 4)
    assert one.frames_heard == 2


def test_a_second_recording_writes_the_first(tmp_path: Path) -> None:
    _, one, _ = world()
    one.record(tmp_path / "a.wav")
    one.hear(None)
    one.record(tmp_path / "b.wav")
    assert len(read_wav(tmp_path / "a.wav")[0]) == FRAME_SAMPLES


def test_a_recording_that_is_never_stopped_ends_growing(tmp_path: Path) -> None:
    frame = tone(700, 20)
    recording = Recording(tmp_path / "x.wav", 0, [frame] * RECORD_MAX_FRAMES)
    recording.add(frame)
    assert len(recording.frames) == RECORD_MAX_FRAMES


def test_the_loudness_and_the_display() -> None:
    _, one, _ = world()
    one.hear(np.full(FRAME_SAMPLES, 16_384, dtype=np.int16))
    assert one.state["level_db"] == -6.0
    one.hear(np.zeros(FRAME_SAMPLES, dtype=np.int16))
    assert one.state["level_db"] == -96.0
    for number in range(NOTICES_MAX + 5):
        one.notice(f"line {number}")
    assert one.notices[-1] == f"line {NOTICES_MAX + 4}"
    assert len(one.notices) == NOTICES_MAX
