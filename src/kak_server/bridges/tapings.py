"""Tracks that the disk would not take: begun again in a new file while somebody speaks, and what is missing is proved.

The operator's card says so from the moment a track fails until the first of the next file is on the disk. Attempts go
on for as long as the track is wanted, further and further apart. Each stretch that is missing becomes a row of the
media ledger: from when, until when, why.

So it is while no media worker answers: one that is found alive has gone on recording, and nothing is missing; of one
that died everything is, from then on. After a restart of control cards say what was known before, until a worker that
is there would have answered. And a track is said to record only when something shows that the disk takes
anything: another that is being written, or was a moment ago; where nothing does, the worker tells of its first block.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from kak_server.bridges.names import contact_of_recording, recording_name, track_of_recording
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, StoreGap
from kak_server.bridges.taping import AWAY, FIRST_WAIT_MS, LAST_WAIT_MS, NOT_KNOWN, Taping, wait_ms
from kak_server.media import rpc
from kak_server.model.ids import ContactId, RecordingId

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

Wanted = tuple[str, str, str]  # a track's name, label and source
ANSWER_WITHIN_MS = 15_000  # a block comes each second; one that is given no word is given up
HURRY_EACH_MS = 5_000
STEADY_MS = 60_000  # a file that lasted less was no success that the next attempt may be sooner for
PROOF_MS = 2_000  # complete so long ago at most, or written for so long: a file shows that the disk takes anything
PROOFS_LOOKED_AT = 16
NO_WORKER_AFTER_MS = rpc.RETRY_WITHIN_MS + rpc.ATTACH_WITHIN_MS  # of control's start: one that is there has answered
NO_WORKER = "worker/away"  # the timer of that
SILENT = "the media worker said nothing of it"


class Tapings:
    """All of them, by contact and track."""

    def __init__(self, ctx: "Context") -> None:
        self.ctx = ctx
        self.of: dict[ContactId, dict[str, Taping]] = {}
        self.lost: dict[str, None] = {}  # keys of those that fail just now; the first one is the scout
        self.doubted: dict[str, None] = {}  # keys of those of which nobody knows
        self.proved_ms = 0  # when a file was last said to be complete, or begun
        self._away = True  # no worker answers
        self._awaited_from_ms = 0  # since control came back, until a worker has answered or would have
        self._tells = False  # the worker says when a file is begun, if asked
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
        self.proved_ms = self.ctx.now_ms
        if not known.suspect:
            fields = {"recording": event.recording, "missing_ms": max(0, event.started_at_ms - known.since_ms)}
            self.ctx.emit(Note("record_begun_again", "warning", fields))
        begun_ms = self.ctx.now_ms if known.fails else known.begun_ms  # one that never failed is no attempt
        self._stored_again(known, event.started_at_ms, begun_ms=begun_ms)
        self._hurry()

    def due(self, rest: str) -> None:
        """The time of an attempt, or the end of one that nothing was heard of."""
        if f"taping/{rest}" not in self.lost and f"taping/{rest}" not in self.doubted:
            return
        now_ms, one = self.ctx.now_ms, self._by_key(f"taping/{rest}")
        if self._away and not one.fails:
            self._keep(replace(one, due_ms=now_ms + LAST_WAIT_MS))
            return
        if one.trying:
            attempts = one.attempts + 1
            due_ms = now_ms + self._wait_ms(one, attempts)
            one = one if one.fails else replace(one, code="slow", reason=SILENT)
            one = replace(one, trying=False, attempts=attempts, due_ms=due_ms, suspect=False)
        elif self.ctx.worker_attached:
            one = self._attempt(one)
        else:
            one = replace(one, due_ms=now_ms + FIRST_WAIT_MS)
        self._keep(one)
        self.on_change(one.contact)

    def worker_gone(self) -> None:
        """No worker answers. It may go on, or be dead: until one answers nothing is said to be stored."""
        self._away = True
        self._not_known_from(self.ctx.now_ms)

    def none_came(self) -> bool:
        """Control came back, and none has answered in the time that one takes; whether that is so. The last that may
        have been stored was before control came back."""
        since_ms, self._awaited_from_ms = self._awaited_from_ms, 0
        if since_ms:
            self._not_known_from(since_ms)
        return since_ms > 0

    def _not_known_from(self, since_ms: int) -> None:
        contacts = dict[ContactId, None]()
        plans = [plan for owner, plan in self.ctx.desk.plans.items() if owner.startswith("contact/")]
        for order in [order for plan in plans for order in plan.recordings.values()]:
            contact, track = contact_of_recording(order.recording), track_of_recording(order.recording)
            one = self.of.get(contact, {}).get(track) or Taping(contact, track, order.label, order.source)
            if not one.fails:
                self._away_with(one, order, since_ms)
                contacts[contact] = None
        for contact in contacts:
            self.on_change(contact)

    def _away_with(self, one: Taping, order: rpc.StartRecord, since_ms: int) -> None:
        """A track may have gone with the worker. What was missing of it before that worker had its order is missing."""
        ordered = self.ctx.tracks.open.get(order.recording)
        if one.is_lost and one.suspect and one.code == AWAY:  # no worker has cleared that up
            since_ms = one.since_ms
        elif one.is_lost and not one.suspect:
            if ordered is None:  # nobody has had the order yet
                since_ms = one.since_ms
            else:
                self._say_missing(one, ordered.started_at_ms)
        self._doubt(one, AWAY, since_ms, suspect=ordered is not None)

    def known_until_ms(self, recording: RecordingId) -> int:
        """Until when a worker that is dead is known to have lived, of a track that it had open."""
        one = self.of.get(contact_of_recording(recording), {}).get(track_of_recording(recording))
        return one.since_ms if one is not None and one.is_lost and one.code == AWAY else self.ctx.now_ms

    def attaching(self, census: rpc.Census, new_boot: bool) -> None:
        """A census is about to be compared: a new worker tries them all. One that was there all along has gone on with
        what it holds; what it does not hold is missing."""
        self._away, self._tells = False, census.tells_begun
        if self._awaited_from_ms:
            self._awaited_from_ms = 0
            self.ctx.emit(CancelTimer(NO_WORKER))
        self.proved_ms = 0 if new_boot else self.proved_ms
        for key in list(self.lost) if new_boot else ():
            self._keep(self._attempt(self._by_key(key)))
        held, failed = set(census.recordings), set(census.failed)
        for key in list(self.doubted):
            one = self._by_key(key)
            name = recording_name(one.contact, one.track, self.ctx.incarnation, one.segment)
            if name not in held:
                suspect = one.suspect and one.code == NOT_KNOWN and not new_boot  # ordered, and not heard of yet
                self._doubt(one, one.code, one.since_ms, suspect=suspect)
            elif one.code == AWAY and name not in failed:
                self._stored_again(one, self.ctx.now_ms, begun_ms=one.begun_ms)

    def attached(self, census: rpc.Census) -> None:
        """It is told again what may have been said while nobody listened."""
        failed = set(census.failed)
        for recording in census.recordings:
            order = self._ordered(recording)
            if order is not None and (order.tell or recording in failed):
                self.ctx.media(order)
        for key in () if self._tells else list(self.doubted):  # a worker of before: it has its orders
            self._stored_again(self._by_key(key), self.ctx.now_ms, begun_ms=0)

    # --- from the house -----------------------------------------------------------------------------------------------

    def wanted(self, contact: ContactId, tracks: Collection[Wanted]) -> None:
        """Only these are to be recorded from now on: what is missing of the others ends here. One that is new is not
        believed to be stored before the worker says so, where others fail or nothing shows that the disk works."""
        names = {track for track, _, _ in tracks}
        for one in list(self.of.get(contact, {}).values()):
            if one.is_lost and one.track not in names:
                self._stored_again(replace(one, segment=one.segment + 1), self.ctx.now_ms, begun_ms=0)
        for track, label, source in tracks if self._doubts else ():
            first = recording_name(contact, track, self.ctx.incarnation)
            if track not in self.of.get(contact, {}) and first not in self.ctx.tracks.open:
                code = self._by_key(next(iter(self.lost))).code if self.lost else AWAY if self._away else NOT_KNOWN
                self._doubt(Taping(contact, track, label, source), code, self.ctx.now_ms, suspect=not self._away)
                self.on_change(contact)

    def concerns(self, contact: ContactId) -> bool:
        """Whether its tracks are to be looked at when it is planned."""
        return contact in self.of or self._doubts

    def over(self, contact: ContactId) -> None:
        """The contact has ended."""
        self.wanted(contact, ())
        for one in self.of.pop(contact, {}).values():
            self.ctx.delete(one.key())

    def restore(self, one: Taping) -> None:
        """From the journal."""
        self.of.setdefault(one.contact, {})[one.track] = one
        if one.is_lost:
            (self.lost if one.fails else self.doubted)[one.key()] = None

    def resume(self, contacts: Collection[ContactId]) -> None:
        """After a restart, with the contacts there are. A worker that is there answers in a moment, and goes on
        recording until then."""
        self._awaited_from_ms = self.ctx.now_ms
        self.ctx.emit(SetTimer(NO_WORKER, self.ctx.now_ms + NO_WORKER_AFTER_MS))
        for contact in [contact for contact in self.of if contact not in contacts]:
            self.over(contact)
        for key in (*self.lost, *self.doubted):
            self.ctx.emit(SetTimer(key, self._by_key(key).due_ms))
        if self.lost:
            self.ctx.notices.recording(failing=True)

    def stores(self, contact: ContactId) -> bool:
        """Whether all that is to be recorded of it is, as far as we know."""
        return not any(one.is_lost for one in self.of.get(contact, {}).values())

    def shown(self, contact: ContactId) -> dict[str, Any] | None:
        """What a card says of what is missing; None when nothing is known to be."""
        lost = [one for one in self.of.get(contact, {}).values() if one.is_lost and one.code != NOT_KNOWN]
        if not lost:
            return None
        first = min(lost, key=lambda one: one.since_ms)
        labels = sorted({one.label for one in lost})
        return {"since_ms": first.since_ms, "code": first.code, "labels": labels}

    # --- the parts they share -----------------------------------------------------------------------------------------

    @property
    def _doubts(self) -> bool:
        """Whether a track that is new may not be stored."""
        return bool(self.lost) or self._away or (self._tells and not self._proved())

    def _proved(self) -> bool:
        """Whether the disk took something a moment ago."""
        now_ms, open_ = self.ctx.now_ms, self.ctx.tracks.open
        if now_ms - self.proved_ms < PROOF_MS:
            return True
        for name, track in islice(open_.items(), PROOFS_LOOKED_AT):
            if not track.ended_at_ms and now_ms - track.started_at_ms >= PROOF_MS and self._ordered(name) is not None:
                one = self.of.get(contact_of_recording(name), {}).get(track_of_recording(name))
                if one is None or not one.is_lost:
                    return True
        return False

    def _doubt(self, one: Taping, code: str, since_ms: int, *, suspect: bool) -> None:
        due_ms = self.ctx.now_ms + ANSWER_WITHIN_MS
        self._keep(replace(one, since_ms=since_ms, code=code, trying=True, due_ms=due_ms, suspect=suspect))

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
        if not one.suspect:
            self._say_missing(one, at_ms)
        self._keep(
            replace(one, since_ms=0, code="", reason="", trying=False, due_ms=0, begun_ms=begun_ms, suspect=False)
        )
        self.on_change(one.contact)

    def _say_missing(self, one: Taping, to_ms: int) -> None:
        record = rpc.StartRecord(RecordingId(f"{one.contact}.{one.track}"), one.source, "", one.label)
        reason = one.reason or ("no media worker answered" if one.code == AWAY else "")
        self._missing(record, one.since_ms, to_ms, one.code or "slow", reason or SILENT)

    def _missing(self, record: rpc.StartRecord, from_ms: int, to_ms: int, code: str, reason: str) -> None:
        if to_ms > from_ms:
            name = RecordingId(f"{record.recording}.gap-{from_ms}")
            contact = contact_of_recording(record.recording)
            self.ctx.emit(StoreGap(contact, name, record.source, record.label, from_ms, to_ms, f"{code}: {reason}"))

    def _keep(self, one: Taping) -> None:
        failing = bool(self.lost)
        self.restore(one)
        if not one.fails:
            self.lost.pop(one.key(), None)
        if one.fails or not one.is_lost:
            self.doubted.pop(one.key(), None)
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
