"""Tones, synthesised once: each is one cycle of its cadence in 8 kHz samples, a whole number of frames long."""

import functools

import numpy as np

from kak_server.media.engine.frames import FRAME_SAMPLES, RATE_HZ, Pcm

_LEVEL = 0.16  # of full scale: about -16 dBm0, where networks play their tones
_RAMP_MS = 5  # no clicks


def _tone(frequencies_hz: tuple[float, ...], length_ms: int, level: float = _LEVEL) -> Pcm:
    samples = RATE_HZ * length_ms // 1000
    at = np.arange(samples) / RATE_HZ
    wave = np.sum([np.sin(2 * np.pi * hz * at) for hz in frequencies_hz], axis=0) * (level / len(frequencies_hz))
    ramp = RATE_HZ * _RAMP_MS // 1000
    envelope = np.minimum(1.0, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / ramp)
    pcm: Pcm = (wave * envelope * 32_767).astype(np.int16)
    return pcm


def _silence(length_ms: int) -> Pcm:
    return np.zeros(RATE_HZ * length_ms // 1000, dtype=np.int16)


def whole_frames(samples: Pcm) -> Pcm:
    """The samples, filled up with silence to whole frames."""
    short = -len(samples) % FRAME_SAMPLES
    return np.concatenate((samples, np.zeros(short, dtype=np.int16))) if short else samples


@functools.cache
def tone(name: str) -> Pcm | None:
    """One cycle of a tone by its name, None if there is none of that name.

    ringback, busy: 425 Hz with the Norwegian cadences (ITU-T E.180 supplement 2); hold, beep, speak: our own.
    """
    parts: dict[str, tuple[Pcm, ...]] = {
        "ringback": (_tone((425,), 1_000), _silence(4_000)),
        "busy": (_tone((425,), 500), _silence(500)),
        "hold": (_tone((440,), 180, 0.08), _silence(60), _tone((554,), 180, 0.08), _silence(4_580)),
        "beep": (_tone((1_000,), 200),),
        "speak": (_tone((988,), 60), _silence(20), _tone((1_319,), 80)),
    }
    if name not in parts:
        return None
    cycle = whole_frames(np.concatenate(parts[name]))
    cycle.setflags(write=False)
    return cycle
