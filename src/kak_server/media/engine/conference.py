"""The engine: sources, sinks, mixes and plays, and the tick that moves one frame through all of them."""

from collections.abc import Callable
from functools import partial

import numpy as np

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.media.engine.frames import FRAME_SAMPLES, Mixed, Pcm, to_pcm
from kak_server.media.engine.matrix import Flags, compile_matrix
from kak_server.media.engine.plays import Play
from kak_server.media.engine.ports import CompandedSink, OpusSink, Source
from kak_server.media.engine.vad import TalkDetector
from kak_server.model.ids import LegId, MixId

SPEAKING_PEAK = 400  # louder than that counts as speech for a gate's buffer

Tap = Callable[[bytes | Pcm | None, g711.Law | None], None]
Row = tuple[int, str, Source, bool]  # row, name, source, whether anybody wants its frames
PlayKey = tuple[str, int, float]
_LAWS: tuple[g711.Law, ...] = ("PCMA", "PCMU")


class Conference:
    """All audio of one worker. Commands change it between ticks; `tick` returns the events that came of it."""

    def __init__(self) -> None:
        self.mixes: dict[MixId, tuple[rpc.Edge, ...]] = {}
        self.plays: dict[str, Play] = {}
        self.watched: dict[LegId, TalkDetector] = {}
        self.encoded_packets = 0  # Opus encodes, to see that identical mixes share one
        self._sources: dict[str, Source] = {}
        self._companded: dict[str, CompandedSink] = {}
        self._opus: dict[str, OpusSink] = {}
        self._stale_encoders: set[str] = set()
        self._aliases: dict[str, str] = {}
        self._taps: dict[str, dict[str, Tap]] = {}
        self._matrix = compile_matrix((), (), {}, {})
        self._rows: list[Row] = []
        self._awake: list[Row] = []  # those of them that are pulled: an idle seat's memory is not even looked at
        self._asleep: set[str] = set()
        self._companded_rows: dict[g711.Law, dict[int, CompandedSink]] = {}
        self._gated: set[int] = set()  # rows of sinks whose lease is looked at every tick
        self._joined: set[int | None] = set()  # sink rows with an edge, be its source there or not
        self._dirty = True

    # --- what exists -------------------------------------------------------------------------------------------------

    def add_source(self, name: str, source: Source) -> None:
        """A source under its name, replacing one of that name."""
        self._sources[name] = source
        self._asleep.discard(name)
        self._dirty = True

    def remove_source(self, name: str) -> None:
        """Idempotent. Edges, taps and watches that name it stay."""
        self._dirty |= self._sources.pop(name, None) is not None
        self._asleep.discard(name)

    def add_companded_sink(self, name: str, sink: CompandedSink, aliases: tuple[str, ...] = ()) -> None:
        """The sink of an RTP leg with G.711."""
        self._companded[name] = sink
        self._add_aliases(name, aliases)

    def add_opus_sink(self, name: str, sink: OpusSink, aliases: tuple[str, ...] = ()) -> None:
        """A WebRTC leg's sink, or that of an RTP leg with Opus."""
        self._opus[name] = sink
        self._add_aliases(name, aliases)

    def _add_aliases(self, name: str, aliases: tuple[str, ...]) -> None:
        self._aliases.update(dict.fromkeys(aliases, name))
        self._dirty = True

    def remove_sink(self, name: str) -> None:
        """Idempotent. Edges and plays that name it stay."""
        self._companded.pop(name, None)
        self._opus.pop(name, None)
        self._stale_encoders.discard(name)
        self._aliases = {alias: target for alias, target in self._aliases.items() if target != name}
        self._dirty = True

    def set_mix(self, mix: MixId, edges: tuple[rpc.Edge, ...]) -> None:
        """Replace one mix; no edges removes it."""
        if edges:
            self.mixes[mix] = edges
        else:
            self.mixes.pop(mix, None)
        self._dirty = True

    def tap(self, source: str, name: str, tap: Tap) -> None:
        """Give every tick's frame of `source` (None: nothing came) to `tap`, as it came, with its law."""
        self._taps.setdefault(source, {})[name] = tap
        self._dirty = True

    def untap(self, source: str, name: str) -> None:
        """Idempotent."""
        taps = self._taps.get(source, {})
        taps.pop(name, None)
        if not taps:
            self._taps.pop(source, None)
        self._dirty = True

    def watch(self, leg: LegId, on: bool) -> None:
        """Start or stop telling who talks."""
        if on:
            self.watched.setdefault(leg, TalkDetector())
        else:
            self.watched.pop(leg, None)
        self._dirty = True

    def touch(self) -> None:
        """A leg changed its law: look at all of them again."""
        self._dirty = True

    def law_of(self, source: str) -> g711.Law | None:
        """The companding of a source that exists, else None."""
        found = self._sources.get(source)
        return found.law if found else None

    # --- the tick ----------------------------------------------------------------------------------------------------

    def tick(self) -> list[rpc.Event]:
        """Move one frame of everything."""
        if self._dirty:
            self._compile()
        events: list[rpc.Event] = []
        matrix = self._matrix
        raw, frames, present = self._pull()
        for name, taps in self._taps.items():
            row = matrix.source_row.get(name)
            law = None if row is None else self._sources[name].law
            for tap in taps.values():
                tap(None if row is None else raw[row], law)
        for leg, detector in self.watched.items():
            row = matrix.source_row.get(leg)
            if detector.feed(frames[row] if row is not None and present[row] else None):
                events.append(rpc.LegTalk(leg, detector.talking, round(detector.level, 1)))
        mixed, hears = matrix.mix(frames, present)
        playing = self._add_plays(mixed, hears, events)
        # A caller in a call or at a play hears silence as packets; one that is only ringing gets none.
        joined = self._joined.union(playing, (matrix.sink_row.get(play.sink) for play in self.plays.values()))
        self._send_companded(mixed, hears, joined)
        self._send_opus(mixed, hears, joined, playing)
        return events

    def _compile(self) -> None:
        self._matrix = compile_matrix(self._sources, (*self._companded, *self._opus), self._aliases, self.mixes)
        wanted = {*self._taps, *self.watched}
        used = self._matrix.used_sources
        sinks = (self._matrix.sink_row.get(edge.sink) for edges in self.mixes.values() for edge in edges)
        self._joined = {row for row in sinks if row is not None}
        self._rows = [
            (row, name, source, row in used or name in wanted)
            for row, (name, source) in enumerate(self._sources.items())
        ]
        self._awake = [entry for entry in self._rows if entry[1] not in self._asleep]
        self._companded_rows = {
            law: {row: sink for row, sink in enumerate(self._companded.values()) if sink.law == law} for law in _LAWS
        }
        self._gated = {row for row, sink in enumerate(self._companded.values()) if sink.gated}
        self._dirty = False

    def _pull(self) -> tuple[list[bytes | Pcm | None], Pcm, Flags]:
        count = len(self._rows)
        raw: list[bytes | Pcm | None] = [None] * count
        frames: Pcm = np.zeros((count, FRAME_SAMPLES), dtype=np.int16)
        present: Flags = np.zeros(count, dtype=np.bool_)
        companded: dict[g711.Law, tuple[list[int], list[bytes]]] = {"PCMA": ([], []), "PCMU": ([], [])}
        tired: list[Row] = []
        for entry in self._awake:
            row, _, source, wanted = entry
            frame = source.pull(wanted)
            if frame is None:
                if source.asleep:
                    tired.append(entry)
                continue
            raw[row] = frame
            present[row] = True
            if isinstance(frame, bytes):
                rows, parts = companded[source.law or "PCMA"]
                rows.append(row)
                parts.append(frame)
            else:
                frames[row] = frame
        for law, (rows, parts) in companded.items():
            if rows:
                frames[rows] = g711.decode(law, b"".join(parts)).reshape(-1, FRAME_SAMPLES)
        for entry in tired:
            self._awake.remove(entry)
            self._asleep.add(entry[1])
            entry[2].on_sound = partial(self._wake, entry[1])
        return raw, frames, present

    def _wake(self, name: str) -> None:
        """A packet came for a source that slept."""
        row = self._matrix.source_row.get(name)
        if name in self._asleep:
            self._asleep.discard(name)
            if row is not None and not self._dirty:  # else the next tick's compilation finds it
                self._awake.append(self._rows[row])

    def _add_plays(self, mixed: Mixed, hears: Flags, events: list[rpc.Event]) -> dict[int, tuple[PlayKey, ...]]:
        """Add the plays; which play positions each sink row hears. A play whose sink is not there stands still."""
        playing: dict[int, tuple[PlayKey, ...]] = {}
        for name, play in list(self.plays.items()):
            row = self._matrix.sink_row.get(play.sink)
            if row is None:
                continue
            position = play.position
            frame = play.next_frame()
            if frame is not None:
                mixed[row] += frame * np.float32(play.gain)
                hears[row] = True
                playing[row] = (*playing.get(row, ()), (play.source, position, play.gain))
            if play.ended:
                del self.plays[name]
                events.append(rpc.PlayEnded(name))
        return playing

    def _send_companded(self, mixed: Mixed, hears: Flags, joined: set[int | None]) -> None:
        heard = hears.tolist()  # plain values: a numpy flag costs ten times as much to look at
        for law, sinks in self._companded_rows.items():
            looked_at = [row for row in joined | self._gated if row in sinks]
            if not looked_at:
                continue
            rows = [row for row in looked_at if heard[row]]
            samples = to_pcm(mixed[rows])
            frames = g711.encode(law, samples)
            speaking = (np.abs(samples).max(axis=1) > SPEAKING_PEAK).tolist() if rows else ()
            at = 0
            for row in looked_at:
                sink = sinks[row]
                if not heard[row]:
                    sink.send_frame(None, False)
                    continue
                start = at * FRAME_SAMPLES
                sink.send_frame(frames[start : start + FRAME_SAMPLES], speaking[at])
                at += 1

    def _send_opus(
        self, mixed: Mixed, hears: Flags, joined: set[int | None], playing: dict[int, tuple[PlayKey, ...]]
    ) -> None:
        packets: dict[object, bytes] = {}
        for row, (name, sink) in enumerate(self._opus.items(), len(self._companded)):
            if not hears[row]:
                sink.send_nothing(row in joined)
                continue
            key = (self._matrix.keys[row], playing.get(row, ()))
            packet = packets.get(key)
            if packet is None:
                packet = packets[key] = sink.encode(to_pcm(mixed[row]), name in self._stale_encoders)
                self.encoded_packets += 1
                self._stale_encoders.discard(name)
            else:
                self._stale_encoders.add(name)
            sink.send_packet(packet)
