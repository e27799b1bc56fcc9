"""Tracks that a worker writes. Each is known from its start until its ledger row, also when its call is over: a worker
that dies in between never says that the track is closed, and what it left on the disk is salvaged."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kak_server.bridges.names import contact_of_recording
from kak_server.bridges.outputs import SalvageTrack, StoreTrack
from kak_server.media import rpc
from kak_server.model.ids import RecordingId
from kak_server.model.light import frozen

if TYPE_CHECKING:
    from kak_server.bridges.context import Context


@frozen
class Track:
    """Journalled under `track/<recording>` before the command that starts it."""

    record: rpc.StartRecord
    started_at_ms: int
    ended_at_ms: int = 0  # from then on the disk took nothing of it; 0: it goes on


class Tracks:
    """All tracks without a ledger row yet."""

    def __init__(self, ctx: "Context") -> None:
        self.ctx = ctx
        self.open: dict[RecordingId, Track] = {}

    def started(self, record: rpc.StartRecord) -> None:
        """About to be ordered; ordered again, it is the same track."""
        if record.recording not in self.open:
            self.restore(Track(record, self.ctx.now_ms))
            self.ctx.put(f"track/{record.recording}", self.open[record.recording])

    def restore(self, track: Track) -> None:
        """From the journal."""
        self.open[track.record.recording] = track

    def closed(self, track: rpc.RecordClosed) -> None:
        """Complete on disk: a row for the ledger."""
        self.ctx.emit(StoreTrack(contact_of_recording(track.recording), track))
        self._forget(track.recording)

    def failed(self, told: rpc.RecordFailed) -> None:
        """No more of it is stored. What is will be closed by the worker, or the worker has let go of it."""
        track = self.open.get(told.recording)
        if track is None:
            return
        track = replace(track, ended_at_ms=track.ended_at_ms or told.until_ms or told.lost_from_ms or self.ctx.now_ms)
        if told.stored_ms > 0:
            self.open[told.recording] = track
            self.ctx.put(f"track/{told.recording}", track)
        elif told.stored_ms == 0:
            self._forget(told.recording)
        else:
            self._salvage(track, self.ctx.now_ms)

    def _forget(self, recording: RecordingId) -> None:
        """Nothing more will be heard of it."""
        if self.open.pop(recording, None) is not None:
            self.ctx.delete(f"track/{recording}")

    def salvage(self, known_until_ms: Callable[[RecordingId], int]) -> None:
        """The worker is dead: every file ends where it did."""
        for track in list(self.open.values()):
            self._salvage(track, known_until_ms(track.record.recording))

    def _salvage(self, track: Track, known_until_ms: int) -> None:
        name = track.record.recording
        ended_at_ms = track.ended_at_ms or known_until_ms
        self.ctx.emit(SalvageTrack(contact_of_recording(name), track.record, track.started_at_ms, ended_at_ms))
        self._forget(name)
