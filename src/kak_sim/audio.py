"""Telephone sound as arrays: tones, G.711 A-law, tone measurement, WAV files.

Everything is mono int16 at 8 kHz unless a rate is given. Shared by the simulated callers and the simulated radios, and
by the tests that measure what was heard.
"""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
DEFAULT_LEVEL = 0.3  # of full scale: loud and clear, and six voices can be mixed without clipping much
_FADE_MS = 5  # a tone that starts at once clicks over the whole band and blurs the measurement
_FLOOR_POWER = (32768 * 10 ** (-45 / 20)) ** 2 / 2  # below -45 dBFS nobody calls it a tone


def tone(freq_hz: float, ms: int, rate: int = RATE_HZ, level: float = DEFAULT_LEVEL) -> Samples:
    """A sine of `ms` milliseconds with short fades at both ends; `level` is its amplitude, 1.0 = full scale."""
    count = rate * ms // 1000
    wave_form = np.sin(2 * np.pi * freq_hz * np.arange(count) / rate)
    fade = min(rate * _FADE_MS // 1000, count // 2)
    if fade:
        ramp = np.linspace(0.0, 1.0, fade, endpoint=False)
        wave_form[:fade] *= ramp
        wave_form[-fade:] *= ramp[::-1]
    return (wave_form * level * 32767).astype(np.int16)


def steady_tone(freq_hz: int, rate: int = RATE_HZ, level: float = DEFAULT_LEVEL) -> Samples:
    """One second of a sine of a whole number of hertz: played over and over it has no seam."""
    return (np.sin(2 * np.pi * freq_hz * np.arange(rate) / rate) * level * 32767).astype(np.int16)


def silence(ms: int, rate: int = RATE_HZ) -> Samples:
    """`ms` milliseconds of nothing."""
    return np.zeros(rate * ms // 1000, dtype=np.int16)


# --- G.711 A-law (ITU-T G.711 tables 1a and 2a: 8 segments, 13 bits, every other bit inverted) ---


def _decode_table() -> Samples:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (codes & 0x70) >> 4, codes & 0x0F
    magnitude = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """Index: a 16-bit sample seen as unsigned."""
    samples = np.arange(65536, dtype=np.int32)
    samples = np.where(samples >= 32768, samples - 65536, samples)
    # Negative values mirror at -1 (ones' complement), so that -1 and 0 fall into the two smallest intervals
    magnitude = np.where(samples >= 0, samples, ~samples) >> 4
    segment = np.zeros_like(magnitude)
    for exponent in range(1, 8):
        segment = np.where(magnitude >= 1 << (exponent + 3), exponent, segment)
    step = magnitude >> np.maximum(segment - 1, 0)
    code = (segment << 4) | (step & 0x0F) | np.where(samples >= 0, 0x80, 0)
    octets: NDArray[np.uint8] = (code ^ 0x55).astype(np.uint8)
    return octets


_DECODE = _decode_table()
_ENCODE = _encode_table()
ALAW_SILENCE = 0xD5


def alaw_encode(samples: Samples) -> bytes:
    """A-law octets of int16 samples."""
    return _ENCODE[samples.view(np.uint16)].tobytes()


def alaw_decode(data: bytes) -> Samples:
    """int16 samples of A-law octets."""
    return _DECODE[np.frombuffer(data, dtype=np.uint8)]


# --- measuring ---


def mean_power(samples: Samples) -> float:
    """Mean square of the samples; 0.0 for none."""
    return float(np.mean(samples.astype(np.float64) ** 2)) if len(samples) else 0.0


def goertzel(samples: Samples, freq_hz: float, rate: int = RATE_HZ) -> float:
    """Power at one frequency, in the unit of `mean_power`: a sine of amplitude A gives A*A/2 (the Goertzel bin, done as
    one correlation)."""
    count = len(samples)
    if count == 0:
        return 0.0
    turn = np.exp(-2j * np.pi * freq_hz / rate * np.arange(count))
    return float(2 * abs(np.dot(samples, turn)) ** 2 / count**2)


def tone_at(samples: Samples, candidates: Sequence[float], rate: int = RATE_HZ, share: float = 0.5) -> float | None:
    """The candidate frequency the samples sound at: it must hold `share` of all power, and be loud enough."""
    if not candidates or len(samples) == 0:
        return None
    powers = {freq: goertzel(samples, freq, rate) for freq in candidates}
    best = max(powers, key=lambda freq: powers[freq])
    return best if powers[best] >= max(_FLOOR_POWER, share * mean_power(samples)) else None


def sequence_of(samples: Samples, candidates: Sequence[float], rate: int = RATE_HZ, window_ms: int = 40) -> list[float]:
    """The candidate tones heard one after another, each named once per stretch; shorter than two windows is noise."""
    window = rate * window_ms // 1000
    heard: list[float] = []
    previous: float | None = None
    for start in range(0, len(samples) - window + 1, window):
        now = tone_at(samples[start : start + window], candidates, rate)
        if now is not None and now == previous and (not heard or heard[-1] != now):
            heard.append(now)
        previous = now
    return heard


# --- files ---


def read_wav(path: str | Path) -> tuple[Samples, int]:
    """Samples and rate of a WAV file: PCM 16 bit or A-law (format 6), the first channel. Raises ValueError."""
    data = Path(path).read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path}: not a WAV file")
    kind = channels = rate = bits = 0
    offset = 12
    while offset + 8 <= len(data):
        name, size = data[offset : offset + 4], int.from_bytes(data[offset + 4 : offset + 8], "little")
        body = data[offset + 8 : offset + 8 + size]
        if name == b"fmt ":
            kind, channels = int.from_bytes(body[0:2], "little"), int.from_bytes(body[2:4], "little")
            rate, bits = int.from_bytes(body[4:8], "little"), int.from_bytes(body[14:16], "little")
        elif name == b"data":
            if kind == 6 and bits == 8:
                return alaw_decode(body)[::channels], rate
            if kind == 1 and bits == 16:
                return np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2")[::channels].astype(np.int16), rate
            raise ValueError(f"{path}: WAV format {kind} with {bits} bits is not read here")
        offset += 8 + size + size % 2
    raise ValueError(f"{path}: no sound in the WAV file")


def write_wav(path: str | Path, samples: Samples, rate: int = RATE_HZ) -> None:
    """A PCM 16 bit mono file, readable everywhere (browsers and sox too)."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())
