"""A core with a clock and a timer wheel of its own, to write routing tests like an operator's day."""

from typing import Any, Literal, TypeVar

from kak_server.model.codec import to_json
from kak_server.model.ids import ContactId, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import (
    INVITES,
    Activity,
    ActivitySet,
    Apply,
    CancelTimer,
    ChatIdle,
    ColleagueDropped,
    ColleagueInvited,
    ColleagueSought,
    ConfigChanged,
    Configured,
    ConnectFailed,
    ConsultEnded,
    ContactArrived,
    ContactClass,
    ContactConnected,
    ContactDialed,
    ContactGone,
    ContactHandedOver,
    ContactParked,
    ContactPulledBack,
    ContactTakenOver,
    Effect,
    Event,
    ForcedTo,
    HandOverCancelled,
    HandoverFailed,
    HandOverStarted,
    HangUp,
    HoldSet,
    LoanAgreed,
    LoanAnswered,
    LoanAsked,
    LoanEnded,
    Offer,
    OfferAccepted,
    OfferRejected,
    OperatorForced,
    OperatorRules,
    OperatorSignedIn,
    OperatorSignedOut,
    ParkedTaken,
    ParticipantQuit,
    PositionMedia,
    QueueConfig,
    Refused,
    RoutingConfig,
    SetTimer,
    SupervisorListens,
    TimerFired,
    TransferToOperator,
    TransferToQueue,
    WrapUpDone,
    WrapUpExtended,
)
from kak_server.routing.api_moves import Purpose
from kak_server.routing.codec import decode_event, encode_event
from kak_server.routing.invariants import violations
from kak_server.routing.step import RoutingCore
from kak_server.routing.views import ContactView, OperatorView

E = TypeVar("E")

OSLO, BERGEN = RoomId("oslo"), RoomId("bergen")


def queue(name: str, *rooms: str, klass: ContactClass = ContactClass.EMERGENCY, **settings: Any) -> QueueConfig:
    """A queue with short settings."""
    return QueueConfig(
        queue=QueueId(name),
        name=name,
        rooms=tuple(RoomId(room) for room in rooms or ("oslo",)),
        klass=klass,
        **settings,
    )


