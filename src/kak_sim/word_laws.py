"""What people's words must come to: each judged by what was to be seen before it and after it.

Shares no code with the core. Feed it every event with its effects.
"""

from collections.abc import Iterable, Iterator

from kak_server.model.ids import QueueId
from kak_server.routing import api
from kak_server.routing.ranking import candidates, rank
from kak_server.routing.state import Contact
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import LoanView, OperatorView
from kak_server.routing.words_moves import ParkRules
from kak_server.routing.words_people import LoanState
from kak_sim import chat_laws, loan_laws, reason_laws
from kak_sim.alone_laws import AloneLaws
from kak_sim.mirror import Mirror
from kak_sim.miss_laws import MissLaws
from kak_sim.search_laws import SearchLaws

LOAN_COUNT_MAX = 50


class WordLaws:
    """`every`: how often, in events, it also looks at everybody and at what readers are told."""

    def __init__(self, every: int = 1) -> None:
        self.mirror = Mirror()
        self._searches = SearchLaws()
        self._misses = MissLaws()
        self._alone = AloneLaws()
        self._every = every
        self._seen = 0

    def observe(self, event: api.Event, effects: tuple[api.Effect, ...], core: RoutingCore) -> list[str]:
        """What the step broke."""
        found = [*self._judge(event, effects, core), *_notices(effects)]
        found += self._misses.observe(effects, self.mirror.contacts, self.mirror.operators, core)
        found += self.mirror.follow(effects, core)
        found += self._searches.observe(event, effects, core.state)
        found += self._alone.observe(event, effects, core.state)
        self._seen += 1
        if self._seen % self._every == 0:
            found += self.mirror.agrees(core)
            found += reads(core)
        return found

    def _judge(self, event: api.Event, effects: tuple[api.Effect, ...], core: RoutingCore) -> Iterator[str]:
        said_no = next((effect.code for effect in effects if isinstance(effect, api.Refused)), "")
        yield from self._counts(event, effects, core, said_no)
        if not said_no and self.mirror.loans:
            yield from loan_laws.broken(event, self.mirror.loans, self.mirror.operators.keys(), core)
        yield from self._moves(effects, core)
        yield from chat_laws.broken(event, effects, self.mirror.contacts, self.mirror.operators, core)
        match event:
            case api.ChatIdle():
                yield from self._silent(event, core, said_no)
            case api.WrapUpExtended():
                yield from self._longer(event, core, said_no)
            case api.ParticipantQuit() | api.HangUp():
                yield from self._quits(event, core, said_no)
            case api.ContactDialed():
                yield from _dialled(event, core, said_no)
            case api.LoanAsked():
                yield from self._asked(event, core, said_no)
            case api.LoanAgreed() if not said_no:
                yield from self._agreed(event)
            case api.ConfigChanged():
                yield from self._published(event, core)
            case api.ContactDescribed():
                yield from _described(event, core)
            case api.RoomStateSet():
                yield from self._room(event, core, said_no)
            case _:
                pass

    def _counts(
        self, event: api.Event, effects: tuple[api.Effect, ...], core: RoutingCore, said_no: str
    ) -> Iterator[str]:
        """Offers let pass, counted once each; a sign of life begins the count of misses anew, and so does each call the
        count of longer paper work."""
        for effect in effects:
            if not isinstance(effect, api.OperatorChanged):
                continue
            before, after = self.mirror.operators.get(effect.operator), core.operator(effect.operator)
            if before is None or after is None or before.duty.on_since_ms != after.duty.on_since_ms:
                continue
            spoken = getattr(event, "operator", None) == effect.operator and not said_no
            if any(isinstance(said, api.WithdrawOffer) and said.reason == "gives-way" for said in effects):
                spoken = False  # nobody has said anything
            rejected = int(isinstance(event, api.OfferRejected) and spoken)
            if after.rejected - before.rejected != rejected:
                yield f"{effect.operator} has rejected {after.rejected} offers, {before.rejected} before this"
            alive = (api.OfferAccepted, api.OfferRejected, api.ActivitySet, api.OperatorSignedIn)
            if isinstance(event, alive) and spoken and after.duty.misses_in_row:
                yield f"{effect.operator} gives a sign of life and has missed {after.duty.misses_in_row} in a row"
            paper = api.OperatorState.WRAP_UP
            begins = after.state is paper and before.state not in (paper, api.OperatorState.OFFERED)
            if begins and (after.duty.extensions or after.duty.extended_ms):
                yield f"{effect.operator} begins paper work that was extended before"

    def _silent(self, event: api.ChatIdle, core: RoutingCore, said_no: str) -> Iterator[str]:
        """A chat that somebody has ends when nobody writes, and nothing else does: no call, none that still waits, no
        emergency."""
        before, after = self.mirror.contacts.get(event.contact), core.contact(event.contact)
        if before is None or before.state is api.ContactState.ENDED:
            return
        talked = (api.ContactState.CONNECTED, api.ContactState.HELD)
        chat = before.kind is api.ContactKind.CHAT and before.klass is not api.ContactClass.EMERGENCY
        ends = chat and before.state in talked
        ended = after is None or after.state is api.ContactState.ENDED
        if ends != ended or ends == bool(said_no):
            yield f"{event.contact} ({before.kind}, {before.klass}, {before.state}) fell silent: {said_no or 'ended'}"

    def _longer(self, event: api.WrapUpExtended, core: RoutingCore, said_no: str) -> Iterator[str]:
        before, after = self.mirror.operators.get(event.operator), core.operator(event.operator)
        if before is None or before.state is not api.OperatorState.WRAP_UP or before.wrap_up_until_ms is None:
            if not said_no:
                yield f"{event.operator} has no paper work that could take longer"
            return
        rules = core.people_config
        by_ms = min(event.by_ms, rules.wrap_up_extension_ms - before.duty.extended_ms)
        allowed = by_ms > 0 and before.duty.extensions < rules.wrap_up_extensions
        if allowed == bool(said_no):
            yield f"{event.operator} asked for {event.by_ms} ms more: {said_no or 'granted'}"
        if allowed and (after is None or after.wrap_up_until_ms != before.wrap_up_until_ms + by_ms):
            yield f"{event.operator} should have {by_ms} ms more"

    def _quits(self, event: api.ParticipantQuit | api.HangUp, core: RoutingCore, said_no: str) -> Iterator[str]:
        """Whoever takes part in a call may leave it to the others at any time, and is out."""
        before, after = self.mirror.contacts.get(event.contact), core.contact(event.contact)
        rows = () if before is None else before.participants
        if any(row.operator == event.operator and row.joined for row in rows):
            if said_no:
                yield f"{event.operator} may not leave {event.contact}: {said_no}"
            if after is not None and any(row.operator == event.operator for row in after.participants):
                yield f"{event.operator} has left {event.contact} and still takes part"
            if after is None or after.state is api.ContactState.ENDED:
                yield f"{event.contact} ended when {event.operator} left it to the others"

    def _moves(self, effects: tuple[api.Effect, ...], core: RoutingCore) -> Iterator[str]:
        """A parked contact is where it belongs, and comes back to whom it belongs."""
        for effect in effects:
            if isinstance(effect, api.Parked):
                yield from _parked(effect, self.mirror.loans.values(), core)
            elif isinstance(effect, api.HandOverChanged) and effect.change == "done":
                room = _room_of(core.operator(effect.incoming))
                for row in core.state.contacts.values():
                    slot = row.moves.slot
                    if slot is not None and slot.room == room and slot.by == effect.outgoing:
                        yield f"{row.contact} comes back to {effect.outgoing}, who has handed over"

    def _asked(self, event: api.LoanAsked, core: RoutingCore, said_no: str) -> Iterator[str]:
        rules = core.people_config
        served = {config.queue for config in core.queues() if event.room in config.rooms}
        fine = {
            "duplicate": event.loan not in self.mirror.loans,
            "same-room": event.room != event.lender,
            "bad-time": core.now_ms < event.until_ms <= core.now_ms + rules.loan_ms,
            "bad-count": max(1, len(event.named)) <= event.count <= LOAN_COUNT_MAX,
            "unknown-queue": all(name in served for name in event.queues),
            "limit": len(self.mirror.loans) < rules.max_loans,
        }
        if said_no and fine.get(said_no, True):
            yield f"{event.loan} was refused as {said_no}, which it is not"
        if not said_no and not all(fine.values()):
            yield f"{event.loan} was asked for: {fine}"

    def _agreed(self, event: api.LoanAgreed) -> Iterator[str]:
        loan = self.mirror.loans.get(event.loan)
        if loan is None or loan.state is not LoanState.ASKED:
            yield f"{event.loan} was agreed to, and not asked for"
            return
        taken = {name for row in self.mirror.loans.values() for name in (*row.lent, *row.asked)}
        for name in event.operators:
            operator = self.mirror.operators.get(name)
            if operator is None or operator.room != loan.lender or name in taken or operator.duty.leaving:
                yield f"{name} goes to {loan.room}, and is not there to be lent"
            elif any(operator.skills.get(skill, 0) < level for skill, level in loan.skills.items()):
                yield f"{name} goes to {loan.room} without the skills that were asked for"

    def _published(self, event: api.ConfigChanged, core: RoutingCore) -> Iterator[str]:
        for rules in event.operators:
            row = core.state.operators.get(rules.operator)
            if row is not None and (row.name, row.skills) != (rules.name, rules.skills):
                yield f"{row.operator} has {row.skills}, and {rules.skills} was published"
            able = None if row is None else api.Capacity(row.chats_max, row.chats_in_call, row.interruptible)
            if row is not None and rules.capacity not in (None, able):
                yield f"{row.operator} takes {able}, and {rules.capacity} was published"
        published = {config.queue: config for config in event.queues}
        for view in core.contacts():
            now, before = core.rules_of(view.contact), self.mirror.rules.get(view.contact)
            wanted = published.get(view.queue)
            if wanted is not None and event.apply == "all" and now != wanted:
                yield f"{view.contact} follows former rules of {view.queue}, and the new ones are for all"
            if event.apply == "new" and before is not None and before.queue == view.queue and now != before:
                yield f"{view.contact} follows new rules of {view.queue}, which are for those to come"

    def _room(self, event: api.RoomStateSet, core: RoutingCore, said_no: str) -> Iterator[str]:
        state = core.state
        known = (
            any(row.room == event.room for row in state.config.national.rooms)
            or any(config.rooms[:1] == (event.room,) for config in core.queues())
            or any(row.room == event.room for row in self.mirror.operators.values())
        )
        former = any(queue.config.rooms[:1] == (event.room,) for queue in state.all_queues())
        if said_no and known:
            yield f"room {event.room} is there, and was refused as {said_no}"
        if not said_no and not known and not former:
            yield f"there is no room {event.room}, and nobody said so"
        if not said_no and (core.room(event.room).state, core.room(event.room).reason) != (event.state, event.reason):
            yield f"room {event.room} is not what was said"


