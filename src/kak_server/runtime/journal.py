"""The journal: what must survive a kill -9, written before its effects leave.

One writer (the control loop). `append_event`, `put` and `delete` return when the record is with the operating system,
normally within some tens of microseconds; the disk follows in `syncer.py`. A disk that fails does not stop a call: the
records wait in memory, alarmed, and are written as soon as it takes them again.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kak_server.model.codec import dumps
from kak_server.routing.api import Event
from kak_server.routing.codec import encode_event
from kak_server.runtime.frames import SEGMENT_MAGIC, encode_frame
from kak_server.runtime.segment_writer import SegmentWriter
from kak_server.runtime.segments import (
    Contents,
    JournalError,
    Replay,
    load,
    lock_folder,
    read_generation,
    write_generation,
)
from kak_server.runtime.syncer import RETRY_S, Syncer

LAG_ALARM_MS = 100.0
CHECKPOINT_SHARE = 4  # a segment is at least so many times its checkpoint: 10,000 waiting contacts take some MB
GATHER_S = 0.04  # records of so long share one fdatasync where nobody waits for it

AlarmKind = Literal["degraded", "recovered", "overflow", "sync-lag", "sync-error", "not-waited"]


@dataclass(frozen=True, slots=True)
class JournalAlarm:
    """Something a person must know: kind for the metrics, text for the person."""

    kind: AlarmKind
    text: str


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """`durability` "disk" waits for the disk at each record, at most `wait_ms`, then goes on, alarmed."""

    durability: Literal["write", "disk"] = "write"
    wait_ms: int = 50
    segment_bytes: int = 16 * 1024 * 1024
    keep_segments: int = 16
    pending_limit_bytes: int = 64 * 1024 * 1024


class Journal:
    """Append-only and exclusively ours, for one writing thread. Callbacks may come from the sync thread and must not
    call the journal."""

    def __init__(
        self,
        folder: Path,
        lock_fd: int,
        generation: int,
        contents: Contents,
        settings: JournalSettings,
        on_alarm: Callable[[JournalAlarm], None],
        on_sync_lag: Callable[[float], None],
        monotonic_s: Callable[[], float],
    ) -> None:
        """Use `Journal.open`."""
        self.folder = folder
        self.generation = generation
        self.settings = settings
        self._lock_fd = lock_fd
        self._on_alarm = on_alarm
        self._on_sync_lag = on_sync_lag
        self._monotonic_s = monotonic_s
        self._guard = threading.Lock()
        self._serial = contents.last_serial
        self._live: dict[str, bytes] = {
            key: dumps({"k": "put", "key": key, "value": value}) for key, value in contents.values.items()
        }
        self._held = 0
        self._unwritten: list[tuple[int, bytes]] = []  # while held: this input's records so far
        self._pending: deque[tuple[int, bytes]] = deque()
        self._pending_bytes = 0
        self._dropped = 0
        self._retry_at_s = 0.0
        self._lagging = False
        self._checkpoint_bytes = 0
        self._writer = SegmentWriter(folder, contents, lambda text: self._alarm("sync-error", text))
        self._syncer = Syncer(
            self._writer.fd,
            folder,
            monotonic_s=monotonic_s,
            on_lag=self._lag_measured,
            on_error=lambda text: on_alarm(JournalAlarm("sync-error", f"fdatasync failed: {text}")),
            on_tick=self.retry,
            gather_s=0.0 if settings.durability == "disk" else GATHER_S,
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
    ) -> tuple["Journal", Replay]:
        """Lock the folder, read it back, begin a new generation.

        `now_ms` (UTC) is noted in the boot record. `on_sync_lag` gets the age (ms) of the oldest record of each sync.
        A torn end is cut off and kept in a file beside; `Replay.lost` says what was lost.
        Raises JournalLockedError if another process has it, JournalError if the folder cannot be used.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock_fd = lock_folder(folder)
        except OSError as problem:
            raise JournalError(f"cannot use data folder {folder}: {problem.strerror}") from problem
        try:
            contents = load(folder)
            generation = max(contents.last_generation, read_generation(folder)) + 1
            try:
                write_generation(folder, generation)
            except OSError as problem:  # a full disk must not keep the server from starting
                on_alarm(JournalAlarm("degraded", f"generation {generation} could not be noted: {problem.strerror}"))
            journal = cls(
                folder, lock_fd, generation, contents, settings or JournalSettings(), on_alarm, on_sync_lag, monotonic_s
            )
        except OSError as problem:
            os.close(lock_fd)
            raise JournalError(f"cannot use data folder {folder}: {problem.strerror}") from problem
        journal._append(dumps({"k": "boot", "generation": generation, "at_ms": now_ms}))
        replay = Replay(
            generation=generation,
            routing=contents.routing,
            events=tuple(contents.events),
            values=dict(contents.values),
            lost=tuple(contents.lost),
            records=contents.records,
        )
        return journal, replay

    # --- writing ------------------------------------------------------------------------------------------------------

    def append_event(self, event: Event) -> None:
        """Write a routing event: before its effects are carried out, and before the next `checkpoint`."""
        name, data = encode_event(event)
        self._append(dumps({"k": "event", "type": name, "data": data}))

    def put(self, key: str, value: Any) -> None:
        """Remember `value` (JSON values or a dataclass) under `key` until it is replaced or deleted. The same value
        again costs nothing."""
        payload = dumps({"k": "put", "key": key, "value": value})
        if self._live.get(key) != payload:
            self._live[key] = payload
            self._append(payload)

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
            records, self._unwritten = self._unwritten, []
            self._write(records)

    def checkpoint(self, routing_snapshot: Any) -> bool:
        """Begin a new segment with everything that is alive, and drop the oldest segments beyond `keep_segments`.

        Between two events only: `routing_snapshot` (the core's) must be the state after all events appended so far.
        False, and all as before, if the disk refuses; the alarm has been raised.
        """
        self.flush()
        with self._guard:
            serial = self._serial
            payloads = [
                dumps({"k": "checkpoint", "generation": self.generation, "routing": routing_snapshot}),
                *self._live.values(),
                b'{"k":"checkpoint-end"}',
            ]
            frames = [SEGMENT_MAGIC]
            for payload in payloads:
                serial += 1
                frames.append(encode_frame(serial, payload))
            try:
                self._writer.roll(b"".join(frames))
            except OSError as problem:
                self._retry_at_s = self._monotonic_s() + RETRY_S
                self._alarm("degraded", f"no new segment: {problem.strerror}")
                return False
            recovered = bool(self._pending) or self._dropped > 0
            self._serial = serial
            self._checkpoint_bytes = self._writer.size_bytes
            self._pending.clear()
            self._pending_bytes = self._dropped = 0
            self._syncer.switch(self._writer.fd)
            self._syncer.note(serial)
        if recovered:
            self._alarm("recovered", "the journal is whole again: a checkpoint has been written")
        try:
            self._writer.drop_old(max(2, self.settings.keep_segments))
        except OSError as problem:
            self._alarm("sync-error", f"old segments could not be removed: {problem.strerror}")
        return True

    @property
    def checkpoint_due(self) -> bool:
        """The segment is full, or records had to be dropped: call `checkpoint` between two events soon. A refusing
        disk is asked again at most twice a second."""
        full_bytes = max(self.settings.segment_bytes, CHECKPOINT_SHARE * self._checkpoint_bytes)
        wanted = self._writer.size_bytes >= full_bytes or self._dropped > 0
        return wanted and self._monotonic_s() >= self._retry_at_s

    # --- state --------------------------------------------------------------------------------------------------------

    @property
    def degraded(self) -> bool:
        """Records wait in memory because the disk refuses them."""
        return bool(self._pending) or self._dropped > 0

    @property
    def pending_records(self) -> int:
        """How many wait in memory."""
        return len(self._pending)

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
        os.close(self._lock_fd)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _append(self, payload: bytes) -> None:
        self._serial += 1
        self._unwritten.append((self._serial, encode_frame(self._serial, payload)))
        if not self._held:
            self.flush()

    def _write(self, records: list[tuple[int, bytes]]) -> None:
        serial = records[-1][0]
        with self._guard:
            if self._pending:
                self._keep(records)
            else:
                try:
                    self._writer.write(b"".join([frame for _, frame in records]))
                except OSError as problem:
                    self._keep(records)
                    self._retry_at_s = self._monotonic_s() + RETRY_S
                    self._alarm("degraded", f"records wait in memory: {problem.strerror}")
                else:
                    self._syncer.note(serial)
        if self._pending:
            self.retry()
        elif self.settings.durability == "disk" and not self._syncer.wait(serial, self.settings.wait_ms / 1_000):
            self._alarm("not-waited", f"record {serial} was not on the disk within {self.settings.wait_ms} ms")

    def retry(self) -> None:
        """Try to write what waits in memory, at most twice a second. The sync thread calls this too."""
        with self._guard:
            if not self._pending or self._monotonic_s() < self._retry_at_s:
                return
            count = len(self._pending)
            while self._pending:
                serial, frame = self._pending[0]
                try:
                    self._writer.write(frame)
                except OSError:
                    self._retry_at_s = self._monotonic_s() + RETRY_S
                    return
                self._pending.popleft()
                self._pending_bytes -= len(frame)
                self._syncer.note(serial)
            dropped = self._dropped
        text = f"{count} waiting records have been written"
        self._alarm(
            "recovered", text if not dropped else f"{text}; {dropped} were dropped, a checkpoint will heal that"
        )

    def _keep(self, records: list[tuple[int, bytes]]) -> None:
        """Hold records in memory; the oldest go when there are too many."""
        self._pending.extend(records)
        self._pending_bytes += sum(len(frame) for _, frame in records)
        first_drop = self._dropped == 0
        while self._pending_bytes > self.settings.pending_limit_bytes and len(self._pending) > 1:
            self._pending_bytes -= len(self._pending.popleft()[1])
            self._dropped += 1
        if first_drop and self._dropped:
            self._alarm("overflow", "the journal's memory is full: the oldest waiting records are being dropped")

    def _alarm(self, kind: AlarmKind, text: str) -> None:
        self._on_alarm(JournalAlarm(kind, text))

    def _lag_measured(self, lag_ms: float) -> None:
        self._on_sync_lag(lag_ms)
        if lag_ms > LAG_ALARM_MS and not self._lagging:
            self._alarm("sync-lag", f"the disk is {lag_ms:.0f} ms behind")
        self._lagging = lag_ms > LAG_ALARM_MS
