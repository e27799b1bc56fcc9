"""Players: a jitter buffer's stream as one frame a tick."""

import numpy as np

from kak_server.media.engine import g711, opus
from kak_server.media.engine.frames import FRAME_SAMPLES
from kak_server.media.engine.players import G711Player, OpusPlayer
from tests.support.media_peers import sine, tone_share


def test_packets_of_any_length_become_frames() -> None:
    for length in (80, 160, 240, 320):
        player = G711Player("PCMA")
        voice = g711.encode("PCMA", sine(440.0, 32_000))
        heard = []
        at = 0
        for tick in range(1, 190):
            while at < tick * FRAME_SAMPLES:
                player.put("PCMA", at, voice[at : at + length])
                at += length
            frame = player.pull()
            if frame is not None:
                assert len(frame) == FRAME_SAMPLES
                heard.append(frame)
        assert b"".join(heard) == voice[: len(heard) * FRAME_SAMPLES], f"{length} samples a packet"


def test_a_lost_frame_fades_and_the_rest_is_untouched() -> None:
    player = G711Player("PCMA")
    voice = [g711.encode("PCMA", sine(440.0, FRAME_SAMPLES, n * FRAME_SAMPLES)) for n in range(10)]
    for number in (0, 1, 2, 4, 5):
        player.put("PCMA", number * FRAME_SAMPLES, voice[number])
    heard = [player.pull() for _ in range(6)]
    assert [heard[n] for n in (0, 1, 2, 4, 5)] == [voice[n] for n in (0, 1, 2, 4, 5)]
    concealed = heard[3]
    assert concealed is not None
    loudness = [int(np.abs(g711.decode("PCMA", frame)).max()) for frame in (voice[2], concealed)]
    assert 0.6 < loudness[1] / loudness[0] < 0.9


def test_a_stream_that_stops_ends_in_nothing() -> None:
    player = G711Player("PCMA")
    for number in range(3):
        player.put("PCMA", number * FRAME_SAMPLES, g711.SILENCE["PCMA"])
    heard = [player.pull() for _ in range(12)]
    assert heard[-1] is None
    assert all(frame is not None for frame in heard[:3])


def test_the_other_law_is_understood() -> None:
    player = G711Player("PCMA")
    for number in range(30):
        player.put("PCMU", number * 160, g711.encode("PCMU", sine(440.0, 160, number * 160)))
        frame = player.pull()
    assert frame is not None
    assert tone_share(g711.decode("PCMA", frame), 440.0) > 0.8


def opus_stream(frames: int) -> list[bytes]:
    encoder = opus.OpusEncoder()
    return [encoder.encode(sine(440.0, FRAME_SAMPLES, n * FRAME_SAMPLES)) for n in range(frames)]


def test_opus_with_losses_keeps_its_tone_and_time() -> None:
    player = OpusPlayer()
    heard = []
    for number, packet in enumerate(opus_stream(100)):
        if number % 10 != 7:
            player.put(number * 960, packet)
        frame = player.pull(True)
        if frame is not None:
            assert len(frame) == FRAME_SAMPLES
            heard.append(frame)
    assert len(heard) >= 98
    shares = [tone_share(np.concatenate(heard[n : n + 3]), 440.0) for n in range(20, 96, 3)]
    assert min(shares) > 0.6
    assert np.median(shares) > 0.9


def test_opus_that_nobody_hears_is_not_decoded_but_moves_on() -> None:
    player = OpusPlayer()
    packets = opus_stream(60)
    for number, packet in enumerate(packets[:30]):
        player.put(number * 960, packet)
        assert player.pull(False) is None
    heard = []
    for number, packet in enumerate(packets[30:], 30):
        player.put(number * 960, packet)
        frame = player.pull(True)
        assert frame is not None, "heard in the very tick it is wanted"
        heard.append(frame)
    assert player.buffer.stats.late == 0
    assert player.buffer.buffered_samples <= 3 * FRAME_SAMPLES
    assert tone_share(np.concatenate(heard[5:]), 440.0) > 0.8


def test_rubbish_opus_is_dropped() -> None:
    player = OpusPlayer()
    for number in range(20):
        player.put(number * 960, b"\xff" * 3)
        player.put(number * 960, b"")
        player.pull(True)
    assert player.buffer.stats.packets <= 20