def _dialled(event: api.ContactDialed, core: RoutingCore, said_no: str) -> Iterator[str]:
    """A call out is about the queue that is named, and where none is named about none of those that are configured."""
    known = {config.queue for config in core.queues()}
    if said_no == "unknown-queue" and (not event.queue or event.queue in known):
        yield f"{event.operator} may not call out for {event.queue or 'no queue'}: {said_no}"
    view = core.contact(event.contact)
    if not said_no and view is not None and (view.queue != event.queue if event.queue else view.queue in known):
        yield f"{event.contact} was called out for {event.queue or 'no queue'}, and is of {view.queue}"


def _notices(effects: tuple[api.Effect, ...]) -> Iterator[str]:
    """Who has changed is said last, and once."""
    kinds = (api.ContactChanged, api.OperatorChanged)
    notices = [effect for effect in effects if isinstance(effect, kinds)]
    if len(set(notices)) != len(notices):
        yield f"said twice: {notices}"
    if any(not isinstance(effect, kinds) for effect in effects[len(effects) - len(notices) :]):
        yield f"said too early: {notices}"


def _parked(effect: api.Parked, loans: Iterable[LoanView], core: RoutingCore) -> Iterator[str]:
    """For as long as its room says, and where its people are."""
    rules = core.state.config.parking.get(effect.room, ParkRules())
    if effect.recall_at_ms != core.now_ms + rules.recall_ms:
        yield f"{effect.contact} is parked until {effect.recall_at_ms}"
    row, by = core.state.contacts[effect.contact], core.operator(effect.by)
    served = core.state.queue_of(row).config.rooms
    rooms = [(loan.lender, loan.room) for loan in loans if effect.by in loan.lent]
    if not rooms and by is not None:
        rooms = [(by.room, by.room)]
    for home, lent_to in rooms:
        if effect.room != (home if home in served and lent_to not in served else lent_to):
            yield f"{effect.contact} is parked in {effect.room} by {effect.by} of {home}, who serves {lent_to}"


