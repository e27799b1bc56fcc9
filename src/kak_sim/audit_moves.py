"""The auditor's view of a contact's moves: parked, handed to somebody by name, colleagues and shift leads in it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.routing import api
from kak_sim.audit_book import ALONE, OFFERED, PARKED, TALKING, WAITING, Case, Guest, Person

SEARCH_MS = 60_000
TALKS = (api.Part.MEMBER, api.Part.CONSULT)


@dataclass(slots=True)
class Moves:
    """Feed it what the auditor sees; it keeps who is where beside the holders, and finds broken laws."""

    cases: dict[ContactId, Case]
    people: dict[OperatorId, Person]
    finding: Callable[[str], None]
    can_talk: Callable[[Person], bool]
    may: Callable[[Person, Case], bool]
    slots: dict[tuple[RoomId, int], ContactId] = field(default_factory=dict)

    def see(self, effect: api.Effect, event: api.Event, now_ms: int) -> bool:
        """An effect; whether it was one of these, and is done with."""
        match effect:
            case api.Offer(purpose=purpose) if purpose:
                self._invited(effect, event, now_ms)
            case api.WithdrawOffer(epoch=epoch) if epoch > api.INVITES:
                self._withdrawn(effect, event)
            case api.SearchChanged(contact=contact, change=change):
                until_ms = now_ms + SEARCH_MS if change == "begun" else None
                if contact in self.cases:
                    self.cases[contact].sought_until_ms = until_ms
            case api.ParticipantJoined():
                self._joined(effect, event, now_ms)
            case api.ParticipantLeft():
                self._left(effect, now_ms)
            case api.HolderChanged():
                self._holder_changed(effect)
            case api.Parked():
                self._parked(effect)
            case _:
                return False
        return True

    def hear(self, event: api.Event) -> None:
        """An event that was not refused, before its effects: who may be asked by name."""
        if isinstance(event, api.TransferToOperator) and event.contact in self.cases:
            case = self.cases[event.contact]
            case.by_name = [event.target, *([event.operator] if event.back else [])]
            case.from_whom = event.operator
        elif isinstance(event, api.TransferToQueue) and event.contact in self.cases:
            self.cases[event.contact].from_whom = event.operator

    def takes(self, event: api.Event, effects: tuple[api.Effect, ...], connects: list[api.Connect]) -> bool:
        """An event by which somebody comes into a contact without an offer of it; whether it was one."""
        if isinstance(event, api.ContactPulledBack):
            if not self.pulled_back(event, connects):
                self._joins_alone(event, connects)
        elif isinstance(event, api.ParkedTaken):
            self.taken(event, connects)
        elif isinstance(event, api.OfferAccepted) and event.epoch > api.INVITES:
            self.accepts(event, effects)
        else:
            return False
        return True

    def _joins_alone(self, event: api.ContactPulledBack, connects: list[api.Connect]) -> None:
        """One Connect if somebody free takes a contact that is without an operator; it must be theirs to take."""
        case, person = self.cases.get(event.contact), self.people.get(event.operator)
        able = case is not None and case.place == ALONE and person is not None and self.can_talk(person)
        if connects and not able:
            self.finding(f"{event.contact} was pulled back by {event.operator}, who could not have it")
        if able and not connects and case is not None and person is not None and self.may(person, case):
            self.finding(f"{event.contact} was not given back to {event.operator}")
        if connects and case is not None and person is not None:
            case.operator, case.position, case.epoch = person.operator, person.position, case.epoch + 1
            person.wrap_up_until_ms = None

    def taken(self, event: api.ParkedTaken, connects: list[api.Connect]) -> None:
        """One Connect for the first who takes a parked contact, none for anybody after."""
        case = self.cases.get(event.contact)
        parked = case is not None and case.place == PARKED
        if connects and not parked:
            self.finding(f"{event.operator} took {event.contact}, which is not parked")
        self._begins(connects)

    def pulled_back(self, event: api.ContactPulledBack, connects: list[api.Connect]) -> bool:
        """A blind transfer that nobody has answered; whether it was one."""
        case = self.cases.get(event.contact)
        if case is None or case.place not in (WAITING, OFFERED):
            return False
        if connects and case.from_whom != event.operator:
            self.finding(f"{event.operator} took back {event.contact}, which another one had passed on")
        self._begins(connects)
        return True

    def accepts(self, event: api.OfferAccepted, effects: tuple[api.Effect, ...]) -> None:
        """An invitation that stands is accepted, any other refused; nobody is connected by it."""
        person = self.people.get(event.operator)
        guest = person.guest if person is not None else None
        stands = guest is not None and guest.deadline_ms is not None and guest.contact == event.contact
        stands = stands and guest is not None and guest.number == event.epoch - api.INVITES
        if any(isinstance(effect, api.Connect) for effect in effects):
            self.finding(f"{event.operator} was connected by an invitation to {event.contact}")
        if stands == any(isinstance(effect, api.Refused) for effect in effects):
            self.finding(f"{event.operator}'s answer to an invitation to {event.contact}: standing is {stands}")

    def _begins(self, connects: list[api.Connect]) -> None:
        for effect in connects:
            case = self.cases.get(effect.contact)
            if case is not None and effect.epoch == case.epoch + 1:
                case.expects = (effect.operator, effect.position, effect.epoch)

    def connects(self, effect: api.Connect, case: Case) -> None:
        """Where one takes a contact without an offer it is as if one had been accepted."""
        expects, case.expects = case.expects, None
        if expects != (effect.operator, effect.position, effect.epoch):
            return
        person = self.people.get(effect.operator)
        self._leaves_slot(case)
        others = (other for other in self.cases.values() if other is not case)
        busy = any(other.operator == effect.operator for other in others)
        if person is None or not person.media_up or busy or person.guest is not None:
            self.finding(f"{effect.contact} is joined with {effect.operator}, who cannot talk")
        else:
            person.wrap_up_until_ms = None
        case.operator, case.position, case.epoch = expects
        case.from_whom, case.by_name = None, []

    def is_guest(self, operator: OperatorId, contact: ContactId) -> bool:
        """Whether this operator is in that contact beside its holder."""
        guest = self.people[operator].guest if operator in self.people else None
        return guest is not None and guest.contact == contact

    def _leaves_slot(self, case: Case) -> None:
        self.slots = {key: contact for key, contact in self.slots.items() if contact != case.contact}

    def starts_waiting(self, effect: api.StartWaiting, case: Case) -> bool:
        """Whether a contact that waits anew comes from where it may: out of a slot whose time is over."""
        if effect.reason != "recalled":
            return effect.reason == "handed-to" and case.place == WAITING
        if case.place != PARKED:
            self.finding(f"{case.contact} is recalled and was not parked")
        self._leaves_slot(case)
        case.place, case.deadline_ms = WAITING, None
        return True

    def named(self, effect: api.Offer, case: Case) -> bool:
        """Whether the offer goes to somebody by name, whatever queues they serve; each is asked so once."""
        if effect.operator not in case.by_name or not case.head:
            return False
        case.by_name.remove(effect.operator)
        person = self.people.get(effect.operator)
        if person is None or not person.media_up or person.guest is not None:
            self.finding(f"{case.contact} offered by name to {effect.operator}, who cannot be asked")
        elif any(other.operator == effect.operator for other in self.cases.values()):
            self.finding(f"{case.contact} offered by name to {effect.operator}, who has another")
        else:
            person.paper_until_ms, person.wrap_up_until_ms = person.wrap_up_until_ms, None
        return True

    def inherit(self, outgoing: OperatorId, incoming: OperatorId, room: RoomId) -> None:
        """Somebody has another's seat from now on, and what was parked there with it."""
        for (where, _), contact in self.slots.items():
            if where == room and self.cases[contact].by_name == [outgoing]:
                self.cases[contact].by_name = [incoming]

    def over(self, case: Case) -> None:
        """A contact ends: nobody is left in it."""
        self._leaves_slot(case)
        for person in self.people.values():
            if person.guest is not None and person.guest.contact == case.contact:
                self.finding(f"{case.contact} ended with {person.operator} in it")

    # --- colleagues ---------------------------------------------------------------------------------------------------

    def _invited(self, effect: api.Offer, event: api.Event, now_ms: int) -> None:
        case, person = self.cases.get(effect.contact), self.people.get(effect.operator)
        by_name = isinstance(event, api.ColleagueInvited) and event.operator == effect.invited_by
        if not by_name and (case is None or case.sought_until_ms is None):
            self.finding(f"{effect.operator} is invited to {effect.contact}, on {type(event).__name__}")
        if case is None or case.place != TALKING or case.operator != effect.invited_by:
            self.finding(f"{effect.operator} is invited to {effect.contact} by somebody who does not talk in it")
            return
        if person is None or not self._can_join(person) or person.wrap_up_until_ms is not None:
            self.finding(f"{effect.operator} is invited to {effect.contact} and is not free")
            return
        if by_name and effect.expires_at_ms != now_ms + case.rules.offer_timeout_ms:
            self.finding(f"the invitation of {effect.operator} expires at {effect.expires_at_ms}")
        if not by_name and case.sought_until_ms is not None and effect.expires_at_ms > case.sought_until_ms:
            self.finding(f"{effect.operator} is asked for {effect.contact} after the search is over")
        person.guest = Guest(effect.contact, effect.epoch - api.INVITES, effect.expires_at_ms)

    def _can_join(self, person: Person) -> bool:
        holds = any(case.operator == person.operator for case in self.cases.values())
        return person.media_up and person.guest is None and not holds

    def _withdrawn(self, effect: api.WithdrawOffer, event: api.Event) -> None:
        person = self.people.get(effect.operator)
        guest = person.guest if person is not None else None
        if person is None or guest is None or guest.deadline_ms is None or guest.number != effect.epoch - api.INVITES:
            self.finding(f"an invitation of {effect.operator} to {effect.contact} withdrawn that does not stand")
            return
        if effect.reason == "accepted":
            if not isinstance(event, api.OfferAccepted) or event.operator != effect.operator:
                self.finding(f"{effect.operator} is in {effect.contact} without having said yes")
            guest.deadline_ms = None
            return
        person.guest = None
        if effect.reason in ("rejected", "expired"):
            person.idle_since_ms = event.now_ms

    def _joined(self, effect: api.ParticipantJoined, event: api.Event, now_ms: int) -> None:
        case, person = self.cases.get(effect.contact), self.people.get(effect.operator)
        if case is None or person is None or case.place != TALKING or person.position != effect.position:
            self.finding(f"{effect.operator} joins {effect.contact}, in which nobody talks")
            return
        if person.guest is None:  # nobody asked: a shift lead
            if not isinstance(event, api.SupervisorListens | api.ContactTakenOver) or not self._can_join(person):
                self.finding(f"{effect.operator} joins {effect.contact} uninvited")
            person.guest = Guest(effect.contact, effect.number, None)
            person.wrap_up_until_ms = None
        if person.guest.contact != effect.contact or person.guest.deadline_ms is not None:
            self.finding(f"{effect.operator} joins {effect.contact} before the invitation is accepted")
        person.guest.part = effect.part

    def _left(self, effect: api.ParticipantLeft, now_ms: int) -> None:
        case, person = self.cases.get(effect.contact), self.people.get(effect.operator)
        guest = person.guest if person is not None else None
        if case is None or person is None or guest is None or guest.contact != effect.contact:
            self.finding(f"{effect.operator} leaves {effect.contact} without being in it")
            return
        person.guest, person.silent_until_ms, person.idle_since_ms = None, None, now_ms
        if guest.part in TALKS and person.media_up and case.rules.wrap_up_ms > 0:
            person.wrap_up_until_ms = now_ms + case.rules.wrap_up_ms

    def _holder_changed(self, effect: api.HolderChanged) -> None:
        case, person = self.cases.get(effect.contact), self.people.get(effect.operator)
        guest = person.guest if person is not None else None
        if case is None or person is None or guest is None or guest.contact != effect.contact or guest.deadline_ms:
            self.finding(f"{effect.operator} has {effect.contact} without having been in it")
            return
        if case.operator is not None or effect.epoch != case.epoch + 1:
            self.finding(f"{effect.contact} changes to {effect.operator} and was not free")
        person.guest = None
        case.place, case.operator, case.position, case.epoch = TALKING, effect.operator, effect.position, effect.epoch
        case.by_name, case.from_whom = [], None

    def _parked(self, effect: api.Parked) -> None:
        case = self.cases.get(effect.contact)
        if case is None or case.place not in (WAITING, ALONE):
            self.finding(f"{effect.contact} is parked while {case.operator if case else 'nobody'} has it")
            return
        if (effect.room, effect.slot) in self.slots:
            self.finding(f"slot {effect.slot} of {effect.room} is taken twice")
        self.slots[effect.room, effect.slot] = effect.contact
        case.place, case.deadline_ms, case.by_name = PARKED, effect.recall_at_ms, [effect.by]
