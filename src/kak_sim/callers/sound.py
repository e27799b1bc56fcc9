"""What a simulated person lets the other end hear: sources that give 20 ms of sound at a time."""

import asyncio
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from kak_sim.audio import FRAME_SAMPLES, RATE_HZ, Samples, read_wav, silence, steady_tone, tone

LAB_TEXT = (
    "Hei, det er en som har falt om på gulvet her. Han er omtrent seksti år, og han svarer ikke når vi snakker. "
    "Vi er i Storgata ti, i andre etasje. Kan dere sende en ambulanse?"
)
_SPEECH_TIMEOUT_S = 30


class Source(Protocol):
    """A voice. `frame` is asked for once every 20 ms."""

    def frame(self) -> Samples:
        """The next FRAME_SAMPLES samples."""


class Loop:
    """The same sound over and over (or once, then silence)."""

    def __init__(self, samples: Samples, *, once: bool = False) -> None:
        whole = -(-len(samples) // FRAME_SAMPLES) * FRAME_SAMPLES
        self._samples = np.concatenate([samples, np.zeros(whole - len(samples), dtype=np.int16)])
        self._once = once
        self._at = 0

    def frame(self) -> Samples:
        """The next 20 ms."""
        if self._at >= len(self._samples):
            if self._once or len(self._samples) == 0:
                return silence(20)
            self._at = 0
        frame = self._samples[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        return frame

    def again(self) -> "Loop":
        """The same sound from its beginning, for somebody else."""
        return Loop(self._samples, once=self._once)


class Echo:
    """Gives back what it hears, at most `depth` frames late: for measuring the way there and back."""

    def __init__(self, depth: int = 10) -> None:
        self._frames: deque[Samples] = deque(maxlen=depth)

    def hear(self, frame: Samples) -> None:
        """20 ms that came in."""
        if len(frame) == FRAME_SAMPLES:
            self._frames.append(frame)

    def frame(self) -> Samples:
        """The oldest frame not given back yet; silence when nothing came."""
        return self._frames.popleft() if self._frames else silence(20)


def steady(freq_hz: int, level: float = 0.3) -> Loop:
    """One tone without end and without a seam."""
    return Loop(steady_tone(freq_hz, level=level))


def tones(freqs_hz: Sequence[float], each_ms: int = 500, level: float = 0.3) -> Loop:
    """Tones one after another, from the beginning again after the last."""
    return Loop(np.concatenate([tone(freq, each_ms, level=level) for freq in freqs_hz]))


def wav(path: str | Path) -> Loop:
    """A WAV file, over and over. Raises ValueError when it cannot be read, OSError when it is not there."""
    samples, rate = read_wav(path)
    return Loop(to_8k(samples, rate))


def to_8k(samples: Samples, rate: int) -> Samples:
    """Another rate to 8 kHz: a windowed low-pass at 3.6 kHz, then linear interpolation; good enough for speech."""
    if rate == RATE_HZ or len(samples) == 0:
        return samples
    sound = samples.astype(np.float64)
    if rate > RATE_HZ:
        taps = np.arange(-64, 65)
        cutoff = 3600 / rate
        kernel = 2 * cutoff * np.sinc(2 * cutoff * taps) * np.hamming(len(taps))
        sound = np.convolve(sound, kernel, mode="same")
    count = len(samples) * RATE_HZ // rate
    at = np.arange(count) * rate / RATE_HZ
    return np.clip(np.interp(at, np.arange(len(sound)), sound), -32768, 32767).astype(np.int16)


@cache
def spoken(text: str = LAB_TEXT, voice: str = "nb") -> Samples:
    """The text as espeak-ng says it, and a second of breath. Raises OSError when espeak-ng is missing or fails."""
    if shutil.which("espeak-ng") is None:
        raise FileNotFoundError("espeak-ng is not installed; on Debian: apt-get install espeak-ng")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        done = subprocess.run(
            ["espeak-ng", "-v", voice, "-w", str(path), text],
            capture_output=True,
            timeout=_SPEECH_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise OSError(f"espeak-ng: {done.stderr.decode(errors='replace').strip()}")
        samples, rate = read_wav(path)
    return np.concatenate([to_8k(samples, rate), silence(1000)])


async def speech(text: str = LAB_TEXT) -> Loop:
    """A voice that says the text again and again; synthesised beside the loop, once for each text."""
    return Loop(await asyncio.to_thread(spoken, text))
