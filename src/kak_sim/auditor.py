"""An independent judge of the routing core: sees only the stream of events and effects, shares nothing with the core.

It keeps its own simple picture (slow on purpose: every check looks at everybody) and says in a sentence which law an
effect broke. Used by the property tests, the scenarios and the simulator.
"""

from collections.abc import Iterable

from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import api
from kak_sim.audit_book import (
    ALONE,
    JOINING,
    OFFERED,
    PARKED,
    RANK,
    TALKING,
    WAITING,
    Case,
    Person,
    doubled,
    follow,
    holders,
    preference,
    retrain,
    rings_out,
    serving_room,
    unbounded,
)
from kak_sim.audit_moves import Moves
from kak_sim.audit_people import Days


class Auditor:
    """Feed it every event with its effects; `findings` stays empty as long as the laws hold."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.cases: dict[ContactId, Case] = {}
        self.people: dict[OperatorId, Person] = {}
        self.ended: dict[ContactId, str] = {}
        self.timers: dict[str, int] = {}
        self.arrived = 0
        self._queues: dict[QueueId, api.QueueConfig] = {}
        self._config = api.RoutingConfig(queues=())
        self._now_ms = 0
        self._moves = Moves(self.cases, self.people, self._finding, self._can_talk, self._may)
        self._days = Days(self.people, self._finding, self._calling, self._change, self._moves.inherit)

    def observe(self, event: api.Event, effects: Iterable[api.Effect]) -> list[str]:
        """One step. Returns what it broke."""
        known = len(self.findings)
        effects = tuple(effects)
        self._now_ms = max(self._now_ms, event.now_ms)
        held = holders(self.cases.values())
        for person in self.people.values():
            person.was_free = person.operator not in held and person.unbound
        refused = any(isinstance(effect, api.Refused) for effect in effects)
        if refused and any(not isinstance(effect, api.Refused) for effect in effects):
            self._finding(f"{type(event).__name__} was refused and still did something")
        if not refused:
            self._hear(event)
            self._days.hear(event)
            self._moves.hear(event)
        self._accepts(event, effects)
        for effect in effects:
            self._see(effect, event)
        if not refused:
            self._hear_after(event)
        self._judge(effects)
        return self.findings[known:]

    def _finding(self, text: str) -> None:
        self.findings.append(f"at {self._now_ms}: {text}")

    # --- what the event itself changes ---

    def _hear(self, event: api.Event) -> None:
        """Facts that hold before any effect of the step is looked at."""
        if isinstance(event, api.Configured):
            self._configured(event)
        elif isinstance(event, api.ConfigChanged):
            self._changed(event)
        elif isinstance(event, api.OperatorSignedIn):
            self._signed_in(event)
        elif isinstance(event, api.ActivitySet) and event.operator in self.people:
            person = self.people[event.operator]
            self._change(person, person.media_up, event.activity)
        elif isinstance(event, api.PositionMedia):
            for person in self.people.values():
                if person.position == event.position:
                    self._change(person, event.up, person.activity)
        elif isinstance(event, api.ContactDescribed) and event.contact in self.cases:
            case = self.cases[event.contact]
            case.language = case.language if event.language is None else event.language
        elif isinstance(event, api.WrapUpDone) and event.operator in self.people:
            self.people[event.operator].has_no_paper_work()
        elif isinstance(event, api.TimerFired):
            self._timer(event)

    def _hear_after(self, event: api.Event) -> None:
        """Facts that hold once the effects are done: the contact of a reported join, a person who left."""
        if isinstance(event, api.ContactConnected) and event.contact in self.cases:
            case = self.cases[event.contact]
            if case.place == JOINING and case.epoch == event.epoch:
                case.place, case.deadline_ms, case.silent_in, case.unsure = TALKING, None, None, False
        elif isinstance(event, api.OperatorSignedOut):
            self.people.pop(event.operator, None)

    def _configured(self, event: api.Configured) -> None:
        self._config = event.config
        keep = {case.queue for case in self.cases.values()}
        old = {queue: config for queue, config in self._queues.items() if queue in keep}
        self._queues = {**old, **{config.queue: config for config in event.config.queues}}
        rules = {config.queue: config for config in event.config.queues}
        follow(self.cases.values(), rules, self._now_ms)

    def _changed(self, event: api.ConfigChanged) -> None:
        changed = {config.queue: config for config in event.queues}
        self._config = event.config or self._config
        self._queues = {queue: config for queue, config in self._queues.items() if queue not in event.removed}
        self._queues.update(changed)
        if event.apply == "all":
            follow(self.cases.values(), changed, self._now_ms)
        retrain(self.people, event.operators)

    def _signed_in(self, event: api.OperatorSignedIn) -> None:
        person = self.people.get(event.operator)
        if person is None:
            self.people[event.operator] = Person(
                event.operator,
                event.position,
                event.room,
                dict(event.skills),
                event.activity,
                event.media_up,
                self._now_ms,
            )
            return
        person.was_free = False  # seat, room or skills may change in this step: no measure for offers made in it
        person.room, person.skills = event.room, dict(event.skills)
        person.position = event.position
        self._change(person, event.media_up, event.activity)

    def _change(self, person: Person, media_up: bool, activity: api.Activity) -> None:
        was_ready = person.ready
        if person.media_up and not media_up and self._calling(person):
            person.silent_until_ms = self._now_ms + self._config.media_grace_ms
        elif media_up:
            person.silent_until_ms = None
        person.media_up, person.activity = media_up, activity
        if person.ready and not was_ready:
            person.idle_since_ms = self._now_ms

    def _timer(self, event: api.TimerFired) -> None:
        due_ms = self.timers.get(event.key)
        if due_ms is None or due_ms > self._now_ms:
            return
        del self.timers[event.key]
        kind, _, subject = event.key.partition(":")
        if kind == "widen" and subject in self.cases:
            self.cases[ContactId(subject)].wide = True
        elif kind == "wrap-up" and subject in self.people:
            self.people[OperatorId(subject)].wrap_up_until_ms = None

    # --- what the effects say ---

    def _accepts(self, event: api.Event, effects: tuple[api.Effect, ...]) -> None:
        """Connect exactly when the present holder of the present epoch accepts."""
        connects = [effect for effect in effects if isinstance(effect, api.Connect)]
        if self._moves.takes(event, effects, connects):
            return
        if not isinstance(event, api.OfferAccepted):
            if connects:
                self._finding(f"Connect without an accept, on {type(event).__name__}")
            return
        case = self.cases.get(event.contact)
        valid = (
            case is not None and case.place == OFFERED and (case.operator, case.epoch) == (event.operator, event.epoch)
        )
        if valid != (len(connects) == 1):
            self._finding(
                f"accept of {event.contact} epoch {event.epoch} by {event.operator}: {len(connects)} Connects"
            )
        if not valid and not any(isinstance(effect, api.Refused) for effect in effects):
            self._finding(f"a stale accept of {event.contact} by {event.operator} was not refused")

    def _dialed(self, effect: api.DialOut, event: api.Event) -> None:
        """A contact that is its operator's from the start."""
        person = self.people.get(effect.operator)
        if not isinstance(event, api.ContactDialed) or event.operator != effect.operator:
            self._finding(f"{effect.contact} is dialled, on {type(event).__name__}")
        if effect.contact in self.cases or effect.contact in self.ended:
            self._finding(f"{effect.contact} was dialled twice")
        if person is None or not self._can_talk(person) or person.position != effect.position:
            self._finding(f"{effect.contact} is dialled by {effect.operator}, who cannot")
            return
        if effect.queue not in self._queues:  # the room's own, as long as it has calls
            wrap_up_ms = self._config.outgoing_wrap_up_ms
            self._queues[effect.queue] = api.QueueConfig(effect.queue, "", (person.room,), wrap_up_ms=wrap_up_ms)
        self.arrived += 1
        rules = self._queues[effect.queue]
        case = Case(
            effect.contact, effect.queue, self._now_ms, self.arrived, self._now_ms, rules, JOINING, outgoing=True
        )
        case.wide, case.since_ms = rules.own_room_ms <= 0, self._now_ms
        case.epoch, case.operator, case.position = effect.epoch, effect.operator, effect.position
        case.deadline_ms = self._now_ms + self._config.dial_timeout_ms
        self.cases[effect.contact] = case
        person.wrap_up_until_ms = None

    def _see(self, effect: api.Effect, event: api.Event) -> None:
        if self._days.see(effect, event) or self._moves.see(effect, event, self._now_ms):
            return
        match effect:
            case api.SetTimer():
                self.timers[effect.key] = effect.at_ms
            case api.CancelTimer():
                if self.timers.pop(effect.key, None) is None:
                    self._finding(f"timer {effect.key} cancelled but not armed")
            case api.StartWaiting():
                self._starts_waiting(effect, event)
            case api.DialOut():
                self._dialed(effect, event)
            case api.PositionLeft():
                if effect.reason == "taken":
                    self.people.pop(effect.operator, None)
            case api.ContactChanged() | api.OperatorChanged() | api.Refused() | api.RoomChanged():
                pass
            case api.MadeNotReady() | api.MissesTolerated() | api.Forced() | api.HandOverChanged() | api.LoanChanged():
                pass  # seen above
            case _:
                found = self.cases.get(effect.contact)
                if found is None:
                    self._finding(f"{type(effect).__name__} for {effect.contact}, which is not here")
                else:
                    self._see_contact(effect, found)

    def _starts_waiting(self, effect: api.StartWaiting, event: api.Event) -> None:
        case = self.cases.get(effect.contact)
        if effect.reason == "arrived":
            if case is not None or effect.contact in self.ended:
                self._finding(f"{effect.contact} arrived twice")
            self.arrived += 1
            rules = self._queues[effect.queue]
            case = Case(effect.contact, effect.queue, self._now_ms, self.arrived, self._now_ms, rules)
            first_ms = event.first_arrived_at_ms if isinstance(event, api.ContactArrived) else 0
            case.since_ms = min(first_ms, self._now_ms) or self._now_ms
            case.language = event.language if isinstance(event, api.ContactArrived) else ""
            self.cases[effect.contact] = case
        elif case is not None and case.place == ALONE and isinstance(event, api.HandoverFailed):
            case.place = WAITING
        elif case is not None and self._moves.starts_waiting(effect, case):
            pass
        elif case is None or case.place != WAITING:
            self._finding(f"{effect.contact} starts waiting ({effect.reason}) without having been released")
            return
        again = effect.reason in ("requeued", "recalled", "handed-to")
        if not again:
            case.queue, case.entered_ms, case.rules = effect.queue, self._now_ms, self._queues[effect.queue]
            case.wide = case.rules.own_room_ms <= 0
            case.passed = case.passed[-1:]
        case.stand(head=again)

    def _see_contact(self, effect: api.Effect, case: Case) -> None:
        match effect:
            case api.Offer():
                self._offered(effect, case)
            case api.WithdrawOffer():
                self._withdrawn(effect, case)
            case api.Connect():
                self._moves.connects(effect, case)
                if case.operator != effect.operator or case.epoch != effect.epoch or case.position != effect.position:
                    self._finding(f"{case.contact} is connected to {effect.operator}, who did not hold the offer")
                case.place, case.deadline_ms = JOINING, self._now_ms + self._config.connect_timeout_ms
            case api.ReleaseOperator():
                self._released(effect, case)
            case api.PositionMoved():
                if self._moves.is_guest(effect.operator, case.contact):
                    return
                if case.place not in (JOINING, TALKING) or case.operator != effect.operator:
                    self._finding(f"{case.contact} moves with {effect.operator}, who is not in a call with it")
                case.position = effect.position
            case api.SetHold():
                if case.place != TALKING or case.position != effect.position:
                    self._finding(f"hold of {case.contact} at {effect.position}, which is {case.place}")
            case api.EndContact():
                self._moves.over(case)
                if case.place not in (WAITING, ALONE, PARKED):
                    self._finding(f"{case.contact} ended while {case.operator} still has it ({case.place})")
                if not effect.cause:
                    self._finding(f"{case.contact} ended without a cause")
                self.ended[case.contact] = effect.cause
                del self.cases[case.contact]

    def _offered(self, effect: api.Offer, case: Case) -> None:
        config = case.rules
        person = self.people.get(effect.operator)
        by_name = self._moves.named(effect, case)
        if case.place != WAITING:
            self._finding(f"{case.contact} offered while {case.place}")
        if effect.epoch != case.epoch + 1:
            self._finding(f"{case.contact}: epoch {effect.epoch} after {case.epoch}")
        if effect.expires_at_ms != self._now_ms + config.offer_timeout_ms:
            self._finding(f"{case.contact}: the offer expires at {effect.expires_at_ms}")
        if person is None or person.position != effect.position:
            self._finding(f"{case.contact} offered to {effect.operator}, who is not at {effect.position}")
        elif not by_name and not self._free(person):
            self._finding(f"{case.contact} offered to {effect.operator}, who is not free")
        elif not by_name and not self._may(person, case) and not case.is_home_of(person):
            self._finding(f"{case.contact} offered to {effect.operator}, who may not serve it (now)")
        case.place, case.epoch, case.asked_by_name = OFFERED, effect.epoch, by_name
        case.operator, case.position, case.deadline_ms = effect.operator, effect.position, effect.expires_at_ms

    def _withdrawn(self, effect: api.WithdrawOffer, case: Case) -> None:
        held = (case.operator, case.position, case.epoch)
        if case.place != OFFERED or held != (effect.operator, effect.position, effect.epoch):
            self._finding(f"{case.contact}: an offer to {effect.operator} withdrawn that is not the present one")
        if effect.operator in self.people:
            self.people[effect.operator].asked_no_more(effect.reason, self._now_ms)
        if effect.reason == "accepted":
            return
        case.place, case.operator, case.position, case.deadline_ms = WAITING, None, None, None
        if effect.reason in ("rejected", "expired"):
            case.passes(effect.operator)
        if effect.reason == "expired":
            rings_out(case, self.people[effect.operator], self._queues)

    def _released(self, effect: api.ReleaseOperator, case: Case) -> None:
        if case.place not in (JOINING, TALKING) or case.operator != effect.operator or case.position != effect.position:
            self._finding(f"{case.contact}: {effect.operator} released, who was not in a call with it")
            return
        person = self.people[effect.operator]
        person.idle_since_ms, person.silent_until_ms = self._now_ms, None
        wrap_up_ms = case.rules.wrap_up_ms
        if case.place == TALKING and effect.cause not in ("media-lost", "connect-failed") and wrap_up_ms > 0:
            person.wrap_up_until_ms = self._now_ms + wrap_up_ms
        if effect.cause == "handed-over" and case.place != TALKING:
            self._finding(f"{case.contact} was handed over by {effect.operator} before it was connected")
        case.place = ALONE if effect.cause == "handed-over" else WAITING
        case.operator, case.position, case.deadline_ms = None, None, None
        case.passes(effect.operator)

    # --- the laws after each step ---

    def _calling(self, person: Person) -> bool:
        if person.guest is not None and person.guest.deadline_ms is None:
            return True
        mine = (case for case in self.cases.values() if case.operator == person.operator)
        return any(case.place in (JOINING, TALKING) for case in mine)

    def _free(self, person: Person) -> bool:
        return person.unbound and person.operator not in holders(self.cases.values())

    def _can_talk(self, person: Person) -> bool:
        """Neither a call nor an offer, and sound: enough to dial, on a break and in wrap-up too."""
        return person.media_up and person.guest is None and person.operator not in holders(self.cases.values())

    def _may(self, person: Person, case: Case) -> bool:
        config = case.rules
        rooms = config.rooms if case.wide else config.rooms[:1]
        skilled = all(person.skills.get(skill, 0) >= level for skill, level in config.skills.items())
        return skilled and serving_room(person, case.rules, rooms, self._queues) is not None

    def _order(self, case: Case) -> tuple[int, int, int, int]:
        config = case.rules
        return RANK[config.klass], not case.head, case.since_ms - config.priority * 1_000, case.number

    def _judge(self, effects: tuple[api.Effect, ...]) -> None:
        waiting = [case for case in self.cases.values() if case.place == WAITING]
        held = holders(self.cases.values())
        free = [person for person in self.people.values() if person.operator not in held and person.unbound]
        for case in waiting:
            for person in free:
                if self._may(person, case):
                    self._finding(f"{case.contact} waits although {person.operator} is free and may serve it")
        for effect in effects:
            if isinstance(effect, api.Offer) and self._stands(effect) and effect.operator in self.people:
                self._fair(self.cases[effect.contact], self.people[effect.operator], waiting, free)
        for text in doubled(self.cases.values(), self.people):
            self._finding(text)
        for text in unbounded(self.cases.values(), self.people.values(), set(self.timers.values()), self._calling):
            self._finding(text)
        if self.arrived != len(self.cases) + len(self.ended):
            self._finding(f"{self.arrived} arrived, {len(self.cases)} are here, {len(self.ended)} have ended")

    def _stands(self, offer: api.Offer) -> bool:
        case = self.cases.get(offer.contact)
        stands = case is not None and case.place == OFFERED and case.epoch == offer.epoch
        return stands and case is not None and not case.asked_by_name

    def _fair(self, case: Case, person: Person, waiting: list[Case], free: list[Person]) -> None:
        """No earlier contact was passed over by this operator, no better operator by this contact."""
        for other in waiting:
            if self._may(person, other) and self._order(other) < self._order(case):
                self._finding(f"{person.operator} was asked for {case.contact}, passing over {other.contact}")
        mine = preference(person, case, self._queues)
        for idle in () if case.unsure else free:
            if idle.was_free and self._may(idle, case) and preference(idle, case, self._queues) < mine:
                self._finding(f"{case.contact} was offered to {person.operator}, passing over {idle.operator}")
