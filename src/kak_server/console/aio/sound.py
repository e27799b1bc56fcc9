"""Recordings as PCM WAV files that exist only while they are read: one track, or all tracks of a call mixed.

All functions here read files: run them in a thread.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from kak_server.console.ports import TrackFile
from kak_server.console.wav import HEADER_BYTES, HEADER_SCAN_BYTES, WavError, WavInfo, decode, parse_header, pcm_header
from kak_server.model.light import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRACKS_MAX = 32


class Sound(Protocol):
    """Samples by number."""

    @property
    def rate_hz(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def frames(self) -> int: ...
    def samples(self, first: int, count: int) -> "NDArray[np.int16]":
        """`count` frames from `first`, channels interleaved; silence where the file has less."""


@frozen
class FileSound:
    """One WAV file."""

    path: str
    info: WavInfo

    @property
    def rate_hz(self) -> int:
        """Samples a second and channel."""
        return self.info.rate_hz

    @property
    def channels(self) -> int:
        """1 for all that we record."""
        return self.info.channels

    @property
    def frames(self) -> int:
        """Samples a channel."""
        return self.info.frames

    def samples(self, first: int, count: int) -> "NDArray[np.int16]":
        """Read and decode. A file cut short since its header was read gives silence for the rest."""
        width = self.info.frame_bytes
        with open(self.path, "rb") as file:
            file.seek(self.info.data_offset + first * width)
            stored = file.read(count * width)
        import numpy as np  # see `decode`

        found = decode(self.info, stored[: len(stored) // width * width])
        short = count * self.channels - len(found)
        return found if short <= 0 else np.concatenate([found, np.zeros(short, np.int16)])


@frozen
class Placed:
    """A mono sound on a call's time line, and how loud in each channel of the mix."""

    sound: FileSound
    at_frame: int
    gains: tuple[float, ...]


@frozen
class MixedSound:
    """Several mono sounds together, each from its own moment on."""

    parts: tuple[Placed, ...]
    rate_hz: int
    channels: int
    frames: int

    def samples(self, first: int, count: int) -> "NDArray[np.int16]":
        """Add what overlaps; too loud sums are clipped, not wrapped."""
        import numpy as np  # see `decode`

        total = np.zeros((count, self.channels), np.float32)
        for part in self.parts:
            begin = max(first, part.at_frame)
            end = min(first + count, part.at_frame + part.sound.frames)
            if begin < end:
                mono = part.sound.samples(begin - part.at_frame, end - begin).astype(np.float32)
                total[begin - first : end - first] += mono[:, None] * np.array(part.gains, np.float32)
        return np.clip(np.rint(total), -32_768, 32_767).astype(np.int16).reshape(-1)


def open_track(track: TrackFile) -> FileSound:
    """A track's sound. Raises OSError when the file is gone, WavError when it is no recording."""
    with open(track.path, "rb") as file:
        head = file.read(HEADER_SCAN_BYTES)
        file_bytes = file.seek(0, 2)
    return FileSound(track.path, parse_header(head, file_bytes))


def open_mix(tracks: Sequence[TrackFile], channels: int, max_ms: int) -> MixedSound:
    """All tracks of a call on one time line, by their wall-clock beginnings.

    One channel: everybody in the middle. Two: the caller left, the operator right, the radio on both. At most `max_ms`
    long; what is later is left out. Raises OSError, and WavError when there is nothing to mix.
    """
    if not tracks:
        raise WavError("the call has no recordings")
    if len(tracks) > TRACKS_MAX:
        raise WavError("too many tracks to mix")
    begin_ms = min(track.started_at_ms for track in tracks)
    opened = [(track, open_track(track)) for track in tracks]
    rate_hz = opened[0][1].rate_hz
    if any(sound.rate_hz != rate_hz or sound.channels != 1 for _, sound in opened):
        raise WavError("the tracks differ in sample rate, or are not mono")
    parts = tuple(
        Placed(sound, (track.started_at_ms - begin_ms) * rate_hz // 1000, _gains(track.label, channels))
        for track, sound in opened
    )
    frames = max(part.at_frame + part.sound.frames for part in parts)
    return MixedSound(parts, rate_hz, channels, min(frames, max_ms * rate_hz // 1000))


def _gains(label: str, channels: int) -> tuple[float, ...]:
    if channels == 1:
        return (1.0,)
    return {"caller": (1.0, 0.0), "operator": (0.0, 1.0)}.get(label, (0.7, 0.7))


def file_bytes(sound: Sound) -> int:
    """How long the sound is as a PCM WAV file."""
    return HEADER_BYTES + sound.frames * sound.channels * 2


def read_bytes(sound: Sound, start: int, end: int) -> bytes:
    """Bytes [start, end) of the sound as a PCM WAV file."""
    head = pcm_header(sound.frames, sound.rate_hz, sound.channels)[start:end] if start < HEADER_BYTES else b""
    data_start, data_end = max(0, start - HEADER_BYTES), end - HEADER_BYTES
    if data_end <= data_start:
        return head
    width = sound.channels * 2
    first = data_start // width
    count = -(-data_end // width) - first
    data = sound.samples(first, count).astype("<i2").tobytes()
    return head + data[data_start - first * width : data_end - first * width]