def _room_of(operator: OperatorView | None) -> str:
    return "" if operator is None else operator.room


def reads(core: RoutingCore) -> list[str]:
    """What is read of queues and people, worked out again from the rows."""
    state = core.state
    configs = {config.queue: config for config in core.queues()}
    found = [
        f"{name} has {core.idle_count(name)} idle people, and they are {core.idle(name)}"
        for name in (*configs, QueueId("no such queue"))
        if core.idle_count(name) != len(core.idle(name))
    ]
    for contact in state.contacts.values():
        if contact.state is api.ContactState.WAITING:
            found += _reasons(core, contact)
    for operator in state.operators.values():
        loan = operator.duty.loan
        served = set(core.served_queues(operator.operator))
        for name, config in configs.items():
            at_home = operator.room in config.rooms
            emergency = config.klass is api.ContactClass.EMERGENCY
            if loan is None:
                reached = at_home
            else:
                lent = loan.room in config.rooms and (not loan.queues or name in loan.queues)
                reached = lent or (loan.own_emergencies and emergency and at_home)
            able = all(operator.skills.get(skill, 0) >= level for skill, level in config.skills.items())
            former = sum(queue.config.queue == name for queue in state.all_queues()) > 1
            if (name in served) != (reached and able) and not former:
                found.append(f"{operator.operator} is said to serve {sorted(served)}; of {name} that is wrong")
    return found


