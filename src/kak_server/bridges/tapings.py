"""Tracks that the disk would not take: begun again in a new file while somebody speaks, and what is missing is proved.

The operator's card says so from the moment a track fails until the first of the next file is on the disk. Attempts go
on for as long as the track is wanted, further and further apart. Each stretch that is missing becomes a row of the
media ledger: from when, until when, why.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kak_server.bridges.names import contact_of_recording, recording_name, track_of_recording
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, StoreGap
from kak_server.media import rpc
from kak_server.model.ids import ContactId, RecordingId
from kak_server.model.light import frozen

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

Wanted = tuple[str, str, str]  # a track's name, label and source

FIRST_WAIT_MS = 5_000
LAST_WAIT_MS = 30_000
SCOUT_WAIT_MS = 10_000  # of the one that finds out for all others whether the disk takes anything
ANSWER_WITHIN_MS = 15_000  # a block comes each second; one that is given no word is given up
HURRY_EACH_MS = 5_000
STEADY_MS = 60_000  # a file that lasted less was no success that the next attempt may be sooner for


@frozen
class Taping:
    """One track of a contact that has failed before. Journalled under `taping/<contact>.<track>`."""

    contact: ContactId
    track: str  # "caller", "operator-3": what it is called within its contact
    label: str
    source: str
    segment: int = 1  # of the file that is written, tried, or was last
    since_ms: int = 0  # what was said from then on is not stored; 0: all is
    code: str = ""
    reason: str = ""
    attempts: int = 0  # one after the other, without a file that lasted
    trying: bool = False  # a file was ordered and has not been told of
    due_ms: int = 0  # of the next attempt, or of giving this one up
    begun_ms: int = 0  # when the last file began
    suspect: bool = False  # ordered while others fail: nothing is known of it yet, and it is not said to record

    def key(self) -> str:
        """Of its record, and of its timer."""
        return f"taping/{self.contact}.{self.track}"

    @property
    def is_lost(self) -> bool:
        """Whether what is said now is not stored, as far as we know."""
        return self.since_ms > 0

    @property
    def waits(self) -> bool:
        """No file is to be written until the next attempt."""
        return self.is_lost and not self.trying


def wait_ms(attempts: int, scouts: bool = False) -> int:
    """Before the attempt that follows so many in vain: 5 s, 10 s, 20 s, then 30 s each; 10 s for the scout."""
    return min(SCOUT_WAIT_MS if scouts else LAST_WAIT_MS, FIRST_WAIT_MS << min(attempts, 3))


class Tapings:
    """All of them, by contact and track."""

    def __init__(self, ctx: "Context") -> None:
        self.ctx = ctx
        self.of: dict[ContactId, dict[str, Taping]] = {}
        self.lost: dict[str, None] = {}  # keys of those that are not stored just now; the first one is the scout
        self._hurried_ms = 0
        self.on_change: Callable[[ContactId], None] = lambda contact: None  # its plan, and its card

    # --- from the worker ----------------------------------------------------------------------------------------------

    def failed(self, event: rpc.RecordFailed) -> None:
        """Nothing more of a track is stored."""
        contact, track = contact_of_recording(event.recording), track_of_recording(event.recording)
        told = self.ctx.tracks.open.get(event.recording)
        known = self.of.get(contact, {}).get(track)
        order = self._ordered(event.recording)
        self.ctx.tracks.failed(event)
        if order is not None:
            self._lose(known or Taping(contact, track, order.label, order.source), event)
        elif told is not None and not told.ended_at_ms and not (known is not None and known.is_lost):
            # its last second, when it was over or about to be
            from_ms, to_ms = event.lost_from_ms or self.ctx.now_ms, event.until_ms or self.ctx.now_ms
            self._missing(told.record, from_ms, to_ms, event.code, event.reason)

    def begun(self, event: rpc.RecordBegun) -> None:
        """The first of a file is on the disk: it records again."""
        known = self.of.get(contact_of_recording(event.recording), {}).get(track_of_recording(event.recording))
        if known is None or not known.trying or self._ordered(event.recording) is None:
            return
        fields = {"recording": event.recording, "missing_ms": max(0, event.started_at_ms - known.since_ms)}
        self.ctx.emit(Note("record_begun_again", "warning", fields))
        self._stored_again(known, event.started_at_ms, begun_ms=self.ctx.now_ms)
        self._hurry()

    def due(self, rest: str) -> None:
        """The time of an attempt, or the end of one that nothing was heard of."""
        if f"taping/{rest}" not in self.lost:
            return
        now_ms, one = self.ctx.now_ms, self._by_key(f"taping/{rest}")
        if one.trying:
            attempts = one.attempts + 1
            due_ms = now_ms + self._wait_ms(one, attempts)
            one = replace(one, trying=False, attempts=attempts, due_ms=due_ms, suspect=False)
        elif self.ctx.worker_attached:
            one = self._attempt(one)
        else:
            one = replace(one, due_ms=now_ms + FIRST_WAIT_MS)
        self._keep(one)
        self.on_change(one.contact)

    def attaching(self, new_boot: bool) -> None:
        """A census is about to be compared: a new worker tries them all."""
        for key in list(self.lost) if new_boot else ():
            self._keep(self._attempt(self._by_key(key)))

    def attached(self, census: rpc.Census) -> None:
        """It is told again what may have been said while nobody listened."""
        failed = set(census.failed)
        for recording in census.recordings:
            order = self._ordered(recording)
            if order is not None and (order.tell or recording in failed):
                self.ctx.media(order)

    # --- from the house -----------------------------------------------------------------------------------------------

    def wanted(self, contact: ContactId, tracks: Collection[Wanted]) -> None:
        """Only these are to be recorded from now on: what is missing of the others ends here. One that is new while
        others fail is not believed to be stored before the worker says so."""
        names = {track for track, _, _ in tracks}
        for one in list(self.of.get(contact, {}).values()):
            if one.is_lost and one.track not in names:
                self._stored_again(replace(one, segment=one.segment + 1), self.ctx.now_ms, begun_ms=0)
        for track, label, source in tracks if self.lost else ():
            first = recording_name(contact, track, self.ctx.incarnation)
            if track not in self.of.get(contact, {}) and first not in self.ctx.tracks.open:
                self._suspect(Taping(contact, track, label, source))

    def over(self, contact: ContactId) -> None:
        """The contact has ended."""
        self.wanted(contact, ())
        for one in self.of.pop(contact, {}).values():
            self.ctx.delete(one.key())

    def restore(self, one: Taping) -> None:
        """From the journal."""
        self.of.setdefault(one.contact, {})[one.track] = one
        if one.is_lost:
            self.lost[one.key()] = None

    def resume(self, contacts: Collection[ContactId]) -> None:
        """After a restart, with the contacts there are."""
        for contact in [contact for contact in self.of if contact not in contacts]:
            self.over(contact)
        for key in self.lost:
            self.ctx.emit(SetTimer(key, self._by_key(key).due_ms))
        if self.lost:
            self.ctx.notices.recording(failing=True)

    def shown(self, contact: ContactId) -> dict[str, Any] | None:
        """What a card says of what is missing; None when all is stored."""
        lost = [one for one in self.of.get(contact, {}).values() if one.is_lost]
        if not lost:
            return None
        first = min(lost, key=lambda one: one.since_ms)
        labels = sorted({one.label for one in lost})
        return {"since_ms": first.since_ms, "code": first.code, "labels": labels}

    # --- the parts they share -----------------------------------------------------------------------------------------

    def _suspect(self, one: Taping) -> None:
        now_ms, code = self.ctx.now_ms, self._by_key(next(iter(self.lost))).code
        due_ms = now_ms + ANSWER_WITHIN_MS
        self._keep(replace(one, since_ms=now_ms, code=code, trying=True, due_ms=due_ms, suspect=True))
        self.on_change(one.contact)

    def _lose(self, one: Taping, event: rpc.RecordFailed) -> None:
        now_ms = self.ctx.now_ms
        steady = one.suspect or (not one.is_lost and (not one.begun_ms or now_ms - one.begun_ms >= STEADY_MS))
        one = replace(one, since_ms=0, suspect=False) if one.suspect else one
        attempts = 0 if steady else one.attempts + 1
        one = replace(
            one,
            since_ms=one.since_ms or event.lost_from_ms or now_ms,
            code=event.code,
            reason=event.reason,
            attempts=attempts,
            trying=False,
            due_ms=now_ms + self._wait_ms(one, attempts),
        )
        self._keep(one)
        self.on_change(one.contact)

    def _hurry(self) -> None:
        """Where one can be written, others may be too: they are tried at once."""
        now_ms = self.ctx.now_ms
        if now_ms - self._hurried_ms < HURRY_EACH_MS:
            return
        self._hurried_ms = now_ms
        for key in list(self.lost):
            one = self._by_key(key)
            if one.waits and one.due_ms > now_ms:
                self._keep(replace(one, due_ms=now_ms))

    def _wait_ms(self, one: Taping, attempts: int) -> int:
        return wait_ms(attempts, scouts=next(iter(self.lost), one.key()) == one.key())

    def _attempt(self, one: Taping) -> Taping:
        return replace(one, trying=True, segment=one.segment + 1, due_ms=self.ctx.now_ms + ANSWER_WITHIN_MS)

    def _stored_again(self, one: Taping, at_ms: int, *, begun_ms: int) -> None:
        record = rpc.StartRecord(RecordingId(f"{one.contact}.{one.track}"), one.source, "", one.label)
        if not one.suspect:
            self._missing(record, one.since_ms, at_ms, one.code, one.reason)
        self._keep(replace(one, since_ms=0, trying=False, due_ms=0, begun_ms=begun_ms, suspect=False))
        self.on_change(one.contact)

    def _missing(self, record: rpc.StartRecord, from_ms: int, to_ms: int, code: str, reason: str) -> None:
        if to_ms > from_ms:
            name = RecordingId(f"{record.recording}.gap-{from_ms}")
            contact = contact_of_recording(record.recording)
            self.ctx.emit(StoreGap(contact, name, record.source, record.label, from_ms, to_ms, f"{code}: {reason}"))

    def _keep(self, one: Taping) -> None:
        failing = bool(self.lost)
        self.restore(one)
        if not one.is_lost:
            self.lost.pop(one.key(), None)
        self.ctx.put(one.key(), one)
        self.ctx.emit(SetTimer(one.key(), one.due_ms) if one.is_lost else CancelTimer(one.key()))
        if failing != bool(self.lost):
            self.ctx.notices.recording(failing=not failing)

    def _by_key(self, key: str) -> Taping:
        contact, _, track = key.removeprefix("taping/").partition(".")
        return self.of[ContactId(contact)][track]

    def _ordered(self, recording: RecordingId) -> rpc.StartRecord | None:
        """How it was ordered, if it is to be written now."""
        plan = self.ctx.desk.plans.get(f"contact/{contact_of_recording(recording)}")
        return plan.recordings.get(recording) if plan is not None else None
