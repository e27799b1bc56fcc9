"""One contact's way through the house, told in sentences while the journal is replayed through the routing core."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.state import Contact, Operator, State
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView
from kak_server.runtime import moves_sentences
from kak_server.runtime.considering import Considered, considered, summary, with_chosen
from kak_server.runtime.phrases import ENDS, RELEASED, STATES_NB, WAITS, WITHDRAWN, of
from kak_server.runtime.workflow_sentences import sentence_of

NAMES_MAX = 5
FEW = 12  # so many operators are named one by one, more are counted
STEPS_MAX = 1_000


def clock(at_ms: int) -> str:
    """UTC time of day with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%H:%M:%S.%f")[:-3]


def seconds(ms: int) -> str:
    """A length for reading."""
    return f"{ms / 1_000:.1f} s"


@dataclass(frozen=True, slots=True)
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

    def __init__(self, contact: ContactId, core: RoutingCore) -> None:
        self.contact = contact
        self.core = core
        self.steps: list[Step] = []
        self.over = False
        self.cut = False  # there were more steps than are told
        self._arrived_ms = 0
        self._offered_ms = 0
        self._decision: Considered | None = None
        self._waited = ("", "")  # place and reasons as they were said last

    def take(self, event: api.Event) -> None:
        """Step the core with the event and tell what it did to the contact."""
        if self.over:
            return
        before = self.core.contact(self.contact)
        if isinstance(event, api.ContactArrived | api.ContactDialed) and event.contact == self.contact:
            self._arrived_ms = event.now_ms
        elif before is not None and not self._arrived_ms:
            self._arrived_ms = before.arrived_at_ms
        holder = None if before is None or before.operator is None else self.core.operator(before.operator)
        names = {view.operator: view.name for view in self.core.operators()} if self._concerns(event) else {}
        idle = self._idle_before(event, before)
        self._decision = None
        self.core.state.watcher = self._decided
        effects = self.core.step(event)
        self.core.state.watcher = None
        mine = [effect for effect in effects if getattr(effect, "contact", None) == self.contact]
        if mine:
            names.update({view.operator: view.name for view in self.core.operators()})
            self._tell(event, mine, names, idle, before)
        self._tell_media(event, holder, before)
        if any(isinstance(effect, api.EndContact) for effect in mine):
            self.over = True

    def note(self, text: str, at_ms: int | None = None, nb: str = "") -> None:
        """Something beside the events: a restart, a hole in the journal. `at_ms` if it has a time of its own."""
        if self.core.contact(self.contact) is not None and not self.over:
            self._add(Step(at_ms or self.core.now_ms, None, text, nb or text))

    def finish(self) -> list[Step]:
        """All steps; the last says where the contact is if it has not ended."""
        view = self.core.contact(self.contact)
        if view is not None and not self.over:
            state, with_, med = view.state.value, self._with(view), self._with(view, "med {} på {}")
            self._say(
                f"Here the journal ends; the call is {state}{with_}.",
                f"Her slutter journalen; samtalen er {STATES_NB.get(state, state)}{med}.",
            )
        return self.steps

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _decided(self, state: State, contact: Contact, operator: Operator) -> None:
        """Just before an offer is made: everybody is still as the core saw them."""
        if contact.contact == self.contact:
            self._decision = considered(state, contact)

    def _say(self, text: str, nb: str = "", seen: Considered | None = None) -> None:
        now_ms = self.core.now_ms
        self._add(Step(now_ms, now_ms - self._arrived_ms, text, nb or text, seen))

    def _add(self, step: Step) -> None:
        if len(self.steps) < STEPS_MAX:
            self.steps.append(step)
        else:
            self.cut = True

    def _concerns(self, event: api.Event) -> bool:
        """Names of people who may be gone after the step are only worth collecting for some events."""
        return isinstance(event, api.OperatorSignedOut | api.OperatorSignedIn)

    def _with(self, view: ContactView, form: str = "with {} at {}") -> str:
        operator = None if view.operator is None else self.core.operator(view.operator)
        return "" if operator is None else " " + form.format(operator.name, operator.position)

    def _idle_before(self, event: api.Event, before: ContactView | None) -> tuple[OperatorId, ...]:
        """Who was idle for it when the event came: an offer says among how many it chose."""
        if isinstance(event, api.ContactArrived) and event.contact == self.contact:
            return self.core.idle(event.queue)
        return () if before is None else self.core.idle(before.queue)

    def _tell(
        self,
        event: api.Event,
        effects: Sequence[api.Effect],
        names: dict[OperatorId, str],
        idle: tuple[OperatorId, ...],
        before: ContactView | None,
    ) -> None:
        told_offer = False
        if self._decision is not None:
            asked = {effect.operator for effect in effects if isinstance(effect, api.Offer)}
            self._decision = with_chosen(self._decision, asked)
        for effect in effects:
            moved = moves_sentences.sentence_of(effect, names, clock(getattr(effect, "recall_at_ms", 0)))
            if moved is not None:
                self._say(moved.en, moved.nb)
                continue
            match effect:
                case api.StartWaiting():
                    self._waits(event, effect)
                case api.Offer():
                    told_offer = True
                    self._offer(event, effect, names, idle)
                case api.DialOut(operator=operator):
                    self._dialed(event, effect, names[operator])
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
        if isinstance(event, api.ConfigChanged) and event.apply == "all":
            self._say(
                f"Version {event.version} of the configuration was published, and the call follows it.",
                f"Versjon {event.version} av oppsettet ble publisert, og samtalen følger den.",
            )
        if isinstance(event, api.ContactConnected) and before is not None and before.state is not view.state:
            self._say(f"Connected{self._with(view)}.", f"I samtale{self._with(view, 'med {} på {}')}.")
        if isinstance(event, api.TimerFired) and event.key == f"widen:{self.contact}":
            self._say(
                "The own room's time is over: operators of all the queue's rooms are asked.",
                "Tiden for egen sentral er ute: operatører i alle køens sentraler spørres.",
            )
        refused = any(isinstance(effect, api.Refused) for effect in effects)
        if view.state is api.ContactState.WAITING and not told_offer and not refused:
            self._why_waiting(view)

    def _tell_simple(self, event: api.Event, effect: api.Effect, names: dict[OperatorId, str]) -> None:
        match effect:
            case api.WithdrawOffer(operator=operator, reason="accepted"):
                rang, name, epoch = seconds(self.core.now_ms - self._offered_ms), names[operator], effect.epoch
                self._say(
                    f"{name} accepted offer {epoch} after {rang}; the legs are being joined.",
                    f"{name} tok tilbud {epoch} etter {rang}; samtalen kobles opp.",
                )
            case api.WithdrawOffer(operator=operator, reason=reason):
                name, why = names.get(operator, operator), of(WITHDRAWN, reason)
                self._say(f"{name} {why.en} (offer {effect.epoch}).", f"{name} {why.nb} (tilbud {effect.epoch}).")
            case api.Connect(operator=operator) if isinstance(event, api.ParkedTaken):
                who, where = names[operator], effect.position
                self._say(f"{who} at {where} took the parked call.", f"{who} på {where} tok den parkerte samtalen.")
            case api.Connect(operator=operator) if isinstance(event, api.ContactPulledBack):
                who, where = names[operator], effect.position
                self._say(f"{who} at {where} pulled the call back.", f"{who} på {where} hentet samtalen tilbake.")
            case api.ReleaseOperator(operator=operator, cause=cause):
                name, why = names.get(operator, operator), of(RELEASED, cause)
                self._say(f"{name} {why.en}.", f"{name} {why.nb}.")
            case api.SetHold(on=True):
                self._say("The operator put the call on hold.", "Operatøren satte samtalen på vent.")
            case api.SetHold():
                self._say("The operator took the call back.", "Operatøren tok samtalen tilbake.")
            case api.PositionMoved(operator=operator):
                who, old, new = names[operator], effect.old_position, effect.position
                self._say(
                    f"{who} moved from {old} to {new} with the call.",
                    f"{who} flyttet fra {old} til {new} med samtalen.",
                )
            case api.EndContact(cause=cause):
                why = of(ENDS, cause)
                self._say(f"The call ended: {why.en}.", f"Samtalen ble avsluttet: {why.nb}.")

    def _waits(self, event: api.Event, effect: api.StartWaiting) -> None:
        if effect.reason != "arrived" or not isinstance(event, api.ContactArrived):
            said = of(WAITS, effect.reason)
            self._say(said.en.format(queue=effect.queue), said.nb.format(queue=effect.queue))
            return
        config = next(config for config in self.core.queues() if config.queue == effect.queue)
        needs = ", ".join(f"{skill} {level}" for skill, level in sorted(config.skills.items()))
        queue, klass, rooms = f"{config.queue} ({config.name})", config.klass.value, config.rooms
        text = (
            f"Call {self.contact} from {event.caller or 'an unknown number'} arrived for queue {queue}, class {klass}"
        )
        nb = f"Anrop {self.contact} fra {event.caller or 'ukjent nummer'} kom til køen {queue}, klasse {klass}"
        text += f", served by {' and '.join(rooms)}"
        nb += f", som betjenes av {' og '.join(rooms)}"
        if config.own_room_ms and len(rooms) > 1:
            text += f" ({rooms[0]} alone for {seconds(config.own_room_ms)})"
            nb += f" ({rooms[0]} alene i {seconds(config.own_room_ms)})"
        if needs:
            text, nb = f"{text}, skills needed: {needs}", f"{nb}, kompetanse som kreves: {needs}"
        self._say(f"{text}.", f"{nb}.")
        if 0 < event.first_arrived_at_ms < self.core.now_ms:
            first = clock(event.first_arrived_at_ms)
            self._say(
                f"The caller rang at {first} already and got nobody: it waits as if it had come then.",
                f"Innringeren ringte allerede kl. {first} uten å få svar: den venter som om den kom da.",
            )

    def _dialed(self, event: api.Event, effect: api.DialOut, name: str) -> None:
        number = (event.number if isinstance(event, api.ContactDialed) else "") or ""
        where, call = effect.position, f"call {self.contact}, queue {effect.queue}"
        text = f"{name} at {where} called {number or 'a number'} ({call})"
        nb = f"{name} på {where} ringte {number or 'et nummer'} (samtale {self.contact}, kø {effect.queue})"
        after = event.attributes.get("callback_of") if isinstance(event, api.ContactDialed) else None
        if after:
            text, nb = f"{text}, who had rung in call {after} before", f"{nb}, som hadde ringt i samtale {after} før"
        self._say(f"{text}.", f"{nb}.")

    def _offer(
        self, event: api.Event, effect: api.Offer, names: dict[OperatorId, str], idle: tuple[OperatorId, ...]
    ) -> None:
        self._offered_ms = self.core.now_ms
        self._waited = ("", "")
        name, where, until = names[effect.operator], effect.position, clock(effect.expires_at_ms)
        asked = self.core.operator(effect.operator)
        loan = None if asked is None else asked.duty.loan
        lent, on_loan_nb = (
            ("", "")
            if loan is None or asked is None
            else (f" (on loan from {asked.room})", f" (på utlån fra {asked.room})")
        )
        others = [operator for operator in idle if operator != effect.operator]
        if effect.operator not in idle:
            cause, grunn = self._cause(event)
            why = f"who became free just then ({cause}); nobody else was"
            nb = f"som ble ledig akkurat da ({grunn}); ingen andre var det"
        elif others:
            why = f"first of {len(idle)} idle for this queue: own room first, then longest idle, not asked before"
            nb = f"først av {len(idle)} ledige for køen: egen sentral først, så lengst ledig, ikke spurt før"
        else:
            why, nb = "the only one idle for this queue", "den eneste ledige for køen"
        self._say(
            f"Offer {effect.epoch} to {name} at {where}{lent}, {why}. It rings until {until}.",
            f"Tilbud {effect.epoch} til {name} på {where}{on_loan_nb}, {nb}. Det ringer til {until}.",
            self._decision,
        )
        if self._decision is not None:
            said = summary(self._decision, self.core.now_ms)
            self._say(said.en, said.nb)
            self._decision = None

    def _cause(self, event: api.Event) -> tuple[str, str]:
        match event:
            case api.OperatorSignedIn():
                return "signed in", "logget inn"
            case api.ActivitySet():
                return "became available", "ble tilgjengelig"
            case api.PositionMedia():
                return "the audio came up", "lyden kom på"
            case api.LoanAgreed() | api.LoanAnswered():
                return "was lent to this room", "ble lånt ut hit"
            case api.LoanEnded():
                return "was back from a loan", "var tilbake fra utlån"
            case api.TimerFired(key=key) if key.startswith("loan"):
                return "was back from a loan", "var tilbake fra utlån"
            case api.OperatorForced():
                return "was set ready by the shift lead", "ble satt klar av vaktleder"
            case api.RoomStateSet():
                return "could be asked since a room opened, closed or was evacuated", (
                    "kunne spørres fordi en sentral åpnet, stengte eller ble evakuert"
                )
            case api.WrapUpDone() | api.TimerFired(key=_):
                return "finished the work before it", "ble ferdig med arbeidet før"
            case api.OfferRejected() | api.OfferAccepted():
                return "let another offer go", "lot et annet tilbud gå"
            case _:
                return "the call before it ended", "forrige samtale tok slutt"

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

    def _why_waiting(self, view: ContactView) -> None:
        """Behind whom, and why each signed-in operator is not asked: one by one, or counted by the reason."""
        line = [other.contact for other in self.core.waiting(view.queue)]
        ahead = line[: line.index(self.contact)]
        place = f"behind {len(ahead)} ({_some(ahead)})" if ahead else "first in its queue"
        plass = f"bak {len(ahead)} ({_some(ahead, 'til')})" if ahead else "først i køen"
        seen = considered(self.core.state, self.core.state.contacts[self.contact])
        people = self.core.operators()
        if not people:
            why, nb = "nobody is signed in", "ingen er logget inn"
        elif len(people) <= FEW:
            reasons: dict[str, list[str]] = {}
            for operator in sorted(people, key=lambda operator: operator.operator):
                reason = self.core.why_not(self.contact, operator.operator) or "may be asked"
                reasons.setdefault(reason, []).append(operator.name)
            why = "; ".join(f"{_some(names)} {reason}" for reason, names in reasons.items())
            nb = ", ".join(f"{group.count} {group.reason_nb} ({', '.join(group.names)})" for group in seen.others)
        else:
            why = ", ".join(f"{group.count:,} {group.reason_en}" for group in seen.others)
            nb = ", ".join(f"{group.count} {group.reason_nb}" for group in seen.others)
        if self._waited != (place, why):  # a step that changes nothing of it is not worth a sentence
            self._waited = place, why
            self._say(f"It waits, {place}: {why}.", f"Den venter, {plass}: {nb}.", seen)

    def _tell_media(self, event: api.Event, holder: OperatorView | None, before: ContactView | None) -> None:
        """The audio of the operator in the call came or went."""
        if holder is None or before is None or before.offer_expires_at_ms is not None:
            return
        now = self.core.operator(holder.operator)
        if now is None or now.media_up == holder.media_up or now.contact != self.contact:
            return
        where, grace = now.position, seconds(self.core.state.config.media_grace_ms)
        if now.media_up:
            self._say(f"The audio at {where} is back; nothing is lost.", f"Lyden på {where} er tilbake; intet er tapt.")
        else:
            self._say(
                f"The audio at {where} is gone; {now.name} has {grace} to come back.",
                f"Lyden på {where} er borte; {now.name} har {grace} på å komme tilbake.",
            )


def _some(names: list[str] | list[ContactId], more: str = "more") -> str:
    """Some names and how many more."""
    shown = ", ".join(names[:NAMES_MAX])
    joined = "and" if more == "more" else "og"
    return shown if len(names) <= NAMES_MAX else f"{shown} {joined} {len(names) - NAMES_MAX} {more}"
