"""Whole histories of contacts and operators, written down from the stream of events and effects alone."""

from collections import defaultdict

from kak_server.routing import api
from kak_server.routing.words_moves import TALKS
from kak_sim.statistics_stories import ContactStory, Moment, Piece, Someone, Stay, Work

_ENDS = {"accepted": "accepted", "rejected": "rejected", "expired": "missed"}
_ACTIVITIES = {api.Activity.AVAILABLE: "idle", api.Activity.BREAK: "break", api.Activity.AFTER_CALL: "after_call"}


class Histories:
    """Feed it every step, then `finish`."""

    def __init__(self) -> None:
        self.contacts: dict[str, ContactStory] = {}
        self.people: dict[str, Someone] = {}
        self.pieces: dict[str, list[Piece]] = defaultdict(list)
        self.moments: list[Moment] = []
        self.works: list[Work] = []
        self.stays: list[Stay] = []
        self._queues: dict[str, api.QueueConfig] = {}
        self._timers: dict[str, int] = {}
        self._moving: dict[str, str] = {}
        self._incoming: dict[str, api.HandOverStarted] = {}
        self._now_ms = 0
        self._count = 0

    def take(self, event: api.Event, effects: tuple[api.Effect, ...]) -> None:
        """One step."""
        self._now_ms = max(self._now_ms, event.now_ms)
        if isinstance(event, api.Configured):
            self._queues.update({queue.queue: queue for queue in event.config.queues})
        elif isinstance(event, api.ConfigChanged):
            self._queues.update({queue.queue: queue for queue in event.queues})
        refusal = next((effect for effect in effects if isinstance(effect, api.Refused)), None)
        if refusal is None:
            self._hear(event)
        elif isinstance(event, api.ContactArrived) and refusal.code in ("limit", "unknown-queue"):
            if event.queue in self._queues:
                self._note("turned_away", queue=event.queue, room=self._own(event.queue))
            return
        for effect in effects:
            self._see(effect, event)
        if isinstance(event, api.OperatorSignedOut) and refusal is None:
            self._leaves(event.operator)
        for operator in list(self._moving):
            self._arrive_in_room(operator)
        if isinstance(event, api.ContactConnected) and refusal is None and effects:
            self._connected(self.contacts[event.contact])
        self._look_at_everybody()

    def finish(self, until_ms: int) -> None:
        """The story ends here."""
        self._now_ms = until_ms
        for person in self.people.values():
            self._close_piece(person)

    # --- what people said ---

    def _hear(self, event: api.Event) -> None:
        if isinstance(event, api.OperatorSignedIn):
            person = self.people.get(event.operator)
            if person is None:
                person = self.people[event.operator] = Someone(
                    event.operator, event.position, event.room, event.activity, event.media_up, since_ms=self._now_ms
                )
            person.position = event.position
            self._moving[event.operator] = event.room  # what ends in this step still ends in the old room
            person.activity, person.media = event.activity, event.media_up
        elif isinstance(event, api.HandOverStarted):
            self._incoming[event.position] = event
        elif isinstance(event, api.ActivitySet):
            self.people[event.operator].activity = event.activity
        elif isinstance(event, api.OperatorForced) and event.to is not api.ForcedTo.SIGNED_OUT:
            ready = event.to is api.ForcedTo.READY
            self.people[event.operator].activity = api.Activity.AVAILABLE if ready else api.Activity.BREAK
            if ready:
                self.people[event.operator].paper = False
        elif isinstance(event, api.PositionMedia):
            for person in self.people.values():
                if person.position == event.position:
                    person.media = event.up
        elif isinstance(event, api.WrapUpDone):
            self.people[event.operator].paper = False
        elif isinstance(event, api.TimerFired) and self._timers.get(event.key, self._now_ms + 1) <= self._now_ms:
            kind, _, who = event.key.partition(":")
            if kind == "wrap-up" and who in self.people:
                self.people[who].paper = False

    def _arrive_in_room(self, operator: str) -> None:
        room = self._moving.pop(operator, None)
        if room is not None and operator in self.people:
            self.people[operator].room = room

    def _leaves(self, operator: str) -> None:
        person = self.people.pop(operator, None)
        if person is not None:
            self._close_piece(person)
            self._end_work(person)

    # --- what was done ---

    def _see(self, effect: api.Effect, event: api.Event) -> None:
        self._count += 1
        match effect:
            case api.SetTimer():
                self._timers[effect.key] = effect.at_ms
                kind, _, who = effect.key.partition(":")
                if kind == "wrap-up" and who in self.people and not self.people[who].contact:
                    self.people[who].paper = True
            case api.CancelTimer():
                self._timers.pop(effect.key, None)
                kind, _, who = effect.key.partition(":")
                if kind == "wrap-up" and who in self.people:
                    self.people[who].breaks_off_paper()
            case api.StartWaiting():
                self._waits(effect, event)
            case api.OverflowOut():
                self.contacts[effect.contact].place = "outside"
                self._out_of_line(effect.contact)
            case api.Offer():
                self._arrive_in_room(effect.operator)
                if not self.contacts[effect.contact].chat:
                    self.people[effect.operator].ringing = effect.contact
                if not effect.purpose:  # a colleague's invitation is no offer of work
                    self._work_moment("offers", effect.operator, effect.contact)
            case api.WithdrawOffer():
                if effect.epoch <= api.INVITES:
                    self._work_moment(_ENDS.get(effect.reason, "withdrawn"), effect.operator, effect.contact)
                if effect.operator in self.people and not self.contacts[effect.contact].chat:
                    self.people[effect.operator].stops_ringing()
            case api.Connect():
                self._joins(effect.operator, effect.contact)
            case api.DialOut():
                room = self.people[effect.operator].room
                queue = self._queues.get(effect.queue)
                own = queue.rooms[0] if queue is not None else room
                story = ContactStory(
                    effect.contact, effect.queue, own, self._now_ms, 0, effect.queue, own, outgoing=True
                )
                self.contacts[effect.contact] = story
                self._work_moment("dialed", effect.operator, effect.contact)
                self._joins(effect.operator, effect.contact)
            case api.SetHold():
                self.contacts[effect.contact].place = "hold" if effect.on else "talk"
            case api.ReleaseOperator():
                self._released(effect)
            case api.EndContact():
                self._ended(self.contacts[effect.contact])
            case api.MadeNotReady():
                self.people[effect.operator].activity = api.Activity.BREAK
                self._note("made_not_ready", room=self.people[effect.operator].room, operator=effect.operator)
            case api.Parked():
                self._work_moment("parked", effect.by, effect.contact)
            case api.ParticipantJoined():
                self._takes_part(effect)
            case api.ParticipantLeft():
                self._parted(self.people[effect.operator], self.contacts[effect.contact])
            case api.HolderChanged():
                story, person = self.contacts[effect.contact], self.people[effect.operator]
                story.operator, story.place, person.part = effect.operator, "talk", ""
                if person.work is None:
                    self._begin_work(person, story, talked=True)
            case api.HandOverChanged(change="done") if effect.incoming not in self.people:
                room = self._incoming[effect.position].room
                self.people[effect.incoming] = Someone(
                    effect.incoming, effect.position, room, api.Activity.BREAK, False, since_ms=self._now_ms
                )
            case api.PositionLeft() if effect.reason != "moved":
                self._leaves(effect.operator)

    def _at(self, position: str) -> Someone:
        return next(person for person in self.people.values() if person.position == position)

    def _waits(self, effect: api.StartWaiting, event: api.Event) -> None:
        own = self._own(effect.queue)
        story = self.contacts.get(effect.contact)
        if story is None:
            limit = self._queues[effect.queue].threshold_ms
            story = ContactStory(effect.contact, effect.queue, own, self._now_ms, limit, effect.queue, own)
            story.chat = isinstance(event, api.ContactArrived) and event.kind is api.ContactKind.CHAT
            self.contacts[effect.contact] = story
        elif effect.reason == "overflow":
            self._note("overflows_out", queue=story.queue, room=story.room)
            self._note("overflows_in", queue=effect.queue, room=own)
            self._out_of_line(effect.contact)
        elif effect.reason == "requeued":
            self._note("requeues", queue=story.queue, room=story.room)
        elif effect.reason == "transferred":
            self._note("transfers_in", queue=effect.queue, room=own)
        if story.outgoing and effect.queue == story.home:
            own = story.home_room
        story.queue, story.room, story.place = effect.queue, own, "waiting"
        self.stays.append(Stay(effect.contact, effect.queue, self._now_ms, self._count))

    def _joins(self, operator: str, contact: str) -> None:
        story, person = self.contacts[contact], self.people[operator]
        self._out_of_line(contact)
        story.taken_ms = self._now_ms
        if story.chat:
            story.place, story.operator = "connecting", operator
            person.chats.add(contact)
            return
        self._end_work(person)
        story.place, story.operator = "connecting", operator
        person.contact, person.paper = contact, False
        self._begin_work(person, story)

    def _begin_work(self, person: Someone, story: ContactStory, *, talked: bool = False) -> None:
        person.work = Work(person.operator, story.contact, story.queue, self._now_ms, talked=talked)
        self.works.append(person.work)

    def _takes_part(self, effect: api.ParticipantJoined) -> None:
        """A colleague, or somebody who listens in; said again when it changes."""
        story, person = self.contacts[effect.contact], self.people[effect.operator]
        if person.contact != effect.contact:
            self._end_work(person)
        person.contact, person.paper, person.part = effect.contact, False, str(effect.part)
        if person.work is None and effect.part in TALKS:
            self._begin_work(person, story, talked=True)

    def _parted(self, person: Someone, story: ContactStory) -> None:
        person.contact, person.part, person.paper_queue = "", "", story.queue
        if person.work is not None:
            person.work.released = True

    def _connected(self, story: ContactStory) -> None:
        story.place = "talk"
        work = self.people[story.operator].work
        if not story.chat:
            assert work is not None
            work.talked = True
        if story.answered_ms is None:
            story.answered_ms = self._now_ms
            self._work_moment("dialed_answered" if story.outgoing else "answers", story.operator, story.contact)

    def _released(self, effect: api.ReleaseOperator) -> None:
        story, person = self.contacts[effect.contact], self.people[effect.operator]
        if effect.cause == "transfer":
            self._work_moment("transfers_out", effect.operator, effect.contact)
        elif effect.cause == "handed-over":
            self._work_moment("handed_over", effect.operator, effect.contact)
        elif effect.cause in ("media-lost", "connect-failed") and (story.answered_ms is not None or not story.outgoing):
            self._note("requeues", operator=effect.operator)
        story.place, story.operator = "alone", ""
        if story.chat:
            person.chats.discard(effect.contact)
            silent = int(effect.cause == "idle")
            for name, count in (
                ("chats", 1),
                ("chat_handle_ms", self._now_ms - story.taken_ms),
                *([("chats_idle", 1)] if silent else []),
            ):
                self.moments.append(Moment(self._now_ms, name, story.queue, person.room, person.operator, count))
            return
        self._parted(person, story)

    def _ended(self, story: ContactStory) -> None:
        story.ended_ms = self._now_ms
        if self._out_of_line(story.contact) and story.answered_ms is not None:
            self._note("left_again", queue=story.queue, room=story.room)

    def _out_of_line(self, contact: str) -> bool:
        for stay in self.stays:
            if stay.contact == contact and stay.went is None:
                stay.to_ms, stay.went = self._now_ms, self._count
                return True
        return False

    # --- writing down ---

    def _own(self, queue: str) -> str:
        config = self._queues.get(queue)
        return config.rooms[0] if config is not None else queue.removeprefix("outgoing-")

    def _note(self, name: str, queue: str = "", room: str = "", operator: str = "") -> None:
        self.moments.append(Moment(self._now_ms, name, queue, room, operator))

    def _work_moment(self, name: str, operator: str, contact: str) -> None:
        room = self.people[operator].room if operator in self.people else ""
        self._note(name, self.contacts[contact].queue, room, operator if room else "")

    def _look_at_everybody(self) -> None:
        for person in self.people.values():
            if not person.ringing:  # whoever broke the paper work off began something else: a call out, or taking part
                person.broken_into = False
            doing, queue = self._doing(person)
            if (doing, queue, person.room) != (person.doing, person.queue, person.since_room):
                self._close_piece(person)
                person.doing, person.queue, person.since_room = doing, queue, person.room
            on_paper = doing == "wrap_up" or (doing == "ringing" and person.broken_into)
            if person.work is not None and person.work.released and not on_paper:
                self._end_work(person)

    def _doing(self, person: Someone) -> tuple[str, str]:
        if person.contact:
            story = self.contacts[person.contact]
            if person.part in ("listen", "whisper"):
                return "other", ""
            return "talk" if person.part == "consult" else story.place, story.queue
        if person.paper:
            return "wrap_up", person.paper_queue
        if person.ringing:
            return "ringing", self.contacts[person.ringing].queue
        if person.chats:
            return "chat", ""
        if person.activity is not api.Activity.AVAILABLE:
            return _ACTIVITIES[person.activity], ""
        return ("idle" if person.media else "unreachable"), ""

    def _close_piece(self, person: Someone) -> None:
        if person.doing and self._now_ms > person.since_ms:
            piece = Piece(person.since_ms, self._now_ms, person.doing, person.since_room, person.queue)
            self.pieces[person.operator].append(piece)
        person.since_ms = self._now_ms

    def _end_work(self, person: Someone) -> None:
        if person.work is not None and person.work.released:
            person.work.ended_ms, person.work.room = self._now_ms, person.room
            person.work = None
