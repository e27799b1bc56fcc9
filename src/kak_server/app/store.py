"""Records for the house, held in memory until the record room is joined."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kak_server.bridges.context import QueueInfo
from kak_server.bridges.outputs import Note, SalvageTrack, StoreCall, StoreTrack
from kak_server.config.settings import Settings
from kak_server.console.ports import TrackFile
from kak_server.model.codec import Json
from kak_server.model.ids import QueueId


class Store:
    """What the composition needs of records."""

    def __init__(self, settings: Settings, note: Callable[[Note], None], now_ms: Callable[[], int]) -> None:
        self._recordings = settings.recordings_dir
        self._calls: dict[str, StoreCall] = {}
        self._tracks: list[StoreTrack] = []

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def call(self, output: StoreCall) -> None:
        """Remember."""
        self._calls[output.contact] = output

    def track(self, output: StoreTrack) -> None:
        """Remember."""
        self._tracks.append(output)

    def salvage(self, output: SalvageTrack) -> None:
        """Nothing yet."""

    def audit(self, operator: str, action: str, subject: str, detail: Mapping[str, Json]) -> None:
        """Nothing yet."""

    def recent(
        self, limit: int, queues: Mapping[QueueId, QueueInfo], names: Mapping[str, str]
    ) -> Sequence[Mapping[str, Json]]:
        """The newest calls with their tracks."""
        rows = []
        for call in list(self._calls.values())[::-1][:limit]:
            values = {k: v for k, v in call.values.items() if k not in ("operator", "position", "room")}
            tracks = [
                {
                    "recording": t.track.recording,
                    "label": t.track.label,
                    "started_at_ms": t.track.started_at_ms,
                    "stored_ms": t.track.stored_ms,
                    "expected_ms": t.track.expected_ms,
                    "sha256": t.track.sha256,
                }
                for t in self._tracks
                if t.contact == call.contact
            ]
            name = names.get(str(call.values["operator"]))
            queue = queues.get(QueueId(str(values["queue"])))
            rows.append(
                {
                    **values,
                    "contact": call.contact,
                    "queue_name": queue.name if queue else "",
                    "operator_name": name,
                    "tracks": tracks,
                }
            )
        return rows

    def tracks(self, contact: str) -> Sequence[TrackFile]:
        """The files of a call."""
        return [self._file(t) for t in self._tracks if t.contact == contact]

    def track_file(self, recording: str) -> TrackFile | None:
        """One file."""
        return next((self._file(t) for t in self._tracks if t.track.recording == recording), None)

    def explain(self, folder: Path, contact: str) -> Sequence[str] | None:
        """Nothing yet."""
        return None

    def _file(self, output: StoreTrack) -> TrackFile:
        t = output.track
        path = Path(self._recordings, t.path).absolute()
        return TrackFile(str(t.recording), output.contact, t.label, str(path), t.started_at_ms, t.stored_ms)
