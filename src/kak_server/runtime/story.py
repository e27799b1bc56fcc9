"""One contact's way through the house, told in sentences while the journal is replayed through the routing core."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView

NAMES_MAX = 5

_WITHDRAWN = {
    "rejected": "said no",
    "expired": "did not answer in time",
    "caller-gone": "was ringing when the caller left",
    "activity": "stopped being available while it rang",
    "media": "lost the audio at the position while it rang",
    "moved": "left the position while it rang",
    "signed-out": "signed out while it rang",
    "evacuated": "sits in a room that was evacuated while it rang",
    "answered-elsewhere": "is not needed any more: somebody else has the call",
}
_RELEASED = {
    "hangup": "hung up",
    "caller-gone": "was left by the caller",
    "transfer": "passed the call on",
    "media-lost": "had no audio for too long and was taken off the call",
    "connect-failed": "could not be joined with the caller",
    "handed-over": "left; the others talk on without an operator",
}
_WAITS = {
    "requeued": "The caller hears an announcement and waits again: head of the class, old arrival time.",
    "transferred": "It waits in queue {queue} now, with its old arrival time.",
    "overflow": "A step of the workflow leads on to queue {queue}; the arrival time stays.",
}


def sentence_of(effect: api.Announce | api.OverflowOut | api.Standby, names: Mapping[OperatorId, str]) -> str:
    """What a workflow does beside asking people."""
    match effect:
        case api.Announce(prompt=prompt, place=place):
            told = f", and that it is number {place} in the queue" if place else ""
            return f"A step of the workflow: the caller hears {prompt}{told}."
        case api.OverflowOut(number=number):
            return f"A step of the workflow: {number} is called for the caller, who leaves the queue."
        case api.Standby(operator=operator):
            return f"{names[operator]} answered second and stands by until the first is joined."


def clock(at_ms: int) -> str:
    """UTC time of day with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%H:%M:%S.%f")[:-3]


def seconds(ms: int) -> str:
    """A length for reading."""
    return f"{ms / 1_000:.1f} s"


