"""One contact's way through the house, told in sentences while the journal is replayed through the routing core."""

from collections.abc import Collection, Sequence

from kak_server.model.ids import ContactId, OperatorId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView
from kak_server.runtime import arrival_sentences, moves_sentences
from kak_server.runtime.considering import Considered, Judged, judged, with_chosen
from kak_server.runtime.naming import IDS, Names
from kak_server.runtime.offer_sentences import offer_named, offer_said
from kak_server.runtime.passed_over import TOLD_MAX, passed_over
from kak_server.runtime.phrases import ENDS, RELEASED, STATES_NB, WAITS, WAITS_CALLED, WITHDRAWN, Said, of
from kak_server.runtime.steps_told import StepsTold
from kak_server.runtime.times import moment, seconds
from kak_server.runtime.waiting import Waiting
from kak_server.runtime.workflow_sentences import known_of, sentence_of

STEPS_MAX = 1_000


@frozen
class Step:
    """One thing that happened to the contact. `after_ms` since it arrived, None if that does not matter (a restart);
    `considered`: who was, where somebody was chosen or nobody could be."""

    at_ms: int
    after_ms: int | None
    text_en: str
    text_nb: str
    considered: Considered | None = None


class Story:
    """Feed it each event around the core's step; `steps` grows when the contact is concerned, to `STEPS_MAX`."""

    def __init__(self, contact: ContactId, core: RoutingCore, names: Names = IDS) -> None:
        self.contact = contact
        self._names = names
        self.core = core
        self.steps: list[Step] = []
        self.over = False
        self.cut = False  # there were more steps than are told
        self.began = True  # false: its arrival cannot be read
        self._rooms: dict[RoomId, None] = {}
        self._arrived_ms = 0
        self._offered_ms: dict[tuple[OperatorId, int], int] = {}  # by whom it rings at, and the offer's epoch
        self._decision: Judged | None = None
        self._waiting = Waiting(contact, names)
        self._workflow = StepsTold(contact, names)
        self._passed: list[Said] = []  # others that were put before it in this event
        self._passed_count = 0

    def take(self, event: api.Event) -> None:
        """Step the core with the event and tell what it did to the contact."""
        if self.over:
            return
        before = self.core.contact(self.contact)
        if isinstance(event, api.ContactArrived | api.ContactDialed) and event.contact == self.contact:
            self._arrived_ms = event.now_ms
        elif before is not None and not self._arrived_ms:
            self._begin_late(arrival_sentences.begins_late(before, self._names), before)
        holder = None if before is None or before.operator is None else self.core.operator(before.operator)
        names = self._leaving(event)
        self._decision, self._passed = None, []
        self._workflow.look(self.core.state)
        self.core.state.watcher = self._decided
        effects = self.core.step(event)
        self.core.state.watcher = None
        mine = [effect for effect in effects if getattr(effect, "contact", None) == self.contact]
        arrives = isinstance(event, api.ContactArrived | api.ContactDialed)
        if before is None and not arrives and self.core.contact(self.contact) is None:
            return  # it came in a hole of the journal: what the core says of a stranger is not the contact's story
        if mine:
            self._note_rooms(mine)
            names.update({row.operator: row.name for row in self.core.state.operators.values()})
            self._tell(event, mine, names, before)
        else:
            self._tell_steps(event)
        self._tell_media(event, holder, before)
        self._tell_waiting(event, effects, own=bool(mine))
        if any(isinstance(effect, api.EndContact) for effect in mine):
            self.over = True

    @property
    def rooms(self) -> tuple[RoomId, ...]:
        """The own rooms of its queues, and the rooms whose people were asked or had it."""
        return tuple(self._rooms)

    def note(self, text: str, at_ms: int | None = None, nb: str = "") -> None:
        """Something beside the events: a restart, a hole in the journal. `at_ms` if it has a time of its own."""
        view = self.core.contact(self.contact)
        if view is not None and not self.over:
            if not self._arrived_ms:
                self._begin_late(arrival_sentences.begins_late(view, self._names), view)
            self._add(Step(at_ms or self.core.now_ms, None, text, nb or text))

    def finish(self) -> list[Step]:
        """All steps; the last says where the contact is if it has not ended."""
        view = self.core.contact(self.contact)
        if view is not None and not self.over:
            if not self._arrived_ms:  # nothing that happened to it can be read; a snapshot knows it
                self._begin_late(arrival_sentences.only_known(view, self._names), view)
            state = view.state.value
            to = ("to", "til") if view.state is api.ContactState.OFFERED else ("with", "med")
            with_, med = self._with(view, to[0] + " {} at {}"), self._with(view, to[1] + " {} på {}")
            self._say(
                f"Here the journal ends; the call is {state}{with_}.",
                f"Her slutter journalen; samtalen er {STATES_NB.get(state, state)}{med}.",
            )
        return self.steps

    def _begin_late(self, said: Said, view: ContactView) -> None:
        """What is known of it begins in the middle."""
        self.began = False
        self._arrived_ms = view.arrived_at_ms
        at_ms = self.core.now_ms or view.arrived_at_ms
        self._add(Step(at_ms, at_ms - view.arrived_at_ms, said.en, said.nb))

    def _note_rooms(self, effects: Sequence[api.Effect]) -> None:
        row = self.core.state.contacts.get(self.contact)
        rooms = [] if row is None else list(self.core.state.queue_of(row).config.rooms[:1])
        people = self.core.state.operators
        for effect in effects:
            if isinstance(effect, api.Offer | api.Connect) and effect.operator in people:
                rooms.append(people[effect.operator].serves_room)
        self._rooms.update(dict.fromkeys(rooms))

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _decided(self, state: State, contact: Contact, operator: Operator) -> None:
        """Just before an offer is made: everybody is still as the core saw them."""
        if contact.contact != self.contact:
            said = passed_over(state, state.contacts.get(self.contact), contact, operator, self._names)
            if said is not None:
                self._passed.append(said)
        elif self._decision is None:  # of several who ring the first: the order is one
            self._decision = judged(state, contact, self._names)

    def _say(self, text: str, nb: str = "", seen: Considered | None = None) -> None:
        now_ms = self.core.now_ms
        self._add(Step(now_ms, now_ms - self._arrived_ms, text, nb or text, seen))

    def _add(self, step: Step) -> None:
        if len(self.steps) < STEPS_MAX:
            self.steps.append(step)
        else:
            self.cut = True

    def _leaving(self, event: api.Event) -> dict[OperatorId, str]:
        """Names of people who may be gone after the step: who signs in or out, and who sat where somebody signs in."""
        if not isinstance(event, api.OperatorSignedOut | api.OperatorSignedIn):
            return {}
        people = [event.operator]
        if isinstance(event, api.OperatorSignedIn):
            people += filter(None, [self.core.operator_at(event.position)])
        rows = self.core.state.operators
        return {operator: rows[operator].name for operator in people if operator in rows}

    def _with(self, view: ContactView, form: str = "with {} at {}") -> str:
        operator = None if view.operator is None else self.core.operator(view.operator)
        if operator is None:
            return ""
        return " " + form.format(operator.name, self._names.position(operator.position))

    def _tell(
        self,
        event: api.Event,
        effects: Sequence[api.Effect],
        names: dict[OperatorId, str],
        before: ContactView | None,
    ) -> None:
        told_offer = False
        if isinstance(event, api.ContactDescribed):
            known = known_of(event)
            self._say(known.en, known.nb)
        asked = {effect.operator for effect in effects if isinstance(effect, api.Offer)}
        waited = before is not None and before.state is api.ContactState.WAITING
        arrival = any(isinstance(effect, api.StartWaiting) for effect in effects)
        by_name = isinstance(event, api.TransferToOperator)
        if not arrival:
            self._tell_rules(event, waited=waited)
            self._tell_steps(event)
        for effect in effects:
            if isinstance(effect, api.Offer):
                self._offered_ms[effect.operator, effect.epoch] = self.core.now_ms
            moved = moves_sentences.sentence_of(effect, names, moment(getattr(effect, "recall_at_ms", 0)), self._names)
            if moved is not None:
                self._say(moved.en, moved.nb)
                continue
            match effect:
                case api.StartWaiting():
                    self._waits(event, effect)
                case api.Offer():
                    if arrival and not told_offer:
                        self._tell_steps(event)
                    self._offer(effect, names, asked, waited=waited, first=not told_offer, by_name=by_name)
                    told_offer = True
                case api.DialOut(operator=operator):
                    said = arrival_sentences.dialed(event, effect, self.contact, names[operator], self._names)
                    self._say(said.en, said.nb)
                case api.Refused(code=code):
                    self._refused(event, effect, code)
                case api.Announce() | api.OverflowOut() | api.Standby():
                    said = sentence_of(effect, names)
                    self._say(said.en, said.nb)
                case _:
                    self._tell_simple(event, effect, names)
        view = self.core.contact(self.contact)
        if view is None or view.state is api.ContactState.ENDED:
            return
        if isinstance(event, api.ContactConnected) and before is not None and before.state is not view.state:
            self._say(f"Connected{self._with(view)}.", f"I samtale{self._with(view, 'med {} på {}')}.")
        if arrival and not told_offer:
            self._tell_steps(event)
        refused = any(isinstance(effect, api.Refused) for effect in effects)
        if view.state is api.ContactState.WAITING and not told_offer and not refused:
            self._why_waiting()

    def _tell_rules(self, event: api.Event, *, waited: bool) -> None:
        """What came over the contact before anybody was asked."""
        if isinstance(event, api.ConfigChanged) and event.apply == "all":
            said = arrival_sentences.published(event, self.core.state, self.contact, self._names, waited=waited)
            self._say(said.en, said.nb)
        if isinstance(event, api.TimerFired) and event.key == f"widen:{self.contact}":
            self._say(
                "The own room's time is over: operators of all the queue's rooms are asked.",
                "Tiden for egen sentral er ute: operatører i alle køens sentraler spørres.",
            )

    def _tell_steps(self, event: api.Event) -> None:
        for said in self._workflow.told(self.core.state, event):
            self._say(said.en, said.nb)

    def _tell_waiting(self, event: api.Event, effects: Sequence[api.Effect], *, own: bool) -> None:
        """Who was asked for others first, and what has changed among those who may be asked."""
        view = self.core.contact(self.contact)
        for said in self._passed:
            self._passed_count += 1
            if self._passed_count <= TOLD_MAX:
                self._say(said.en, said.nb)
            elif self._passed_count == TOLD_MAX + 1:
                self._say(
                    "Others were asked for first more often than is told here.",
                    "Andre gikk foran oftere enn det som fortelles her.",
                )
        if view is None or view.state is not api.ContactState.WAITING:
            return
        self._waiting.follow(self.core, event, effects, own=own)
        if self._waiting.due(self.core, self._arrived_ms):
            self._why_waiting()

    def _tell_simple(self, event: api.Event, effect: api.Effect, names: dict[OperatorId, str]) -> None:
        match effect:
            case api.WithdrawOffer(operator=operator, reason="accepted"):
                offered_ms = self._offered_ms.get((operator, effect.epoch), self.core.now_ms)
                rang, name, which = seconds(self.core.now_ms - offered_ms), names[operator], offer_named(effect.epoch)
                self._say(
                    f"{name} accepted {which.en} after {rang}; the legs are being joined.",
                    f"{name} tok {which.nb} etter {rang}; samtalen kobles opp.",
                )
            case api.WithdrawOffer(operator=operator, reason=reason):
                name, why, which = names.get(operator, operator), of(WITHDRAWN, reason), offer_named(effect.epoch)
                self._say(f"{name} {why.en} ({which.en}).", f"{name} {why.nb} ({which.nb}).")
            case api.Connect(operator=operator) if isinstance(event, api.ParkedTaken):
                who, where = names[operator], self._names.position(effect.position)
                self._say(f"{who} at {where} took the parked call.", f"{who} på {where} tok den parkerte samtalen.")
            case api.Connect(operator=operator) if isinstance(event, api.ContactPulledBack):
                who, where = names[operator], self._names.position(effect.position)
                self._say(f"{who} at {where} pulled the call back.", f"{who} på {where} hentet samtalen tilbake.")
            case api.ReleaseOperator(operator=operator, cause=cause):
                name, why = names.get(operator, operator), of(RELEASED, cause)
                self._say(f"{name} {why.en}.", f"{name} {why.nb}.")
            case api.SetHold(on=True):
                self._say("The operator put the call on hold.", "Operatøren satte samtalen på vent.")
            case api.SetHold():
                self._say("The operator took the call back.", "Operatøren tok samtalen tilbake.")
            case api.PositionMoved(operator=operator):
                who, seat = names[operator], self._names.position
                old, new = seat(effect.old_position), seat(effect.position)
                self._say(
                    f"{who} moved from {old} to {new} with the call.",
                    f"{who} flyttet fra {old} til {new} med samtalen.",
                )
            case api.EndContact(cause=cause):
                why = of(ENDS, cause)
                self._say(f"The call ended: {why.en}.", f"Samtalen ble avsluttet: {why.nb}.")

    def _waits(self, event: api.Event, effect: api.StartWaiting) -> None:
        if effect.reason != "arrived" or not isinstance(event, api.ContactArrived):
            row = self.core.state.contacts.get(effect.contact)
            form = of(WAITS, effect.reason)
            if row is not None and row.outgoing:
                form = WAITS_CALLED.get(effect.reason, form)
            queue = self._names.queue(effect.queue)
            said = Said(form.en.format(queue=queue.en), form.nb.format(queue=queue.nb))
            if effect.reason in ("overflow", "transferred"):
                said = arrival_sentences.joined(self.core.state, effect.queue, said, self._names)
            self._say(said.en, said.nb)
            return
        config = next(config for config in self.core.queues() if config.queue == effect.queue)
        said = arrival_sentences.arrived(event, config, self._names)
        self._say(said.en, said.nb)
        if 0 < event.first_arrived_at_ms < self.core.now_ms:
            said = arrival_sentences.rang_before(event)
            self._say(said.en, said.nb)

    def _offer(
        self,
        effect: api.Offer,
        names: dict[OperatorId, str],
        asked: Collection[OperatorId],
        *,
        waited: bool,
        first: bool,
        by_name: bool,
    ) -> None:
        """`waited`: until this event; `first`: of those who are asked in it; `by_name`: it was passed on to one."""
        self._waiting.begin_anew()
        before = self._waiting.before(effect.operator) if waited else None
        person = self.core.operator(effect.operator)
        said = offer_said(effect, person, names[effect.operator], self._decision, before, self._names, by_name=by_name)
        seen = None if self._decision is None or not first else with_chosen(self._decision.seen, asked)
        self._say(said.en, said.nb, seen)

    def _refused(self, event: api.Event, effect: api.Refused, code: str) -> None:
        who = effect.operator or "somebody"
        if isinstance(event, api.OfferAccepted | api.OfferRejected):
            accept = isinstance(event, api.OfferAccepted)
            self._say(
                f"{who}'s {'accept' if accept else 'rejection'} of offer {event.epoch} came too late and was refused"
                f" ({code}).",
                f"{'Svaret' if accept else 'Avslaget'} fra {who} på tilbud {event.epoch} kom for sent og ble avvist"
                f" ({code}).",
            )
        else:
            name = type(event).__name__
            self._say(f"{name} was refused: {effect.text} ({code}).", f"{name} ble avvist: {effect.text} ({code}).")

    def _why_waiting(self) -> None:
        """Behind whom, and why each signed-in operator is not asked: one by one, or counted by the reason."""
        told = self._waiting.told(self.core, self._arrived_ms)
        if told is not None:  # a step that changes nothing of it is not worth a sentence
            self._say(told[0].en, told[0].nb, told[1])

    def _tell_media(self, event: api.Event, holder: OperatorView | None, before: ContactView | None) -> None:
        """The audio of the operator in the call came or went."""
        if holder is None or before is None or before.offer_expires_at_ms is not None:
            return
        now = self.core.operator(holder.operator)
        if now is None or now.media_up == holder.media_up or now.contact != self.contact:
            return
        where, grace = self._names.position(now.position), seconds(self.core.state.config.media_grace_ms)
        if now.media_up:
            self._say(f"The audio at {where} is back; nothing is lost.", f"Lyden på {where} er tilbake; intet er tapt.")
        else:
            self._say(
                f"The audio at {where} is gone; {now.name} has {grace} to come back.",
                f"Lyden på {where} er borte; {now.name} har {grace} på å komme tilbake.",
            )