class Desk:
    """Steps a core, checks the laws after each step, fires its timers when time passes, keeps events and effects."""

    def __init__(self, *queues: QueueConfig, **settings: Any) -> None:
        self.core = RoutingCore()
        self.now_ms = 1_000_000
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.timers: dict[str, int] = {}
        self.configure(*(queues or (queue("113"),)), **settings)

    def send(self, event: Event) -> tuple[Effect, ...]:
        """One event; its effects."""
        assert decode_event(encode_event(event)[0], to_json(event)) == event
        effects = self.core.step(event)
        self.events.append(event)
        self.effects.extend(effects)
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.timers[effect.key] = effect.at_ms
            elif isinstance(effect, CancelTimer):
                del self.timers[effect.key]
        self.timers = {key: at_ms for key, at_ms in self.timers.items() if key in self.core.timers()}
        assert self.timers == self.core.timers()
        found = violations(self.core.state)
        assert found == [], found
        return effects

    def wait(self, ms: int) -> list[Effect]:
        """Time passes; timers fire when due. All effects of that time."""
        until_ms = self.now_ms + ms
        effects: list[Effect] = []
        while due := [(at_ms, key) for key, at_ms in self.timers.items() if at_ms <= until_ms]:
            at_ms, key = min(due)
            self.now_ms = max(self.now_ms, at_ms)
            effects += self.send(TimerFired(self.now_ms, key))
        self.now_ms = until_ms
        return effects

    def crash_and_replay(self) -> None:
        """The events so far give the same state; so does a snapshot, and the core goes on from there."""
        again = RoutingCore()
        for event in self.events:
            again.step(event)
        assert again.digest() == self.core.digest()
        restored = RoutingCore.restore(self.core.snapshot())
        assert restored.digest() == self.core.digest()
        self.core = restored

    # --- what people and shells say -----------------------------------------------------------------------------------

    def configure(self, *queues: QueueConfig, **settings: Any) -> tuple[Effect, ...]:
        """New rules."""
        return self.send(Configured(self.now_ms, RoutingConfig(queues=queues, **settings)))

    def publish(
        self,
        *queues: QueueConfig,
        removed: tuple[str, ...] = (),
        people: tuple[OperatorRules, ...] = (),
        config: RoutingConfig | None = None,
        apply: Apply = "new",
    ) -> tuple[Effect, ...]:
        """A version of the configuration: only what changes."""
        gone = tuple(QueueId(name) for name in removed)
        version = self.core.version + 1
        return self.send(ConfigChanged(self.now_ms, version, queues, gone, people, config, apply))

    def sit(
        self, who: str, room: str = "oslo", *, at: str = "", ready: bool = True, media: bool = True, **skills: int
    ) -> tuple[Effect, ...]:
        """Somebody signs in, available unless said otherwise."""
        activity = Activity.AVAILABLE if ready else Activity.BREAK
        position = PositionId(at or f"{room}-{who}")
        return self.send(
            OperatorSignedIn(self.now_ms, OperatorId(who), who.title(), position, RoomId(room), skills, activity, media)
        )

    def leave(self, who: str) -> tuple[Effect, ...]:
        """Somebody signs out."""
        return self.send(OperatorSignedOut(self.now_ms, OperatorId(who)))

    def says(self, who: str, activity: Activity, reason: str = "", note: str = "") -> tuple[Effect, ...]:
        """Available, break, after-call work."""
        return self.send(ActivitySet(self.now_ms, OperatorId(who), activity, reason, note))

    def needs_more(self, who: str, ms: int) -> tuple[Effect, ...]:
        """The paper work takes longer."""
        return self.send(WrapUpExtended(self.now_ms, OperatorId(who), ms))

    def force(self, who: str, to: ForcedTo, by: str = "lead", reason: str = "", note: str = "") -> tuple[Effect, ...]:
        """A shift lead's word."""
        return self.send(OperatorForced(self.now_ms, OperatorId(who), OperatorId(by), to, reason, note))

    def takes_over(self, who: str, position: str, room: str = "oslo", **skills: int) -> tuple[Effect, ...]:
        """The next shift's operator stands by."""
        return self.send(
            HandOverStarted(self.now_ms, PositionId(position), OperatorId(who), who.title(), RoomId(room), skills)
        )

    def stays_on(self, who: str, position: str) -> tuple[Effect, ...]:
        """No hand-over after all."""
        return self.send(HandOverCancelled(self.now_ms, PositionId(position), OperatorId(who)))

    def media(self, position: str, up: bool) -> tuple[Effect, ...]:
        """The seat's audio comes or goes."""
        return self.send(PositionMedia(self.now_ms, PositionId(position), up))

    def ring(self, contact: str, to: str = "113", caller: str = "", *, first_ms: int = 0) -> tuple[Effect, ...]:
        """Somebody calls; for the first time at `first_ms`, if that was before."""
        arrived = ContactArrived(self.now_ms, ContactId(contact), QueueId(to), caller, first_arrived_at_ms=first_ms)
        return self.send(arrived)

    def gone(self, contact: str, cause: str = "bye") -> tuple[Effect, ...]:
        """The caller leaves."""
        return self.send(ContactGone(self.now_ms, ContactId(contact), cause))

    def accept(self, who: str, contact: str, epoch: int | None = None) -> tuple[Effect, ...]:
        """Enter on the keyboard; the present epoch unless said otherwise."""
        epoch = self.contact(contact).epoch if epoch is None else epoch
        return self.send(OfferAccepted(self.now_ms, OperatorId(who), ContactId(contact), epoch))

    def reject(
        self, who: str, contact: str, epoch: int | None = None, *, gives_way: bool = False
    ) -> tuple[Effect, ...]:
        """No."""
        epoch = self.contact(contact).epoch if epoch is None else epoch
        return self.send(OfferRejected(self.now_ms, OperatorId(who), ContactId(contact), epoch, gives_way))

    def joined(self, contact: str, epoch: int | None = None) -> tuple[Effect, ...]:
        """The shells have joined the legs."""
        epoch = self.contact(contact).epoch if epoch is None else epoch
        return self.send(ContactConnected(self.now_ms, ContactId(contact), epoch))

    def join_failed(self, contact: str, epoch: int | None = None) -> tuple[Effect, ...]:
        """The shells could not."""
        epoch = self.contact(contact).epoch if epoch is None else epoch
        return self.send(ConnectFailed(self.now_ms, ContactId(contact), epoch, "no-port"))

    def falls_silent(self, chat: str) -> tuple[Effect, ...]:
        """Nobody has written in it for long."""
        return self.send(ChatIdle(self.now_ms, ContactId(chat)))

    def hang_up(self, who: str, contact: str) -> tuple[Effect, ...]:
        """The operator ends the call."""
        return self.send(HangUp(self.now_ms, OperatorId(who), ContactId(contact)))

    def hold(self, who: str, contact: str, on: bool = True) -> tuple[Effect, ...]:
        """Hold or resume."""
        return self.send(HoldSet(self.now_ms, OperatorId(who), ContactId(contact), on))

    def transfer(self, who: str, contact: str, to: str) -> tuple[Effect, ...]:
        """Blind transfer."""
        return self.send(TransferToQueue(self.now_ms, OperatorId(who), ContactId(contact), QueueId(to)))

    def dial(self, who: str, contact: str, queue: str = "", number: str = "110") -> tuple[Effect, ...]:
        """Somebody calls somebody."""
        return self.send(
            ContactDialed(self.now_ms, ContactId(contact), OperatorId(who), number, QueueId(queue), {"display": "x"})
        )

    def hand_over(self, who: str, contact: str) -> tuple[Effect, ...]:
        """The operator leaves the others to themselves."""
        return self.send(ContactHandedOver(self.now_ms, OperatorId(who), ContactId(contact)))

    def handover_failed(self, contact: str, *, unheard: bool = False) -> tuple[Effect, ...]:
        """Nobody is left with the caller. `unheard`: somebody answered, and hung up at once."""
        cause = "unheard" if unheard else "busy"
        return self.send(HandoverFailed(self.now_ms, ContactId(contact), cause, unheard))

    def pull_back(self, who: str, contact: str) -> tuple[Effect, ...]:
        """An operator joins a call that goes on without one."""
        return self.send(ContactPulledBack(self.now_ms, OperatorId(who), ContactId(contact)))

    def park(self, who: str, contact: str) -> tuple[Effect, ...]:
        """Into a slot of the room."""
        return self.send(ContactParked(self.now_ms, OperatorId(who), ContactId(contact)))

    def unpark(self, who: str, contact: str) -> tuple[Effect, ...]:
        """Somebody takes a parked contact."""
        return self.send(ParkedTaken(self.now_ms, OperatorId(who), ContactId(contact)))

    def hand_to(self, who: str, contact: str, target: str, *, back: bool = True) -> tuple[Effect, ...]:
        """Blind transfer to a colleague."""
        return self.send(TransferToOperator(self.now_ms, OperatorId(who), ContactId(contact), OperatorId(target), back))

    def invite(self, who: str, contact: str, target: str, purpose: Purpose = "consult") -> tuple[Effect, ...]:
        """A colleague is asked in."""
        event = ColleagueInvited(self.now_ms, OperatorId(who), ContactId(contact), OperatorId(target), purpose)
        return self.send(event)

    def seek(self, who: str, contact: str, queue: str = "", room: str = "") -> tuple[Effect, ...]:
        """Somebody of a queue or a room is asked for."""
        of_queue, of_room = QueueId(queue) if queue else None, RoomId(room) if room else None
        return self.send(ColleagueSought(self.now_ms, OperatorId(who), ContactId(contact), of_queue, of_room))

    def guest_epoch(self, contact: str, target: str) -> int:
        """The epoch of a colleague's invitation."""
        rows = [row for row in self.contact(contact).participants if row.operator == target]
        return INVITES + rows[0].number if rows else INVITES + 1

    def comes_in(self, target: str, contact: str) -> tuple[Effect, ...]:
        """The colleague says yes."""
        return self.accept(target, contact, self.guest_epoch(contact, target))

    def drop(self, who: str, contact: str, target: str) -> tuple[Effect, ...]:
        """The holder parts a colleague."""
        return self.send(ColleagueDropped(self.now_ms, OperatorId(who), ContactId(contact), OperatorId(target)))

    def consulted(self, who: str, contact: str, how: Literal["complete", "merge"]) -> tuple[Effect, ...]:
        """The end of a consultation."""
        return self.send(ConsultEnded(self.now_ms, OperatorId(who), ContactId(contact), how))

    def quit(self, who: str, contact: str) -> tuple[Effect, ...]:
        """One who takes part leaves."""
        return self.send(ParticipantQuit(self.now_ms, OperatorId(who), ContactId(contact)))

    def listen(self, who: str, contact: str, *, whisper: bool = False) -> tuple[Effect, ...]:
        """A shift lead listens in."""
        return self.send(SupervisorListens(self.now_ms, OperatorId(who), ContactId(contact), whisper))

    def take_over(self, who: str, contact: str) -> tuple[Effect, ...]:
        """A shift lead takes the contact."""
        return self.send(ContactTakenOver(self.now_ms, OperatorId(who), ContactId(contact)))

    def done(self, who: str) -> tuple[Effect, ...]:
        """Paper work finished."""
        return self.send(WrapUpDone(self.now_ms, OperatorId(who)))

    def talk(self, who: str, contact: str) -> None:
        """Accept and join."""
        self.accept(who, contact)
        self.joined(contact)

    def borrow(
        self,
        loan: str,
        room: str,
        lender: str,
        *named: str,
        count: int = 0,
        queues: tuple[str, ...] = (),
        ms: int = 3_600_000,
        by: str = "lead",
        **skills: int,
    ) -> tuple[Effect, ...]:
        """A room asks another for people."""
        return self.send(
            LoanAsked(
                self.now_ms,
                loan,
                OperatorId(by),
                RoomId(room),
                RoomId(lender),
                self.now_ms + ms,
                count or max(1, len(named)),
                tuple(OperatorId(who) for who in named),
                tuple(QueueId(queue) for queue in queues),
                skills,
            )
        )

    def lend(self, loan: str, *who: str, by: str = "lender", own_emergencies: bool = True) -> tuple[Effect, ...]:
        """The other room's lead says who goes."""
        people = tuple(OperatorId(one) for one in who)
        return self.send(LoanAgreed(self.now_ms, loan, OperatorId(by), people, own_emergencies))

    def goes(self, loan: str, who: str, *, yes: bool = True) -> tuple[Effect, ...]:
        """Somebody who is to be lent says yes or no."""
        return self.send(LoanAnswered(self.now_ms, loan, OperatorId(who), yes))

    def end_loan(self, loan: str, who: str = "", by: str = "lead") -> tuple[Effect, ...]:
        """A shift lead ends it, for one or all."""
        return self.send(LoanEnded(self.now_ms, loan, OperatorId(by), OperatorId(who) if who else None))

    # --- what can be seen ---------------------------------------------------------------------------------------------

    def contact(self, contact: str) -> ContactView:
        """A contact that must be there."""
        view = self.core.contact(ContactId(contact))
        assert view is not None, f"no contact {contact}"
        return view

    def operator(self, who: str) -> OperatorView:
        """An operator who must be there."""
        view = self.core.operator(OperatorId(who))
        assert view is not None, f"no operator {who}"
        return view

    def line(self, to: str = "113") -> list[str]:
        """Who waits in the queue, first first."""
        return [view.contact for view in self.core.waiting(QueueId(to))]

    def offered_to(self, contact: str) -> str | None:
        """Who is asked for the contact now."""
        view = self.contact(contact)
        return view.operator if view.offer_expires_at_ms is not None else None


def only(effects: Any, kind: type[E]) -> list[E]:
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def offers_in(effects: Any) -> list[tuple[str, str, int]]:
    """(contact, operator, epoch) of every offer made."""
    return [(offer.contact, offer.operator, offer.epoch) for offer in only(effects, Offer)]


def refused(effects: Any) -> list[str]:
    """Codes of refusals."""
    return [effect.code for effect in only(effects, Refused)]