class Story:
    """Feed it each event around the core's step; `sentences` grows when the contact is concerned."""

    def __init__(self, contact: ContactId, core: RoutingCore) -> None:
        self.contact = contact
        self.core = core
        self.sentences: list[str] = []
        self.over = False
        self._arrived_ms = 0
        self._offered_ms = 0

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
        effects = self.core.step(event)
        mine = [effect for effect in effects if getattr(effect, "contact", None) == self.contact]
        if mine:
            names.update({view.operator: view.name for view in self.core.operators()})
            self._tell(event, mine, names, idle, before)
        self._tell_media(event, holder, before)
        if any(isinstance(effect, api.EndContact) for effect in mine):
            self.over = True

    def note(self, text: str, at_ms: int | None = None) -> None:
        """Something beside the events: a restart, a hole in the journal. `at_ms` if it has a time of its own."""
        if self.core.contact(self.contact) is not None and not self.over:
            self.sentences.append(f"{clock(at_ms or self.core.now_ms)} {text}")

    def finish(self) -> list[str]:
        """All sentences; the last says where the contact is if it has not ended."""
        view = self.core.contact(self.contact)
        if view is not None and not self.over:
            self._say(f"Here the journal ends; the call is {view.state.value}{self._with(view)}.")
        return self.sentences

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        now_ms = self.core.now_ms
        self.sentences.append(f"{clock(now_ms)} (+{seconds(now_ms - self._arrived_ms)}) {text}")

    def _concerns(self, event: api.Event) -> bool:
        """Names of people who may be gone after the step are only worth collecting for some events."""
        return isinstance(event, api.OperatorSignedOut | api.OperatorSignedIn)

    def _with(self, view: ContactView) -> str:
        operator = None if view.operator is None else self.core.operator(view.operator)
        return "" if operator is None else f" with {operator.name} at {operator.position}"

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
        for effect in effects:
            match effect:
                case api.StartWaiting():
                    self._waits(event, effect)
                case api.WithdrawOffer(operator=operator, reason="accepted"):
                    rang = seconds(self.core.now_ms - self._offered_ms)
                    self._say(
                        f"{names[operator]} accepted offer {effect.epoch} after {rang}; the legs are being joined."
                    )
                case api.WithdrawOffer(operator=operator, reason=reason):
                    self._say(
                        f"{names.get(operator, operator)} {_WITHDRAWN.get(reason, reason)} (offer {effect.epoch})."
                    )
                case api.Offer():
                    told_offer = True
                    self._offer(event, effect, names, idle)
                case api.DialOut(operator=operator):
                    self._dialed(event, effect, names[operator])
                case api.Connect(operator=operator) if isinstance(event, api.ContactPulledBack):
                    self._say(f"{names[operator]} at {effect.position} pulled the call back.")
                case api.Announce() | api.OverflowOut() | api.Standby():
                    self._say(sentence_of(effect, names))
                case api.ReleaseOperator(operator=operator, cause=cause):
                    self._say(f"{names.get(operator, operator)} {_RELEASED.get(cause, cause)}.")
                case api.SetHold(on=on):
                    self._say("The operator put the call on hold." if on else "The operator took the call back.")
                case api.PositionMoved(operator=operator):
                    self._say(f"{names[operator]} moved from {effect.old_position} to {effect.position} with the call.")
                case api.Refused(code=code):
                    self._refused(event, effect, code)
                case api.EndContact(cause=cause):
                    self._say(f"The call ended: {cause}.")
        view = self.core.contact(self.contact)
        if view is None or view.state is api.ContactState.ENDED:
            return
        if isinstance(event, api.ConfigChanged) and event.apply == "all":
            self._say(f"Version {event.version} of the configuration was published, and the call follows it.")
        if isinstance(event, api.ContactConnected) and before is not None and before.state is not view.state:
            self._say(f"Connected{self._with(view)}.")
        if isinstance(event, api.TimerFired) and event.key == f"widen:{self.contact}":
            self._say("The own room's time is over: operators of all the queue's rooms are asked.")
        refused = any(isinstance(effect, api.Refused) for effect in effects)
        if view.state is api.ContactState.WAITING and not told_offer and not refused:
            self._why_waiting(view)

    def _waits(self, event: api.Event, effect: api.StartWaiting) -> None:
        if effect.reason != "arrived" or not isinstance(event, api.ContactArrived):
            self._say(_WAITS.get(effect.reason, effect.reason).format(queue=effect.queue))
            return
        config = next(config for config in self.core.queues() if config.queue == effect.queue)
        needs = ", ".join(f"{skill} {level}" for skill, level in sorted(config.skills.items()))
        text = f"Call {self.contact} from {event.caller or 'an unknown number'} arrived for queue {config.queue}"
        text += f" ({config.name}), class {config.klass.value}, served by {' and '.join(config.rooms)}"
        if config.own_room_ms and len(config.rooms) > 1:
            text += f" ({config.rooms[0]} alone for {seconds(config.own_room_ms)})"
        self._say(text + (f", skills needed: {needs}." if needs else "."))
        if 0 < event.first_arrived_at_ms < self.core.now_ms:
            first = clock(event.first_arrived_at_ms)
            self._say(f"The caller rang at {first} already and got nobody: it waits as if it had come then.")

    def _dialed(self, event: api.Event, effect: api.DialOut, name: str) -> None:
        number = event.number if isinstance(event, api.ContactDialed) else "a number"
        text = f"{name} at {effect.position} called {number or 'a number'} (call {self.contact}, queue {effect.queue})"
        after = event.attributes.get("callback_of") if isinstance(event, api.ContactDialed) else None
        self._say(text + (f", who had rung in call {after} before." if after else "."))

    def _offer(
        self, event: api.Event, effect: api.Offer, names: dict[OperatorId, str], idle: tuple[OperatorId, ...]
    ) -> None:
        self._offered_ms = self.core.now_ms
        who = f"{names[effect.operator]} at {effect.position}"
        others = [operator for operator in idle if operator != effect.operator]
        if effect.operator not in idle:
            why = f"who became free just then ({self._cause(event)}); nobody else was"
        elif others:
            why = f"first of {len(idle)} idle for this queue: own room first, then longest idle, not asked before"
        else:
            why = "the only one idle for this queue"
        self._say(f"Offer {effect.epoch} to {who}, {why}. It rings until {clock(effect.expires_at_ms)}.")

    def _cause(self, event: api.Event) -> str:
        match event:
            case api.OperatorSignedIn():
                return "signed in"
            case api.ActivitySet():
                return "became available"
            case api.PositionMedia():
                return "the audio came up"
            case api.WrapUpDone() | api.TimerFired(key=_):
                return "finished the work before it"
            case api.OfferRejected() | api.OfferAccepted():
                return "let another offer go"
            case _:
                return "the call before it ended"

    def _refused(self, event: api.Event, effect: api.Refused, code: str) -> None:
        who = effect.operator or "somebody"
        if isinstance(event, api.OfferAccepted | api.OfferRejected):
            word = "accept" if isinstance(event, api.OfferAccepted) else "rejection"
            self._say(f"{who}'s {word} of offer {event.epoch} came too late and was refused ({code}).")
        else:
            self._say(f"{type(event).__name__} was refused: {effect.text} ({code}).")

    def _why_waiting(self, view: ContactView) -> None:
        """Behind whom, and why each signed-in operator is not asked, grouped by the reason."""
        line = [other.contact for other in self.core.waiting(view.queue)]
        ahead = line[: line.index(self.contact)]
        place = f"behind {len(ahead)} ({_some(ahead)})" if ahead else "first in its queue"
        reasons: dict[str, list[str]] = {}
        for operator in sorted(self.core.operators(), key=lambda operator: operator.operator):
            reason = self.core.why_not(self.contact, operator.operator) or "may be asked"
            reasons.setdefault(reason, []).append(operator.name)
        if not reasons:
            self._say(f"It waits, {place}: nobody is signed in.")
            return
        why = "; ".join(f"{_some(people)} {reason}" for reason, people in reasons.items())
        self._say(f"It waits, {place}: {why}.")

    def _tell_media(self, event: api.Event, holder: OperatorView | None, before: ContactView | None) -> None:
        """The audio of the operator in the call came or went."""
        if holder is None or before is None or before.offer_expires_at_ms is not None:
            return
        now = self.core.operator(holder.operator)
        if now is None or now.media_up == holder.media_up or now.contact != self.contact:
            return
        if now.media_up:
            self._say(f"The audio at {now.position} is back; nothing is lost.")
        else:
            grace = seconds(self.core.state.config.media_grace_ms)
            self._say(f"The audio at {now.position} is gone; {now.name} has {grace} to come back.")


def _some(names: list[str] | list[ContactId]) -> str:
    """Some names and how many more."""
    shown = ", ".join(names[:NAMES_MAX])
    return shown if len(names) <= NAMES_MAX else f"{shown} and {len(names) - NAMES_MAX} more"
