"""The auditor's view of people's days: who is made ready or not, who leaves and when, how paper work grows."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kak_server.model.ids import OperatorId, PositionId, RoomId
from kak_server.routing import api
from kak_sim.audit_book import Lent, Person


@dataclass(slots=True)
class Days:
    """Feed it what the auditor sees of people; it changes the auditor's picture of them and finds broken laws.

    `holds` says whether somebody has a call now, `change` sets sound and activity, `inherit` gives one's parked
    contacts in a room to another.
    """

    people: dict[OperatorId, Person]
    finding: Callable[[str], None]
    holds: Callable[[Person], bool]
    change: Callable[[Person, bool, api.Activity], None]
    inherit: Callable[[OperatorId, OperatorId, RoomId], None]
    coming: dict[PositionId, api.HandOverStarted] = field(default_factory=dict)
    misses: dict[OperatorId, int] = field(default_factory=dict)
    asked: dict[str, api.LoanAsked] = field(default_factory=dict)
    agreed: dict[str, api.LoanAgreed] = field(default_factory=dict)
    most_misses: int = 0

    def hear(self, event: api.Event) -> None:
        """An event that was not refused."""
        if isinstance(event, api.HandOverStarted):
            self.coming.setdefault(event.position, event)
        elif isinstance(event, api.OperatorForced) and event.operator in self.people:
            self._forced(event, self.people[event.operator])
        elif isinstance(event, api.LoanAsked):
            self.asked[event.loan] = event
        elif isinstance(event, api.LoanAgreed):
            self.agreed[event.loan] = event
        elif isinstance(event, api.Configured | api.ConfigChanged) and event.config is not None:
            self.most_misses = event.config.people.misses
        elif isinstance(event, api.ActivitySet | api.OfferAccepted | api.OfferRejected | api.OperatorSignedIn):
            self.misses.pop(event.operator, None)

    def _forced(self, event: api.OperatorForced, person: Person) -> None:
        person.forced_out = event.to is api.ForcedTo.SIGNED_OUT
        if event.to is api.ForcedTo.READY:
            person.has_no_paper_work()
            self.change(person, person.media_up, api.Activity.AVAILABLE)
        elif event.to is api.ForcedTo.NOT_READY:
            self.change(person, person.media_up, api.Activity.BREAK)

    def see(self, effect: api.Effect, event: api.Event) -> bool:
        """An effect; whether it was about people's days."""
        match effect:
            case api.SetTimer(key=key, at_ms=at_ms) if isinstance(event, api.WrapUpExtended):
                self._extended(key, at_ms, event)
                return False
            case api.WithdrawOffer(operator=operator, reason="expired"):  # no chats here: nothing rings beside work
                self.misses[operator] = self.misses.get(operator, 0) + 1
                return False
            case api.MadeNotReady():
                self._made_not_ready(effect)
            case api.PositionLeft(reason="forced" | "handed-over"):
                self._left(effect)
            case api.HandOverChanged():
                self._hand_over(effect)
            case api.LoanChanged():
                self._loan(effect)
            case api.Forced() | api.MissesTolerated() | api.PositionLeft():
                return not isinstance(effect, api.PositionLeft)
            case _:
                return False
        return True

    def _extended(self, key: str, at_ms: int, event: api.WrapUpExtended) -> None:
        person = self.people[event.operator]
        until_ms = person.wrap_up_until_ms
        if key != f"wrap-up:{event.operator}" or until_ms is None or not until_ms < at_ms <= until_ms + event.by_ms:
            self.finding(f"{event.operator} asked for {event.by_ms} ms more and has until {at_ms}, not {until_ms}")
        person.wrap_up_until_ms = at_ms

    def _made_not_ready(self, effect: api.MadeNotReady) -> None:
        # The miss that it is for is told by the withdrawal that follows.
        if not self.most_misses or self.misses.get(effect.operator, 0) + 1 < self.most_misses:
            self.finding(f"{effect.operator} was made not ready after too few misses")
        person = self.people[effect.operator]
        self.change(person, person.media_up, api.Activity.BREAK)

    def _left(self, effect: api.PositionLeft) -> None:
        person = self.people.pop(effect.operator)
        self.misses.pop(effect.operator, None)
        if not person.leaving or person.position != effect.position:
            self.finding(f"{effect.operator} was sent away from {effect.position} for no reason")
        if self.holds(person) or person.wrap_up_until_ms is not None:
            self.finding(f"{effect.operator} was sent away in the middle of work")

    def _loan(self, effect: api.LoanChanged) -> None:
        asked, agreed = self.asked.get(effect.loan), self.agreed.get(effect.loan)
        person = None if effect.operator is None else self.people.get(effect.operator)
        if asked is None or (asked.room, asked.lender) != (effect.room, effect.lender):
            self.finding(f"loan {effect.loan} was never asked for")
            return
        if effect.change == "lent":
            if agreed is None or effect.operator not in agreed.operators or person is None or person.lent is not None:
                self.finding(f"{effect.operator} was lent without a word of their lead")
            elif person.room != asked.lender:
                self.finding(f"{effect.operator} was lent by {asked.lender}, where they do not sit")
            else:
                person.lent = Lent(asked.room, asked.queues, agreed.own_emergencies)
                person.was_free = False
        elif effect.change == "returned" and person is not None:
            if person.lent is None:
                self.finding(f"{effect.operator} is back who was not away")
            person.lent, person.was_free = None, False
        elif effect.change in ("over", "lapsed"):
            del self.asked[effect.loan]
            self.agreed.pop(effect.loan, None)

    def _hand_over(self, effect: api.HandOverChanged) -> None:
        outgoing = self.people.get(effect.outgoing)
        if effect.change == "started":
            if outgoing is None or outgoing.position != effect.position:
                self.finding(f"{effect.outgoing} hands over {effect.position} without sitting there")
            else:
                outgoing.handing_over = True
            return
        start = self.coming.pop(effect.position, None)
        if outgoing is not None:
            outgoing.handing_over = False
        if start is None or start.operator != effect.incoming:
            self.finding(f"nobody had begun the hand-over at {effect.position} to {effect.incoming}")
            return
        if effect.change == "done":
            seated = self.people.get(effect.incoming)
            self.inherit(effect.outgoing, effect.incoming, start.room if seated is None else seated.room)
        if effect.change == "done" and effect.incoming not in self.people:
            there = (p for p in self.people.values() if p.position == effect.position)
            if any(person.operator != effect.outgoing for person in there):  # who signs out is seen to be gone after it
                self.finding(f"{effect.incoming} sits down at {effect.position}, where somebody sits")
            self.people[effect.incoming] = Person(
                start.operator,
                start.position,
                start.room,
                dict(start.skills),
                api.Activity.BREAK,
                False,
                start.now_ms,
            )
