"""Spoken prompts: WAV files of a folder, made with espeak-ng where they are missing.

Any 8 kHz mono 16 bit WAV put there under the prompt's name replaces the synthesised voice. Where espeak-ng is not
installed a tone pattern stands in, so that a caller never hears nothing.
"""

import shutil
import subprocess
import tempfile
import threading
import wave
from pathlib import Path

import numpy as np

from kak_server.media.engine.frames import RATE_HZ, Pcm
from kak_server.media.engine.tones import tone, whole_frames
from kak_server.media.places import PLACES_MAX, place_prompt
from kak_server.media.worker.log import logger

TEXTS = {
    "queue-welcome": "Du har kommet til nødtelefonen 113. Du blir snart satt i forbindelse med en operatør.",
    "please-hold": "Vennligst vent, vi setter deg i forbindelse med en ny operatør.",
    "parked": "Samtalen din er satt på vent hos oss. Vi er straks tilbake.",
    "not-taken": "Anropet kan ikke settes over fra dette nummeret. Ved fare for liv og helse, ring 113.",
    "patch-announce": "Oppmerksomhet. En innringer kobles nå til talegruppen.",
}
PLACE_TEXTS = {place_prompt(place): f"Du er nummer {place} i køen." for place in range(1, PLACES_MAX + 1)} | {
    place_prompt(PLACES_MAX + 1): f"Det er minst {PLACES_MAX} foran deg i køen."
}
"""Spoken when first asked for: few installations tell places."""
PROMPT_BYTES_MAX = 16_000_000  # 1,000 s
_ESPEAK_TIMEOUT_S = 30
_SPEED_WPM = "150"


class Prompts:
    """The prompts of one folder, read once each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sounds: dict[str, Pcm] = {}
        self._making = threading.Lock()

    def ensure(self) -> None:
        """Make the standard prompts that are not there yet. Raises OSError if the folder cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, text in TEXTS.items():
            path = self._folder / f"{name}.wav"
            if not path.exists():
                _write_wav(path, _speak(text))

    def prepare(self, name: str) -> None:
        """Read a prompt, made before where it is a place in a queue and not there yet. For a thread: it may take
        seconds, and what fails is logged."""
        with self._making:
            text = PLACE_TEXTS.get(name)
            path = self._folder / f"{name}.wav"
            try:
                if text is not None and not path.exists():
                    self._folder.mkdir(parents=True, exist_ok=True)
                    _write_wav(path, _speak(text))
            except OSError as problem:
                logger().warning("prompt.not_written", prompt=name, problem=str(problem))
            self.sound(name)

    def ready(self, name: str) -> Pcm | None:
        """A prompt that has been read; None if it has not, or cannot be used."""
        return self._sounds.get(name)

    def sound(self, name: str) -> Pcm | None:
        """A prompt's samples, whole frames; None if there is no such prompt or its file cannot be used."""
        if name in self._sounds:
            return self._sounds[name]
        if not name.replace("-", "").replace("_", "").isalnum():
            return None
        path = self._folder / f"{name}.wav"
        try:
            samples = _read_wav(path)
        except (OSError, EOFError, wave.Error) as problem:
            logger().warning("prompt.unusable", prompt=name, problem=str(problem))
            return None
        self._sounds[name] = samples
        return samples


def _read_wav(path: Path) -> Pcm:
    if path.stat().st_size > PROMPT_BYTES_MAX:
        raise wave.Error(f"larger than {PROMPT_BYTES_MAX} bytes")
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE_HZ):
            raise wave.Error("not 8 kHz mono 16 bit")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.int16)
    if not len(samples):
        raise wave.Error("empty")
    return whole_frames(samples)


def _write_wav(path: Path, samples: Pcm) -> None:
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    part.rename(path)


def _speak(text: str) -> Pcm:
    """The text in Norwegian, or a tone pattern where no voice can be had."""
    program = shutil.which("espeak-ng")
    if program is not None:
        with tempfile.TemporaryDirectory() as folder:
            spoken = Path(folder) / "spoken.wav"
            command = [program, "-v", "nb", "-s", _SPEED_WPM, "-w", str(spoken), text]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=_ESPEAK_TIMEOUT_S)
                with wave.open(str(spoken), "rb") as file:
                    rate = file.getframerate()
                    samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
                return _resample(samples, rate)
            except (OSError, EOFError, wave.Error, subprocess.SubprocessError) as problem:
                logger().warning("prompt.no_voice", problem=str(problem))
    stand_in = tone("hold")
    assert stand_in is not None, "the engine has a hold tone"
    return stand_in


def _resample(samples: Pcm, rate_hz: int) -> Pcm:
    """To 8 kHz: a windowed-sinc low-pass at 3.4 kHz, then linear interpolation. Good enough for speech."""
    taps = np.arange(-32, 33)
    cutoff = 3_400 / rate_hz
    kernel = 2 * cutoff * np.sinc(2 * cutoff * taps) * np.hamming(len(taps))
    smooth = np.convolve(samples.astype(np.float64), kernel, mode="same")
    at = np.arange(0, len(samples) - 1, rate_hz / RATE_HZ)
    resampled = np.interp(at, np.arange(len(samples)), smooth)
    pcm: Pcm = np.clip(resampled, -32_768, 32_767).astype(np.int16)
    return pcm
