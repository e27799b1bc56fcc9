"""The journal: what must survive a kill -9, written before its effects leave.

One writer (the control loop). `append_event`, `put` and `delete` return when the record is with the operating system,
normally within some tens of microseconds; the disk follows in `syncer.py`. A disk that fails does not stop a call: the
records wait in memory, alarmed, and are written as soon as it takes them again. A full segment is followed by a new one
at once; the snapshot of the state before it is made elsewhere, from the files (`compactor.py`).
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kak_server.model.codec import dumps
from kak_server.routing.api import Event
from kak_server.routing.codec import encode_event, event_version
from kak_server.runtime.alarms import AlarmKind
from kak_server.runtime.alarms import JournalAlarm as JournalAlarm
from kak_server.runtime.backlog import Backlog, Record
from kak_server.runtime.compactor import LEFT, Compactor, Outcome
from kak_server.runtime.files import FILES, Files
from kak_server.runtime.folder import JournalError, lock_folder, read_generation, write_generation
from kak_server.runtime.frames import SEGMENT_MAGIC, encode_frame
from kak_server.runtime.gathered import Gathered
from kak_server.runtime.healing import Healing
from kak_server.runtime.hooks import Hooks
from kak_server.runtime.journal_settings import JournalSettings as JournalSettings
from kak_server.runtime.next_segment import NextSegment
from kak_server.runtime.patience import Patience
from kak_server.runtime.segment_writer import SegmentWriter
from kak_server.runtime.segments import Contents, Replay, any_state, load
from kak_server.runtime.syncer import RETRY_S, Syncer

LAG_ALARM_MS = 100.0
CHECKPOINT_SHARE = 4  # without a compactor: a segment is at least so many times its checkpoint
ROLL_RETRY_S, ROLL_RETRY_MAX_S = 1.0, 300.0  # a snapshot is dear: a disk that refused is asked again later each time
GATHER_S = 0.04  # records of so long share one fdatasync where nobody waits for it


class Journal:
    """Append-only and exclusively ours, for one writing thread. Callbacks may come from other threads (sync,
    compaction) and must not call the journal."""

    def __init__(
        self,
        folder: Path,
        lock_fd: int,
        generation: int,
        contents: Contents,
        settings: JournalSettings,
        hooks: Hooks,
    ) -> None:
        """Use `Journal.open`."""
        self.folder = folder
        self.generation = generation
        self.settings = settings
        self._lock_fd = lock_fd
        self._hooks = hooks
        self._guard = threading.Lock()
        self._serial = contents.last_serial
        self._now_ms = contents.now_ms
        self._live = contents.payloads
        self._held = 0
        self._unwritten = Gathered()  # while held: the records so far
        self._backlog = Backlog(settings.pending_limit_bytes)
        self._retry_at_s = 0.0
        self._rolling = Patience(ROLL_RETRY_S, ROLL_RETRY_MAX_S)
        self._lagging = False
        self._waits = settings.durability == "disk"
        self._healing = Healing(compacts=hooks.compactor is not None)
        self._checkpoint_bytes = 0
        self._writer = SegmentWriter(folder, contents, lambda text: self._alarm("sync-error", text), hooks.files)
        self._next = NextSegment(folder, hooks.files, hooks.monotonic_s, hooks.on_alarm)
        self._want_next()
        self._syncer = Syncer(
            self._writer.fd,
            folder,
            monotonic_s=hooks.monotonic_s,
            on_lag=self._lag_measured,
            on_error=self._sync_refused,
            on_tick=self.retry,
            gather_s=0.0 if self._waits else GATHER_S,
            files=hooks.files,
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: JournalSettings | None = None,
        *,
        now_ms: int,
        on_alarm: Callable[[JournalAlarm], None] = lambda alarm: None,
        on_sync_lag: Callable[[float], None] = lambda lag_ms: None,
        monotonic_s: Callable[[], float] = time.monotonic,
        compactor: Compactor | None = None,
        files: Files = FILES,
        reads: Callable[[Any], str] = any_state,
    ) -> tuple["Journal", Replay]:
        """Lock the folder, read it back, begin a new generation.

        `now_ms` (UTC) is noted in the boot record. `on_sync_lag` gets the age (ms) of the oldest record of each sync.
        Without a `compactor` full segments are closed by a checkpoint on the loop, and nothing is ever put away.
        `reads` says what is wrong with a snapshot's routing state: then reading begins at an older one.
        A torn end is cut off and kept in a file beside; `Replay.lost` says what was lost.
        Raises JournalLockedError if another process has it, JournalError if the folder cannot be used or a newer
        program wrote it.
        """
        settings = settings or JournalSettings()
        hooks = Hooks(on_alarm, on_sync_lag, monotonic_s, compactor, files)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock_fd = lock_folder(folder)
        except OSError as problem:
            raise JournalError(f"cannot use data folder {folder}: {problem.strerror}") from problem
        try:
            contents = load(folder, settings.newer, reads=reads)
            generation = max(contents.last_generation, read_generation(folder)) + 1
            try:
                write_generation(folder, generation)
            except OSError as problem:  # a full disk must not keep the server from starting
                on_alarm(JournalAlarm("degraded", f"generation {generation} could not be noted: {problem.strerror}"))
            values = dict(contents.values)
            journal = cls(folder, lock_fd, generation, contents, settings, hooks)
        except JournalError:
            os.close(lock_fd)
            raise
        except OSError as problem:
            os.close(lock_fd)
            raise JournalError(f"cannot use data folder {folder}: {problem.strerror}") from problem
        journal._append(dumps({"k": "boot", "generation": generation, "at_ms": now_ms}))
        lost, remarks = tuple(contents.lost), tuple(contents.remarks)
        journal._healing.by_loop = bool(lost)
        replay = Replay(generation, contents.routing, tuple(contents.events), values, lost, contents.records, remarks)
        if compactor is not None:
            compactor.start(journal._compacted)
            if not lost and contents.base < contents.number:
                compactor.ask()
        return journal, replay

    # --- writing ------------------------------------------------------------------------------------------------------

    def append_event(self, event: Event) -> None:
        """Write a routing event: before its effects are carried out, and before the next `upkeep`."""
        name, data = encode_event(event)
        record: dict[str, Any] = {"k": "event", "type": name, "data": data}
        if (version := event_version(name)) > 1:
            record["v"] = version
        self._now_ms = event.now_ms
        self._append(dumps(record))

    def put(self, key: str, value: Any) -> None:
        """Remember `value` (JSON values or a dataclass) under `key` until it is replaced or deleted. The same value
        again costs nothing; of several while held the last is written, for nothing has left in between."""
        payload = dumps({"k": "put", "key": key, "value": value})
        if self._live.get(key) != payload:
            self._live[key] = payload
            self._unwritten.put(key, payload)
            if not self._held:
                self.flush()

    def delete(self, key: str) -> None:
        """Forget `key`; unknown keys cost nothing."""
        if self._live.pop(key, None) is not None:
            self._append(dumps({"k": "del", "key": key}))

    def hold(self) -> None:
        """Until the `release` that belongs to it, records gather for one write: at `flush`, which must come before
        anything that leaves the process, or at the last release."""
        self._held += 1

    def release(self) -> None:
        """End a `hold`."""
        self._held -= 1
        if not self._held:
            self.flush()

    def flush(self) -> None:
        """What was held is with the operating system when this returns."""
        if self._unwritten:
            records = self._unwritten.take(self._serial)
            self._serial = records[-1][0]
            self._write(records)

    # --- segments -----------------------------------------------------------------------------------------------------

    @property
    def upkeep_due(self) -> bool:
        """The segment is full, or the files are not enough for a start: call `upkeep` between two events soon. A
        disk that refused is asked again later each time."""
        full_bytes = self.settings.segment_bytes
        if self._hooks.compactor is None:
            full_bytes = max(full_bytes, CHECKPOINT_SHARE * self._checkpoint_bytes)
        due = self._healing.by_loop or self._backlog.dropped > 0
        if not due and not self._next.refused:
            due = self._writer.size_bytes >= full_bytes or self._healing.by_compactor
        return due and not self._backlog and self._rolling.over(self._hooks.monotonic_s())

    def upkeep(self, routing_snapshot: Callable[[], Any]) -> None:
        """Begin a new segment, between two events only. The state before it is worked out by the compactor from the
        files; `routing_snapshot` is only asked for where they are not enough, since that stops the loop for 20 us a
        contact."""
        if self._hooks.compactor is None or self._healing.by_loop or self._backlog.dropped:
            self.checkpoint(routing_snapshot())
            return
        self._healing.begins(self._writer.number + 1)
        if self._roll([{"k": "segment", "generation": self.generation, "at_ms": self._now_ms}], []):
            self._healing.begun()

    def checkpoint(self, routing_snapshot: Any) -> bool:
        """Begin a new segment with everything that is alive.

        Between two events only: `routing_snapshot` (the core's) must be the state after all events appended so far.
        False, and all as before, if the disk refuses; the alarm has been raised.
        """
        head = {"k": "checkpoint", "generation": self.generation, "at_ms": self._now_ms, "routing": routing_snapshot}
        loss, loss_record, dropped = self._backlog.loss(), self._backlog.loss_record(), self._backlog.dropped > 0
        live = [*self._live.values(), b'{"k":"checkpoint-end"}', *([loss_record] if dropped else [])]
        if not self._roll([head], live):
            return False
        healed = self._healing.checkpointed()
        self._checkpoint_bytes = self._writer.size_bytes
        if dropped:
            self._backlog.healed()
            self._alarm("recovered", f"a checkpoint has made the journal whole; {loss} are missing from its history")
        elif healed:
            self._alarm("recovered", "a checkpoint has made the journal whole for a start")
        return True

    def _roll(self, heads: list[dict[str, Any]], payloads: list[bytes]) -> bool:
        """A new segment with these records. False, and all as before, if the disk refuses."""
        self.flush()
        self.retry()
        if self._backlog:
            return False
        with self._guard:
            serial = self._serial
            frames = [SEGMENT_MAGIC]
            for payload in [*(dumps(head) for head in heads), *payloads]:
                serial += 1
                frames.append(encode_frame(serial, payload))
            ready_fd = self._next.take()
            if ready_fd is not None and payloads:  # many records appear together or not at all, and so by another name
                self._hooks.files.close(ready_fd)
                ready_fd = None
            try:
                self._writer.roll(b"".join(frames), ready_fd)
            except OSError as problem:
                self._want_next()
                if not self._rolling.failing:
                    self._alarm("degraded", f"no new segment: {problem.strerror}")
                self._rolling.refused(self._hooks.monotonic_s())
                return False
            self._serial = serial
            self._syncer.switch(self._writer.fd)
            self._syncer.note(serial)
            self._want_next()
        if self._rolling.done() and not self._backlog.dropped:
            self._alarm("recovered", "a new segment could be begun again")
        if self._hooks.compactor is not None:
            self._hooks.compactor.ask()
        return True

    def _want_next(self) -> None:
        if self._hooks.compactor is not None:  # without one a segment begins with a checkpoint, which appears whole
            self._next.want(self._writer.number + 1)

    # --- state --------------------------------------------------------------------------------------------------------

    @property
    def degraded(self) -> bool:
        """Records wait in memory because the disk refuses them, or had to be dropped there."""
        return bool(self._backlog) or self._backlog.dropped > 0

    @property
    def pending_records(self) -> int:
        """How many wait in memory."""
        return len(self._backlog.records)

    @property
    def dropped_records(self) -> int:
        """How many memory could not hold, until a checkpoint has made that good."""
        return self._backlog.dropped

    @property
    def sync_lag_ms(self) -> float:
        """Age of the oldest record that a power cut would take (ms), also while the disk hangs."""
        return self._syncer.lag_ms()

    def live(self) -> dict[str, int]:
        """Live keys and the bytes each holds: for the census and the metrics."""
        return {key: len(payload) for key, payload in self._live.items()}

    def close(self) -> None:
        """Write and sync what is left, give the folder free."""
        self.flush()
        self._retry_at_s = 0.0
        self.retry()
        self._syncer.stop()
        self._next.stop()
        if self._hooks.compactor is not None:
            self._hooks.compactor.stop()
        os.close(self._lock_fd)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _append(self, payload: bytes) -> None:
        self._unwritten.add(payload)
        if not self._held:
            self.flush()

    def _write(self, records: list[Record]) -> None:
        serial = records[-1][0]
        with self._guard:
            if self._backlog:
                self._keep(records)
            else:
                try:
                    self._writer.write(b"".join([frame for _, frame in records]))
                except OSError as problem:
                    self._keep(records)
                    self._retry_at_s = self._hooks.monotonic_s() + RETRY_S
                    self._alarm("degraded", f"records from {records[0][0]:,} on wait in memory: {problem.strerror}")
                else:
                    self._syncer.note(serial)
        if self._backlog:
            self.retry()
        elif self._waits and not self._syncer.wait(serial, self.settings.wait_ms / 1_000):
            self._waits = False
            text = f"record {serial:,} was not on the disk within {self.settings.wait_ms} ms"
            self._alarm("not-waited", f"{text}; effects do not wait for it until it keeps up")

    def retry(self) -> None:
        """Try to write what waits in memory, at most twice a second. The sync thread calls this too."""
        with self._guard:
            if not self._backlog or self._hooks.monotonic_s() < self._retry_at_s:
                return
            count = len(self._backlog.records)
            while self._backlog:
                serial, frame = self._backlog.records[0]
                try:
                    self._writer.write(frame)
                except OSError:
                    self._retry_at_s = self._hooks.monotonic_s() + RETRY_S
                    return
                self._backlog.done()
                self._syncer.note(serial)
            loss = self._backlog.loss() if self._backlog.dropped else ""
        text = f"{count:,} waiting records have been written"
        if loss:
            self._alarm("lost", f"{text}, but not {loss}: a checkpoint will heal that")
        else:
            self._alarm("recovered", f"{text}; nothing is lost")

    def _keep(self, records: list[Record]) -> None:
        """Hold records in memory; the oldest go when there are too many."""
        if self._backlog.keep(records):
            self._alarm("overflow", "the journal's memory is full: the oldest waiting records are being dropped")

    def _alarm(self, kind: AlarmKind, text: str) -> None:
        self._hooks.on_alarm(JournalAlarm(kind, text))

    def _lag_measured(self, lag_ms: float) -> None:
        """A sync has succeeded."""
        self._hooks.on_sync_lag(lag_ms)
        self._healing.synced()
        if lag_ms > LAG_ALARM_MS and not self._lagging:
            self._lagging = True
            self._alarm("sync-lag", f"the disk is {lag_ms:.0f} ms behind")
        elif lag_ms <= LAG_ALARM_MS and self._lagging:
            self._lagging = False
            self._alarm("caught-up", "the disk keeps up again")
        if self.settings.durability == "disk" and not self._waits and lag_ms <= self.settings.wait_ms:
            self._waits = True
            self._alarm("waiting-again", "the disk keeps up again, and effects wait for it")

    def _sync_refused(self, text: str) -> None:
        self._healing.sync_refused()
        self._alarm("sync-error", f"fdatasync failed: {text}")

    def _compacted(self, outcome: Outcome) -> None:
        """From the compactor's thread."""
        if outcome.stopped:
            self._alarm("compaction-left", LEFT)
            return
        for lost in outcome.lost:
            self._alarm("lost", f"{lost}; a checkpoint of what is in memory will heal that")
        if outcome.problem:
            self._alarm("not-compacted", outcome.problem)
        if self._healing.compacted(outcome):
            self._alarm("recovered", "a snapshot has made the journal whole for a start")