def _described(event: api.ContactDescribed, core: RoutingCore) -> Iterator[str]:
    """What becomes known of a contact is known of it; only a call has a picture."""
    row = core.state.contacts.get(event.contact)
    if row is None:
        return
    calls = (api.ContactKind.VOICE, api.ContactKind.VIDEO)
    kind = event.kind if row.kind in calls and event.kind in calls else None
    for said, known in ((event.area, row.area), (event.language, row.language), (kind, row.kind)):
        if said not in (None, known):
            yield f"{said} became known of {event.contact}, which is {known}"


def _reasons(core: RoutingCore, contact: Contact) -> Iterator[str]:
    """Why a contact waits: a reason for everybody who is here, each once, and none that is plainly wrong."""
    operators = core.state.operators
    told = {row.operator: row.reason for row in candidates(core.state, contact)}
    if sorted(row.operator for row in candidates(core.state, contact)) != sorted(operators):
        yield f"{contact.contact}: of {sorted(operators)}, reasons are said of {sorted(told)}"
    for name, row in operators.items():
        if (rank(contact, row)[0] == -1) == (name in contact.passed):
            yield f"{name} is ranked {rank(contact, row)} for {contact.contact}, and {contact.passed} let it pass"
    for name, reason in told.items():
        if reason is not None:
            yield from reason_laws.broken(core.state, contact, reason)
        if reason is None:
            yield f"nothing is said why {contact.contact} waits although {name} is here"
        elif reason.startswith("is not available") and operators[name].activity is api.Activity.AVAILABLE:
            yield f"{name} is said not to be available for {contact.contact}, and is"
