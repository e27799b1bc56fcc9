"""The engine: sources, sinks, mixes and plays, and the tick that moves one frame through all of them.

The samples are the board's business (`board`, or the native one); here is who hears whom, who is asleep, what plays.
"""

from functools import partial

import numpy as np

from kak_server.media import rpc
from kak_server.media.engine import g711
from kak_server.media.engine.board import NumpyBoard
from kak_server.media.engine.plays import Play
from kak_server.media.engine.ports import Board, CompandedSink, Listener, OpusSink, Source
from kak_server.media.engine.slots import Slots
from kak_server.media.engine.vad import TalkDetector
from kak_server.media.engine.wiring import Wiring
from kak_server.model.ids import LegId, MixId

PlayKey = tuple[str, int, float]
MixKey = tuple[tuple[int, float], ...]  # sources and gains: equal for sinks that hear the same


class Conference:
    """All audio of one worker. Commands change it between ticks; `tick` returns the events that came of it."""

    def __init__(self, board: Board | None = None) -> None:
        self.plays: dict[str, Play] = {}
        self.watched: dict[LegId, TalkDetector] = {}
        self.encoded_packets = 0  # Opus encodes, to see that identical mixes share one
        self._board: Board = NumpyBoard() if board is None else board
        self._wiring = Wiring()
        self._sources: dict[str, Source] = {}
        self._source_slots = Slots()
        self._asleep: set[str] = set()
        self._taps: dict[str, dict[str, Listener]] = {}
        self._sourceless: dict[str, tuple[Listener, ...]] = {}  # taps whose source is not there
        self._sink_slots = Slots()
        self._slot_of_sink: dict[str, int] = {}  # aliases too
        self._names: dict[int, tuple[str, ...]] = {}  # of a sink slot, the aliases after its own
        self._opus: dict[int, OpusSink] = {}
        self._by_frame: dict[int, CompandedSink] = {}  # those whose frames do not go straight to a stream
        self._stale_encoders: set[int] = set()
        self._heard_by: dict[int, MixKey] = {}  # what each sink slot is connected to
        self._uses: dict[int, int] = {}  # of source slots by sinks
        self._joined: set[int] = set()  # sink slots with an edge, be its source there or not

    # --- what exists -------------------------------------------------------------------------------------------------

    @property
    def mixes(self) -> dict[MixId, tuple[rpc.Edge, ...]]:
        """All mixes; to be changed by `set_mix`."""
        return self._wiring.mixes

    def add_source(self, name: str, source: Source) -> None:
        """A source under its name, replacing one of that name."""
        self._sources[name] = source
        self._asleep.discard(name)
        self._board.add_source(self._source_slots.take(name), source)
        self._wiring.source_changed(name)
        self._want(name)
        self._find_tapped(name)

    def remove_source(self, name: str) -> None:
        """Idempotent. Edges, taps and watches that name it stay."""
        if self._sources.pop(name, None) is None:
            return
        self._asleep.discard(name)
        slot = self._source_slots.give_back(name)
        assert slot is not None, "a source has a slot"
        self._board.remove_source(slot)
        self._wiring.source_changed(name)
        self._find_tapped(name)

    def add_companded_sink(self, name: str, sink: CompandedSink, aliases: tuple[str, ...] = ()) -> None:
        """The sink of an RTP leg with G.711."""
        slot = self._add_sink(name, aliases)
        self._board.add_sink(slot, sink.stream, sink.law)
        if sink.stream is None:
            self._by_frame[slot] = sink

    def add_opus_sink(self, name: str, sink: OpusSink, aliases: tuple[str, ...] = ()) -> None:
        """A WebRTC leg's sink, or that of an RTP leg with Opus."""
        slot = self._add_sink(name, aliases)
        self._board.add_sink(slot)
        self._opus[slot] = sink

    def _add_sink(self, name: str, aliases: tuple[str, ...]) -> int:
        self.remove_sink(name)
        slot = self._sink_slots.take(name)
        self._names[slot] = (name, *aliases)
        for known_as in self._names[slot]:
            self._slot_of_sink[known_as] = slot
            self._wiring.stale[known_as] = None
        return slot

    def remove_sink(self, name: str) -> None:
        """Idempotent. Edges and plays that name it stay."""
        slot = self._sink_slots.give_back(name)
        if slot is None:
            return
        self._connect(slot, ())
        self._board.remove_sink(slot)
        self._opus.pop(slot, None)
        self._by_frame.pop(slot, None)
        self._stale_encoders.discard(slot)
        self._joined.discard(slot)
        for known_as in self._names.pop(slot):
            if self._slot_of_sink.get(known_as) == slot:
                del self._slot_of_sink[known_as]

    def set_mix(self, mix: MixId, edges: tuple[rpc.Edge, ...]) -> None:
        """Replace one mix; no edges removes it."""
        self._wiring.set_mix(mix, edges)

    def tap(self, source: str, name: str, listener: Listener) -> None:
        """Give every tick's frame of `source` (None: nothing came) to `listener`, as it came, with its law."""
        self._taps.setdefault(source, {})[name] = listener
        self._find_tapped(source)
        self._want(source)

    def untap(self, source: str, name: str) -> None:
        """Idempotent."""
        taps = self._taps.get(source, {})
        if taps.pop(name, None) is None:
            return
        if not taps:
            del self._taps[source]
        self._find_tapped(source)
        self._want(source)

    def _find_tapped(self, source: str) -> None:
        listeners = tuple(self._taps.get(source, {}).values())
        slot = self._source_slots.of(source)
        if slot is not None:
            self._board.tap(slot, listeners)
        if slot is None and listeners:
            self._sourceless[source] = listeners
        else:
            self._sourceless.pop(source, None)

    def watch(self, leg: LegId, on: bool, *, once: bool = False) -> None:
        """Start or stop telling who talks; `once`: until the first word."""
        if on:
            self.watched.setdefault(leg, TalkDetector()).once = once
        else:
            self.watched.pop(leg, None)
        self._want(leg)

    def law_of(self, source: str) -> g711.Law | None:
        """The companding of a source that exists, else None."""
        found = self._sources.get(source)
        return found.law if found else None

    # --- the tick ----------------------------------------------------------------------------------------------------

    def tick(self, index: int = 0) -> list[rpc.Event]:
        """Move one frame of everything. `index`: the tick's number."""
        if self._wiring.stale:
            self._reconnect()
        events: list[rpc.Event] = []
        board = self._board
        for tired in board.pull():
            self._fall_asleep(tired)
        if self._sourceless:
            for listeners in list(self._sourceless.values()):
                for listener in listeners:
                    listener.take(None, None)
        told: list[LegId] = []
        for leg, detector in self.watched.items():
            row = self._source_slots.of(leg)
            if detector.feed(None if row is None else board.energy(row)):
                last = detector.once and detector.talking
                events.append(rpc.LegTalk(leg, detector.talking, round(detector.level, 1), last))
                if last:
                    told.append(leg)
        for leg in told:
            self.watch(leg, False)
        board.mix()
        playing = self._add_plays(events) if self.plays else None
        # A caller in a call or at a play hears silence as packets; one that is only ringing gets none.
        joined = self._joined.union(playing) if playing else self._joined
        board.send(index, joined)
        if self._by_frame:
            self._send_by_frame(joined)
        if self._opus:
            self._send_opus(joined, playing or {})
        return events

    def _reconnect(self) -> None:
        """Look again at the edges of the sinks that a change touched."""
        stale, self._wiring.stale = self._wiring.stale, {}
        for slot in dict.fromkeys(self._slot_of_sink[name] for name in stale if name in self._slot_of_sink):
            gains: dict[int, float] = {}
            joined = False
            for source, gain in self._wiring.into(self._names[slot]):
                joined = True
                row = self._source_slots.of(source)
                if row is not None:
                    gains[row] = gains.get(row, 0.0) + gain
            if joined:
                self._joined.add(slot)
            else:
                self._joined.discard(slot)
            self._connect(slot, tuple(sorted(gains.items())))

    def _connect(self, slot: int, edges: MixKey) -> None:
        before = self._heard_by.get(slot, ())
        if before == edges:
            return
        if edges:
            self._heard_by[slot] = edges
        else:
            del self._heard_by[slot]
        self._board.connect(slot, edges)
        uses = self._uses
        for row, _gain in edges:
            uses[row] = uses.get(row, 0) + 1
        for row, _gain in before:
            uses[row] -= 1
            if not uses[row]:
                del uses[row]
        for row, _gain in (*before, *edges):
            name = self._source_slots.name_of(row)
            if name is not None:
                self._want(name)

    def _want(self, name: str) -> None:
        """Frames that nobody wants need not be decoded."""
        slot = self._source_slots.of(name)
        if slot is not None:
            self._board.want(slot, slot in self._uses or name in self._taps or name in self.watched)

    def _fall_asleep(self, slot: int) -> None:
        """An idle seat's memory is not even looked at until a packet comes for it."""
        name = self._source_slots.name_of(slot)
        assert name is not None, "who fell asleep was there"
        self._asleep.add(name)
        self._sources[name].on_sound = partial(self._wake, name)

    def _wake(self, name: str) -> None:
        """A packet came for a source that slept."""
        slot = self._source_slots.of(name)
        if name in self._asleep and slot is not None:
            self._asleep.discard(name)
            self._board.wake(slot)

    def _add_plays(self, events: list[rpc.Event]) -> dict[int, tuple[PlayKey, ...]]:
        """Add the plays; which play positions each sink slot hears, silent ones too. A play whose sink is not there
        stands still."""
        playing: dict[int, tuple[PlayKey, ...]] = {}
        for name, play in list(self.plays.items()):
            slot = self._slot_of_sink.get(play.sink)
            if slot is None:
                continue
            position = play.position
            frame = play.next_frame()
            heard = playing.setdefault(slot, ())
            if frame is not None:
                self._board.play(slot, frame, play.gain)
                playing[slot] = (*heard, (play.source, position, play.gain))
            if play.ended:
                del self.plays[name]
                events.append(rpc.PlayEnded(name))
        return playing

    def _send_by_frame(self, joined: set[int]) -> None:
        by_law: dict[g711.Law, list[int]] = {}
        for slot, sink in self._by_frame.items():
            if slot in joined or sink.gated:
                by_law.setdefault(sink.law or "PCMA", []).append(slot)
        for law, slots in by_law.items():
            for slot, (frame, speaking) in zip(slots, self._board.companded(slots, law), strict=True):
                self._by_frame[slot].send_frame(frame, speaking)

    def _send_opus(self, joined: set[int], playing: dict[int, tuple[PlayKey, ...]]) -> None:
        packets: dict[object, bytes] = {}
        for slot, sink in self._opus.items():
            if not self._board.hears(slot):
                sink.send_nothing(slot in joined)
                continue
            key = (self._heard_by.get(slot, ()), playing.get(slot, ()))
            packet = packets.get(key)
            if packet is None:
                frame = np.frombuffer(self._board.mixed(slot), dtype=np.int16)
                packet = packets[key] = sink.encode(frame, slot in self._stale_encoders)
                self.encoded_packets += 1
                self._stale_encoders.discard(slot)
            else:
                self._stale_encoders.add(slot)
            sink.send_packet(packet)
