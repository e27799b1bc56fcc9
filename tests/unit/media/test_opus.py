"""libopus at 8 kHz: a tone survives, loss is concealed, FEC is there, a reset stands alone."""

import ctypes

import numpy as np
import pytest

from kak_server.media.engine import opus
from kak_server.media.engine.frames import FRAME_SAMPLES
from tests.support.media_peers import sine, tone_share


def encoded(frames: int) -> list[bytes]:
    encoder = opus.OpusEncoder()
    return [encoder.encode(sine(600.0, FRAME_SAMPLES, n * FRAME_SAMPLES)) for n in range(frames)]


def test_a_tone_survives() -> None:
    decoder = opus.OpusDecoder()
    packets = encoded(50)
    assert max(map(len, packets)) < 120, "about 24 kbit/s"
    heard = np.concatenate([decoder.decode(packet) for packet in packets])
    assert len(heard) == 50 * FRAME_SAMPLES
    assert tone_share(heard[1_600:], 600.0) > 0.9


def test_concealment_gives_a_frame_with_and_without_the_next_packet() -> None:
    decoder = opus.OpusDecoder()
    packets = encoded(20)
    for packet in packets[:10]:
        decoder.decode(packet)
    assert len(decoder.conceal(packets[11])) == FRAME_SAMPLES
    assert len(decoder.conceal()) == FRAME_SAMPLES
    assert len(decoder.conceal(b"\xff\xff\xff")) == FRAME_SAMPLES


def test_durations() -> None:
    assert opus.packet_samples(encoded(1)[0]) == FRAME_SAMPLES
    assert opus.packet_samples(b"") == 0
    assert opus.packet_samples(b"\xff") == 0


def test_a_broken_packet_is_no_error() -> None:
    assert len(opus.OpusDecoder().decode(b"\xff\xff\xff\xff")) == 0


def test_after_a_reset_the_first_packet_is_as_from_a_new_encoder() -> None:
    used = opus.OpusEncoder()
    for n in range(10):
        used.encode(sine(300.0, FRAME_SAMPLES, n * FRAME_SAMPLES))
    used.reset()
    tone = sine(600.0, FRAME_SAMPLES)
    assert used.encode(tone) == opus.OpusEncoder().encode(tone)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_name: str) -> None:
        raise OSError("cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", nothing)
    opus.library.cache_clear()
    try:
        with pytest.raises(opus.OpusUnavailableError, match="libopus0"):
            opus.library()
    finally:
        opus.library.cache_clear()
