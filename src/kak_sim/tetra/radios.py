"""A simulated radio: an identity, a selected talkgroup, a push-to-talk key, a loudspeaker that can be recorded.

The radio does what its user (a script, the HTTP API, the command line) does with it: press and let go of the key with a
sound to speak, select a group, start and stop a recording. What it hears is given to it frame by frame, so that a
recording has exactly 8,000 samples for every second it ran, with silence where nothing was to be heard.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kak_sim.audio import FRAME_SAMPLES, RATE_HZ, Samples, mean_power, silence, write_wav
from kak_sim.tetra.network import Denied, Granted, Interrupted, Network, Party, Queued

RECORD_MAX_FRAMES = 600 * 50  # ten minutes
NOTICES_MAX = 20
Source = Iterator[Samples]  # frames of 160 samples


@dataclass(slots=True)
class Recording:
    """What a radio hears, from one moment on."""

    path: Path
    started_ms: int
    frames: list[Samples] = field(default_factory=list)

    def add(self, frame: Samples) -> None:
        """One tick more; a recording that is never stopped ends growing after ten minutes."""
        if len(self.frames) < RECORD_MAX_FRAMES:
            self.frames.append(frame)

    def finish(self) -> dict[str, object]:
        """Write the file. Raises OSError."""
        samples = np.concatenate(self.frames) if self.frames else silence(0)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(self.path, samples)
        return {"path": str(self.path), "started_ms": self.started_ms, "seconds": len(samples) / RATE_HZ}


class Radio:
    """One radio on the network."""

    def __init__(self, issi: int, alias: str, gssi: int, network: Network, clock: Callable[[], int]) -> None:
        self.party = Party("radio", str(issi), issi, alias)
        self.gssi = gssi
        self.key = "idle"  # idle, requested, queued, talking, denied, interrupted
        self.cause = ""  # of a denial or an interruption
        self.hears = ""  # who talks in its group
        self.level_db = -96.0  # of the last frame heard, relative to full scale
        self.frames_heard = 0
        self.frames_spoken = 0
        self.recording: Recording | None = None
        self.notices: list[str] = []
        self._network = network
        self._clock = clock
        self._source: Source | None = None
        self._presses = 0

    @property
    def state(self) -> dict[str, object]:
        """What a person holding it would know, for the API."""
        return {
            "issi": self.party.issi,
            "alias": self.party.alias,
            "gssi": self.gssi,
            "key": self.key,
            "cause": self.cause,
            "hears": self.hears,
            "level_db": round(self.level_db, 1),
            "frames_heard": self.frames_heard,
            "frames_spoken": self.frames_spoken,
            "recording": str(self.recording.path) if self.recording else None,
            "notices": list(self.notices),
        }

    # --- its user ---

    def press(self, source: Source, priority: int = 0) -> None:
        """Press the key and speak `source` once the floor is granted; its end lets the key go."""
        self._presses += 1
        self._source = source
        if self.key != "talking":
            self.key, self.cause = "requested", ""
        self._network.request(self.gssi, self.party, self._token, priority, self._clock())

    def release(self) -> None:
        """Let the key go."""
        self._source = None
        held, self.key, self.cause = self.key, "idle", ""
        if held in ("requested", "queued", "talking"):
            self._network.cease(self.gssi, self.party, self._clock())

    def select(self, gssi: int) -> None:
        """Turn to another talkgroup. A pressed key is let go."""
        self.release()
        self.gssi = gssi
        group = self._network.groups.get(gssi)
        self.hears = group.talker.party.alias if group is not None and group.talker is not None else ""

    def record(self, path: Path) -> None:
        """Record what it hears, from the next tick on. A running recording is written first."""
        self.stop_recording()
        self.recording = Recording(path, self._clock())

    def stop_recording(self) -> dict[str, object] | None:
        """Write the recording; None when there was none. Raises OSError."""
        recording, self.recording = self.recording, None
        return recording.finish() if recording else None

    # --- the network ---

    def told(self, event: Granted | Denied | Queued | Interrupted) -> None:
        """An answer to its key; one for an earlier press is void."""
        if event.token != self._token or self._source is None:
            return
        match event:
            case Granted():
                self.key, self.cause = "talking", ""
            case Queued():
                self.key = "queued"
            case Denied():
                self.key, self.cause, self._source = "denied", event.cause, None
            case Interrupted():
                self.key, self.cause, self._source = "interrupted", event.cause, None

    def notice(self, text: str) -> None:
        """Show a line on its display."""
        self.notices = [*self.notices, text][-NOTICES_MAX:]

    def speak(self) -> Samples:
        """The next frame of its microphone while it talks. The end of the sound lets the key go."""
        frame = next(self._source, None) if self._source is not None else None
        if frame is None:
            self.release()
            return silence(20)
        self.frames_spoken += 1
        return frame

    def hear(self, frame: Samples | None) -> None:
        """One tick of its loudspeaker; None: nobody talks, or it talks itself."""
        if frame is not None:
            self.frames_heard += 1
            power = mean_power(frame) / 32768**2
            self.level_db = float(10 * np.log10(power)) if power > 1e-9 else -96.0
        if self.recording is not None:
            self.recording.add(frame if frame is not None else silence(20))

    @property
    def _token(self) -> str:
        return f"{self.party.name}-{self._presses}"


def frames_of(samples: Samples) -> Source:
    """A sound once, in frames; the last is filled up with silence."""
    for start in range(0, len(samples), FRAME_SAMPLES):
        part = samples[start : start + FRAME_SAMPLES]
        if len(part) < FRAME_SAMPLES:
            part = np.concatenate((part, np.zeros(FRAME_SAMPLES - len(part), dtype=np.int16)))
        yield part


def frames_forever(samples: Samples) -> Source:
    """A seamless sound of whole frames over and over, until the key is let go."""
    while True:
        yield from frames_of(samples)
