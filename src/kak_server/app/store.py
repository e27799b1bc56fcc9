"""Records for the house: what people look up later. Writing never waits and never raises; reading is for threads."""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from json import loads
from pathlib import Path

from kak_server.bridges.context import QueueInfo
from kak_server.bridges.names import position_of_leg
from kak_server.bridges.outputs import Audit, Note, SalvageTrack, StoreCall, StoreGap, StoreTrack
from kak_server.config.settings import Settings
from kak_server.console.ports import TrackFile
from kak_server.media import rpc
from kak_server.model.codec import Json, dumps, to_json
from kak_server.model.ids import QueueId
from kak_server.records.half_hours import IssuedRow, Wanted
from kak_server.records.salvage import SalvageError, salvage
from kak_server.records.store import RecordStore
from kak_server.records.types import AuditRow, CallRecord, LedgerRow
from kak_server.statistics.columns import By
from kak_server.statistics.halfhours import Row

GOOD_NEWS = ("records_recovered",)


class Store:
    """The record store, fed by the house's outputs."""

    def __init__(self, settings: Settings, note: Callable[[Note], None], now_ms: Callable[[], int]) -> None:
        self._recordings = settings.recordings_dir
        self._note = note
        self._now_ms = now_ms
        self._records = RecordStore(
            settings.storage_url,
            settings.data_dir / "records-waiting.jsonl",
            lambda name, text: note(Note(name, "warning" if name in GOOD_NEWS else "error", {"text": text})),
        )

    def open(self) -> None:
        """Open or create the database. One that cannot be opened is told; calls go on without it."""
        self._records.open()

    def close(self) -> None:
        """Write what is queued."""
        self._records.close()

    @property
    def away(self) -> bool:
        """Whether the database takes no rows; they wait."""
        return self._records.away

    @property
    def dropped(self) -> int:
        """Rows that are lost."""
        return self._records.dropped

    # --- writing ------------------------------------------------------------------------------------------------------

    def call(self, output: StoreCall) -> None:
        """Upsert a call's record."""
        values = output.values
        self._records.put_call(
            CallRecord(
                contact=output.contact,
                queue=str(values["queue"]),
                caller=str(values["caller"]),
                arrived_at_ms=int(values["arrived_at_ms"]),
                answered_at_ms=values["answered_at_ms"],
                ended_at_ms=values["ended_at_ms"],
                operator=values["operator"],
                position=values["position"],
                room=values["room"],
                cause=str(values["cause"]),
                direction=str(values["direction"]),
                parties=dumps(values["parties"]).decode(),
                kind=str(values.get("kind", "voice")),
                text=str(values.get("text", "")),
                messages=dumps(values.get("messages", [])).decode(),
            )
        )

    def track(self, output: StoreTrack) -> None:
        """A ledger row for a complete track."""
        track = output.track
        self._records.add_ledger(
            LedgerRow(
                recording=track.recording,
                contact=output.contact,
                leg=track.source,
                label=track.label,
                path=track.path,
                started_at_ms=track.started_at_ms,
                ended_at_ms=track.ended_at_ms,
                expected_ms=track.expected_ms,
                stored_ms=track.stored_ms,
                gaps=tuple((gap.at_ms, gap.length_ms) for gap in track.gaps),
                sha256=track.sha256,
            )
        )

    def gap(self, output: StoreGap) -> None:
        """A ledger row for what is on no disk: expected, and nothing of it stored."""
        length_ms = output.to_ms - output.from_ms
        self._records.add_ledger(
            LedgerRow(
                recording=output.name,
                contact=output.contact,
                leg=output.leg,
                label=output.label,
                path="",
                started_at_ms=output.from_ms,
                ended_at_ms=output.to_ms,
                expected_ms=length_ms,
                stored_ms=0,
                sha256="",
                gaps=((0, length_ms),),
                reason=output.reason,
            )
        )

    def salvage(self, output: SalvageTrack) -> None:
        """Repair and enter a dead worker's track, off the loop: hashing takes its time."""
        threading.Thread(target=self._salvage, args=(output,), name="salvage", daemon=True).start()

    def _salvage(self, output: SalvageTrack) -> None:
        record = output.recording
        try:
            found = salvage(self._recordings / record.path)
        except SalvageError as problem:
            fields = {"recording": record.recording, "reason": str(problem)}
            self._note(Note("salvage_failed", "error", fields))
            whole = (record.recording, record.source, record.label, output.started_at_ms, output.ended_at_ms)
            if output.ended_at_ms > output.started_at_ms:
                self.gap(StoreGap(output.contact, *whole, f"disk: nothing to be salvaged: {problem}"))
            return
        started = output.started_at_ms
        track = rpc.RecordClosed(
            recording=record.recording,
            source=record.source,
            label=record.label,
            path=record.path,
            started_at_ms=started,
            ended_at_ms=started + found.stored_ms,
            expected_ms=max(found.stored_ms, output.ended_at_ms - started),
            stored_ms=found.stored_ms,
            sha256=found.sha256,
            bytes=found.bytes,
            encoding=found.encoding,
        )
        self.track(StoreTrack(output.contact, track))

    def audit(self, operator: str, action: str, subject: str, detail: Mapping[str, Json]) -> None:
        """A row of the audit log."""
        self._records.audit(AuditRow(secrets.token_hex(16), self._now_ms(), operator, action, subject, detail))

    def put_statistics(self, rows: Sequence[Row]) -> None:
        """Half hours that are over. For a thread: there may be many."""
        self._records.put_statistics(rows)

    def audited(self, output: Audit) -> None:
        """A row of the audit log, by the house."""
        self.audit(output.operator, output.action, output.subject, output.detail)

    # --- reading, in threads ------------------------------------------------------------------------------------------

    def recent(
        self, limit: int, queues: Mapping[QueueId, QueueInfo], names: Mapping[str, str]
    ) -> Sequence[Mapping[str, Json]]:
        """The newest calls with their tracks."""
        rows = []
        for call in self._records.recent_calls(limit):
            info = queues.get(QueueId(call.queue))
            ledger = self._records.ledger(call.contact)
            tracks = [
                {
                    "recording": row.recording,
                    "label": row.label,
                    "position": position_of_leg(row.leg),
                    "started_at_ms": row.started_at_ms,
                    "stored_ms": row.stored_ms,
                    "expected_ms": row.expected_ms,
                    "sha256": row.sha256,
                }
                for row in ledger
                if row.path
            ]
            gaps = [
                {
                    "label": row.label,
                    "from_ms": row.started_at_ms,
                    "to_ms": row.ended_at_ms,
                    "code": row.reason.partition(":")[0],
                }
                for row in ledger
                if not row.path
            ]
            values = to_json(call)
            wanted = ("contact", "queue", "caller", "arrived_at_ms", "answered_at_ms", "ended_at_ms", "cause")
            rows.append(
                {
                    **{key: values[key] for key in wanted},
                    "queue_name": info.name if info is not None else call.queue,
                    "operator_name": names.get(call.operator or "", call.operator),
                    "direction": call.direction,
                    "parties": loads(call.parties),
                    "kind": call.kind,
                    "text": call.text,
                    "messages": loads(call.messages),
                    "tracks": tracks,
                    "recording_gaps": gaps,
                }
            )
        return rows

    def statistics(self, wanted: Wanted) -> Sequence[IssuedRow]:
        """Half hours in the order in which they were issued."""
        return self._records.statistics(wanted)

    def drop_statistics(self, by: By, before_ms: int) -> None:
        """Forget half hours before then."""
        self._records.drop_statistics(by, before_ms)

    def tracks(self, contact: str) -> Sequence[TrackFile]:
        """The files of a call."""
        return [self._file(row) for row in self._records.ledger(contact) if row.path]

    def track_file(self, recording: str) -> TrackFile | None:
        """The file of one track."""
        row = self._records.recording(recording)
        return self._file(row) if row is not None and row.path else None

    def _file(self, row: LedgerRow) -> TrackFile:
        path = Path(self._recordings, row.path).absolute()
        return TrackFile(str(row.recording), str(row.contact), row.label, str(path), row.started_at_ms, row.stored_ms)
