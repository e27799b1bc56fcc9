"""The mixing board, in numpy: frames of all sources in, sums of the sinks' edges out. The reference of the native one.

Sources and sinks have slots, given by the conference. A tick is `pull`, `mix`, `play` for each play, `send`.
"""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kak_server.media.engine import g711
from kak_server.media.engine.frames import FRAME_SAMPLES, Mixed, Pcm, to_pcm
from kak_server.media.engine.ports import Listener, Source, Stream
from kak_server.media.engine.vad import energy_of

SPEAKING_PEAK = 400  # louder than that counts as speech for a gate's buffer
_ROOM = 64
_T = TypeVar("_T", bound=np.generic)

Edges = tuple[tuple[int, float], ...]  # source slots and gains, each source once
Round = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Mixed]  # sinks, sources, gains


class NumpyBoard:
    """All audio of a tick."""

    def __init__(self) -> None:
        self._sources: dict[int, Source] = {}
        self._wanted: set[int] = set()
        self._awake: dict[int, None] = {}
        self._raw: dict[int, bytes | Pcm] = {}
        self._tapped: dict[int, tuple[Listener, ...]] = {}
        self._frames: Pcm = np.zeros((_ROOM, FRAME_SAMPLES), dtype=np.int16)
        self._streams: dict[int, tuple[Stream, g711.Law]] = {}
        self._edges: dict[int, Edges] = {}
        self._rounds: list[Round] | None = None
        self._mixed: Mixed = np.zeros((_ROOM, FRAME_SAMPLES), dtype=np.float32)
        self._hears: set[int] = set()

    # --- sources -----------------------------------------------------------------------------------------------------

    def add_source(self, slot: int, source: Source) -> None:
        """Awake, and not wanted yet."""
        self._frames = _with_room(self._frames, slot)
        self.remove_source(slot)
        self._sources[slot] = source
        self._awake[slot] = None

    def remove_source(self, slot: int) -> None:
        """Idempotent."""
        self._sources.pop(slot, None)
        self._awake.pop(slot, None)
        self._raw.pop(slot, None)
        self._tapped.pop(slot, None)
        self._wanted.discard(slot)
        self._frames[slot] = 0

    def wake(self, slot: int) -> None:
        """A packet came for a source that slept."""
        if slot in self._sources:
            self._awake[slot] = None

    def want(self, slot: int, wanted: bool) -> None:
        """Whether anybody wants its frames."""
        if wanted:
            self._wanted.add(slot)
        else:
            self._wanted.discard(slot)

    def tap(self, slot: int, listeners: tuple[Listener, ...]) -> None:
        """All who take a source's frames from now on, with every `pull`."""
        self._tapped.pop(slot, None)
        if listeners:
            self._tapped[slot] = listeners

    def pull(self) -> list[int]:
        """A frame of every source that is awake, given to its listeners. The slots that fell asleep."""
        asleep: list[int] = []
        companded: dict[g711.Law, tuple[list[int], list[bytes]]] = {"PCMA": ([], []), "PCMU": ([], [])}
        for slot in self._awake:
            source = self._sources[slot]
            frame = source.pull(slot in self._wanted)
            if frame is None:
                if self._raw.pop(slot, None) is not None:
                    self._frames[slot] = 0
                if source.asleep:
                    asleep.append(slot)
                continue
            self._raw[slot] = frame
            if isinstance(frame, bytes):
                slots, parts = companded[source.law or "PCMA"]
                slots.append(slot)
                parts.append(frame)
            else:
                self._frames[slot] = frame
        for law, (slots, parts) in companded.items():
            if slots:
                self._frames[slots] = g711.decode(law, b"".join(parts)).reshape(-1, FRAME_SAMPLES)
        for slot in asleep:
            del self._awake[slot]
        for slot, listeners in list(self._tapped.items()):
            raw = self._raw.get(slot)
            told_law = self._sources[slot].law if isinstance(raw, bytes) else None
            for listener in listeners:
                listener.take(raw, told_law)
        return asleep

    def raw(self, slot: int) -> bytes | Pcm | None:
        """This tick's frame as it came."""
        return self._raw.get(slot)

    def energy(self, slot: int) -> int | None:
        """How loud it is, see vad.energy_of."""
        return energy_of(self._frames[slot]) if slot in self._raw else None

    # --- sinks -------------------------------------------------------------------------------------------------------

    def add_sink(self, slot: int, stream: Stream | None = None, law: g711.Law | None = None) -> None:
        """One that hears nothing yet; with a stream and its law `send` serves it."""
        self._mixed = _with_room(self._mixed, slot)
        self.remove_sink(slot)
        if stream is not None and law is not None:
            self._streams[slot] = stream, law

    def remove_sink(self, slot: int) -> None:
        """Idempotent."""
        self._streams.pop(slot, None)
        self._hears.discard(slot)
        self.connect(slot, ())

    def connect(self, slot: int, edges: Edges) -> None:
        """All that this sink hears from now on."""
        self._edges[slot] = edges
        if not edges:
            del self._edges[slot]
        self._rounds = None

    def mix(self) -> None:
        """Sum the frames into the sinks."""
        if self._rounds is None:
            self._rounds = _rounds(self._edges)
        for number, (sinks, sources, gains) in enumerate(self._rounds):
            part = self._frames[sources] * gains[:, None]
            if number:
                self._mixed[sinks] += part
            else:
                self._mixed[sinks] = part
        self._hears = {
            slot for slot, edges in self._edges.items() if any(source in self._raw for source, _gain in edges)
        }

    def play(self, slot: int, samples: Pcm, gain: float) -> None:
        """After `mix`: add a frame of a play."""
        if slot not in self._hears:
            self._mixed[slot] = 0
            self._hears.add(slot)
        self._mixed[slot] += samples * np.float32(gain)

    def hears(self, slot: int) -> bool:
        """Whether there is anything to hear: a source that gave a frame, or a play."""
        return slot in self._hears

    def mixed(self, slot: int) -> bytes:
        """A sink's sum as linear samples."""
        return to_pcm(self._mixed[slot]).tobytes() if slot in self._hears else bytes(2 * FRAME_SAMPLES)

    def companded(self, slots: list[int], law: g711.Law) -> list[tuple[bytes | None, bool]]:
        """Their sums in a law (None: nothing is heard), and whether somebody speaks in them."""
        heard = [slot for slot in slots if slot in self._hears]
        if not heard:
            return [(None, False)] * len(slots)
        samples = to_pcm(self._mixed[heard])
        frames = g711.encode(law, samples)
        speaking = (np.abs(samples).max(axis=1) > SPEAKING_PEAK).tolist()
        found = {
            slot: (frames[at * FRAME_SAMPLES : (at + 1) * FRAME_SAMPLES], speaking[at]) for at, slot in enumerate(heard)
        }
        return [found.get(slot, (None, False)) for slot in slots]

    def send(self, index: int, slots: Iterable[int]) -> None:
        """This tick's audio on those of the sinks that have a stream: silence where nothing is heard."""
        by_law: dict[g711.Law, list[int]] = {}
        for slot in slots:
            if slot in self._streams:
                by_law.setdefault(self._streams[slot][1], []).append(slot)
        for law, served in by_law.items():
            for slot, (frame, _speaking) in zip(served, self.companded(served, law), strict=True):
                self._streams[slot][0].audio(index, frame or g711.SILENCE[law])


def _with_room(rows: npt.NDArray[_T], slot: int) -> npt.NDArray[_T]:
    if slot < len(rows):
        return rows
    return np.concatenate((rows, np.zeros((slot + _ROOM - len(rows), FRAME_SAMPLES), dtype=rows.dtype)))


def _rounds(edges: dict[int, Edges]) -> list[Round]:
    """The first edge of every sink, then the second of those that have one ...: the same order of sums as one after the
    other, a few numpy calls for all."""
    rounds: list[Round] = []
    for number in range(max(map(len, edges.values()), default=0)):
        nth = [(sink, *pairs[number]) for sink, pairs in edges.items() if len(pairs) > number]
        sinks, sources, gains = zip(*nth, strict=True)
        rounds.append(
            (np.array(sinks, dtype=np.intp), np.array(sources, dtype=np.intp), np.array(gains, dtype=np.float32))
        )
    return rounds
