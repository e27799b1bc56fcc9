"""Contacts that have no call: chats, alarms and radios' emergencies, brought by programs of others.

The routing core treats them as it treats calls, by their kind; no media, no SIP and no port belongs to one, and nothing
that goes wrong here reaches a call. What has ended is remembered for a while: a repeated request finds it again, and
the last words of a chat can still be fetched.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.brought_skills import unknown_skills
from kak_server.bridges.brought_types import KINDS, Asked, Brought, Integrator, Message, Sender
from kak_server.bridges.calls import Calls
from kak_server.bridges.context import Context, QueueInfo
from kak_server.bridges.outputs import Audit, Dirty, Note, SetTimer, StoreCall
from kak_server.model.codec import from_json
from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.routing import api as routing
from kak_server.sip.rates import Buckets, Rate

KEPT_FOR_MS = 3_600_000
"""How long a contact that has ended is remembered."""

KEPT_MAX = 5_000
LOST_IN_RESTART = "ended-in-restart"
"""How a contact ended that the routing core knows no more."""
"""So many of those at most; the longest over is forgotten first."""

OPEN_MAX = 5_000
"""All integrators' contacts together: the routing core's places are for calls first."""


class BroughtContacts:
    """All of them, by contact."""

    def __init__(self, ctx: Context, calls: Calls) -> None:
        self.ctx = ctx
        self.calls = calls
        self.contacts: dict[ContactId, Brought] = {}
        self.messages: dict[ContactId, list[Message]] = {}
        self._open: dict[str, dict[ContactId, None]] = {}  # by integrator
        self._references: dict[tuple[str, str], ContactId] = {}
        self._over: dict[ContactId, None] = {}  # the longest over first
        self.offered: dict[ContactId, OperatorId] = {}  # chats, and who is asked for each (first)
        self._rates: dict[int, Buckets] = {}  # by how many a minute
        self.on_taken: Callable[[Brought], None] = lambda _one: None  # an operator has it
        self.on_over: Callable[[Brought], None] = lambda _one: None

    def open_of(self, integrator: str) -> list[ContactId]:
        """An integrator's contacts that have not ended, oldest first."""
        return list(self._open.get(integrator, ()))

    @property
    def open_count(self) -> int:
        """How many have not ended."""
        return len(self.contacts) - len(self._over)

    # --- from outside -------------------------------------------------------------------------------------------------

    def bring(self, by: Integrator, asked: Asked) -> tuple[Brought, bool]:
        """A contact for its queue, and whether it is a new one: the same reference again gives the one there is. Raises
        RefusedError."""
        one = self.by_reference(by, asked.reference)
        if one is not None:
            if one.asked != asked:
                raise RefusedError("reference-used", "that reference was given to another contact")
            return one, False
        queue = self._queue_for(by, asked)
        self._room_for(by)
        ctx = self.ctx
        klass = self._class_for(by, asked, queue)
        unknown = unknown_skills(asked, klass, ctx.settings.skills)
        contact = ContactId(ctx.ids.new("contact"))
        one = Brought(contact, by.integrator, asked, queue.queue, ctx.now_ms, klass=klass.value, skills_unknown=unknown)
        self._enter(one)
        self._arrive(one)
        if ctx.core.contact(one.contact) is None:
            self._forget(one)
            raise RefusedError("unavailable", "the queue takes no more contacts")
        if asked.kind == "chat" and asked.text:
            self.say(one, "outside", asked.text)
        # Last: one of which there is no record was not confirmed to anybody, and is asked for again.
        ctx.put(one.key(), one)
        self._tell_of(one)
        return one, True

    def by_reference(self, by: Integrator, reference: str) -> Brought | None:
        """What this integrator has brought under that name, while it is known."""
        known = self._references.get((by.integrator, reference))
        return self.contacts[known] if known is not None else None

    def _tell_of(self, one: Brought) -> None:
        """A new one: in the log, counted, and in the audit log."""
        ctx, asked, left = self.ctx, one.asked, ", ".join(one.skills_unknown)
        fields = {"contact": one.contact, "kind": asked.kind, "queue": one.queue, "by": one.by}
        ctx.emit(Note("contact_brought", fields=fields))
        detail = {"kind": asked.kind, "queue": one.queue, "reference": asked.reference, "class": one.klass}
        if asked.klass and asked.klass != one.klass:
            detail["class_asked"] = asked.klass
        if left:
            detail["skills_unknown"] = left
            missed = {"by": one.by, "contact": one.contact, "skills": left}
            ctx.emit(Note("contact_skills_unknown", "warning", missed))
        ctx.emit(Audit(OperatorId(f"integrator:{one.by}"), "contact.brought", one.contact, detail))

    def of(self, by: Integrator, contact: ContactId) -> Brought:
        """A contact of this integrator's own. Raises RefusedError."""
        one = self.contacts.get(contact)
        if one is None or one.by != by.integrator:
            raise RefusedError("not-found", "no such contact")
        return one

    def end(self, by: Integrator, contact: ContactId) -> Brought:
        """The outside is through with it. Said twice it is once. Raises RefusedError."""
        one = self.of(by, contact)
        if not one.over:
            self.ctx.route(routing.ContactGone(self.ctx.now_ms, contact, "ended-outside"))
            self.ctx.settle()
        return self.contacts.get(contact, one)

    def rate(self, a_minute: int, key: str) -> None:
        """Count something that may happen so often. Raises RefusedError."""
        buckets = self._rates.get(a_minute)
        if buckets is None:
            buckets = self._rates[a_minute] = Buckets(Rate(a_minute / 60, float(a_minute)))
        if not buckets.take(key, self.ctx.now_ms):
            raise RefusedError("too-many-requests", f"more than {a_minute} a minute")

    def _queue_for(self, by: Integrator, asked: Asked) -> QueueInfo:
        if asked.kind not in by.kinds:
            raise RefusedError("not-allowed", f"you may not bring contacts of kind {asked.kind}")
        queue = self.calls.queues.get(QueueId(asked.queue)) if asked.queue else self.calls.queue_of(asked.number)
        if queue is None:
            raise RefusedError("unknown-queue", "no such queue, or no queue has that number")
        if by.queues and queue.queue not in by.queues:
            raise RefusedError("not-allowed", f"you may not bring contacts to queue {queue.queue}")
        return queue

    def _class_for(self, by: Integrator, asked: Asked, queue: QueueInfo) -> routing.ContactClass:
        """What was asked for, where the queue permits it. Nothing is refused for its class: what may not be raised
        waits as everything else in its queue does, and whatever comes to an emergency queue is an emergency."""
        if not asked.klass or asked.klass == queue.klass.value:
            return queue.klass
        wanted = routing.ContactClass(asked.klass)
        if queue.klass is not routing.ContactClass.EMERGENCY and wanted in queue.brought_classes:
            return wanted
        fields = {"by": by.integrator, "queue": queue.queue, "asked": asked.klass, "class": queue.klass.value}
        self.ctx.emit(Note("contact_class_not_permitted", "warning", fields))
        return queue.klass

    def _room_for(self, by: Integrator) -> None:
        if self.ctx.draining:
            raise RefusedError("unavailable", "the server is about to stop")
        self.rate(by.contacts_a_minute, f"contacts/{by.integrator}")
        if len(self._open.get(by.integrator, ())) >= by.max_open or self.open_count >= OPEN_MAX:
            self.ctx.emit(Note("contact_brought_refused", "warning", {"by": by.integrator, "code": "limit"}))
            raise RefusedError("limit", "too many contacts are open: end some first")

    # --- what is written ----------------------------------------------------------------------------------------------

    def say(
        self, one: Brought, by: Sender, text: str, *, key: str = "", operator: OperatorId | None = None, name: str = ""
    ) -> tuple[Message, bool]:
        """Add a message, and whether it is new: a key that was used before gives the message it was used for."""
        said = self.messages.setdefault(one.contact, [])
        if key:
            for old in said:
                if old.key == key and old.by == by:
                    return old, False
        message = Message(one.contact, len(said) + 1, by, text, self.ctx.now_ms, operator, name, key)
        said.append(message)
        self.ctx.put(message.record(), message)
        return message, True

    def read(self, one: Brought) -> None:
        """Its integrator has fetched what was written. A chat is polled for as long as it lasts: the first time is in
        the audit log, and that it is outlives us."""
        if not one.read_at_ms:
            self.keep(replace(one, read_at_ms=self.ctx.now_ms))
            self.ctx.emit(Audit(OperatorId(f"integrator:{one.by}"), "chat.read", one.contact, {"queue": one.queue}))

    # --- from the routing core ----------------------------------------------------------------------------------------

    def connect(self, effect: routing.Connect) -> bool:
        """There is nothing to join: whoever accepted it has it. False: it is a call."""
        one = self.contacts.get(effect.contact)
        if one is None:
            return False
        one = one.taken_by(effect.operator, str(effect.position), self.ctx.now_ms)
        self.keep(one)
        self.on_taken(one)
        self.ctx.route(routing.ContactConnected(self.ctx.now_ms, effect.contact, effect.epoch))
        return True

    def changed(self, contact: ContactId) -> None:
        """It waits in another queue perhaps, or with somebody else."""
        one = self.contacts.get(contact)
        if one is None:  # no view: this is asked at every change of every call
            return
        view = self.ctx.core.contact(contact)
        if one.kind == "chat":
            self.offered.pop(contact, None)
            if view is not None and view.operator is not None and view.state is routing.ContactState.OFFERED:
                self.offered[contact] = view.operator
            elif view is not None and view.handing is not None:
                self.offered[contact] = view.handing.operator
        if view is None or one.over:
            return
        if view.queue != one.queue:
            one = replace(one, queue=view.queue, klass=view.klass.value)
        if view.operator is not None and view.state is routing.ContactState.CONNECTED:
            one = replace(one, last_operator=view.operator, last_position=str(view.position))
        self.keep(one)

    def ended(self, contact: ContactId, cause: str) -> None:
        """It is over: the record of it is written, and it is remembered for a while."""
        one = self.contacts.get(contact)
        if one is None or one.over:
            return
        one = replace(one, ended_at_ms=self.ctx.now_ms, cause=cause)
        self.keep(one)
        self._close(one)
        self.ctx.emit(self._record(one))
        self.on_over(one)
        self.ctx.emit(Dirty("recent"))
        self.ctx.emit(SetTimer(one.key(), one.ended_at_ms + KEPT_FOR_MS))
        while len(self._over) > KEPT_MAX:
            self.forget(next(iter(self._over)))

    def forget(self, contact: ContactId) -> None:
        """It has been over for long enough."""
        one = self.contacts.get(contact)
        if one is None or not one.over:
            return
        for message in self.messages.get(contact, ()):
            self.ctx.delete(message.record())
        self.ctx.delete(one.key())
        self._forget(one)

    # --- restart ------------------------------------------------------------------------------------------------------

    def restore(self, kind: str, value: Mapping[str, Any]) -> bool:
        """A record of the journal, if it is one of these."""
        if kind == "brought":
            self._enter(from_json(Brought, value))
        elif kind == "said":
            message = from_json(Message, value)
            self.messages.setdefault(message.contact, []).append(message)
        else:
            return False
        return True

    def restored(self) -> None:
        """All records are here again: in their order."""
        for said in self.messages.values():
            said.sort(key=lambda message: message.number)
        over = sorted((one for one in self.contacts.values() if one.over), key=lambda one: one.ended_at_ms)
        for one in over:
            self._close(one)

    def resume(self) -> None:
        """The rooms are up: what ended while we died is over; who was about to have one has it; timers."""
        for one in list(self.contacts.values()):
            view = self.ctx.core.contact(one.contact)
            if one.over:
                self.ctx.emit(SetTimer(one.key(), one.ended_at_ms + KEPT_FOR_MS))
            elif view is None or view.state is routing.ContactState.ENDED:
                # Of the journal's last event the core still knows how it ended; of an earlier one nobody does
                self.ended(one.contact, view.cause if view is not None and view.cause else LOST_IN_RESTART)
            elif view.state is routing.ContactState.CONNECTING and view.operator is not None and view.position:
                self.connect(routing.Connect(one.contact, view.operator, view.position, view.epoch))
        for one in self.contacts.values():
            self.changed(one.contact)
        for contact in self.messages.keys() - self.contacts.keys():  # never confirmed to anybody
            for message in self.messages.pop(contact):
                self.ctx.delete(message.record())

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _arrive(self, one: Brought) -> None:
        asked = one.asked
        self.ctx.route(
            routing.ContactArrived(
                self.ctx.now_ms,
                one.contact,
                one.queue,
                asked.caller,
                {"source": one.by, "channel": asked.channel},
                kind=KINDS[asked.kind],
                klass=self._own_class(one),
                priority_ms=asked.priority_ms,
                skills={skill: level for skill, level in asked.skills.items() if skill not in one.skills_unknown},
                area=self.calls.gazetteer.code(asked.area) or asked.area,
                language=asked.language,
                identity=asked.caller,
            )
        )
        self.ctx.settle()

    def _own_class(self, one: Brought) -> routing.ContactClass | None:
        """One of its own goes with it to other queues; None: as the queue it is in says."""
        own = one.klass != self.calls.queues[one.queue].klass.value
        return routing.ContactClass(one.klass) if own else None

    def keep(self, one: Brought) -> None:
        """As it is from now on, in the journal too."""
        if self.contacts.get(one.contact) != one:
            self.contacts[one.contact] = one
            self.ctx.put(one.key(), one)

    def _enter(self, one: Brought) -> None:
        self.contacts[one.contact] = one
        self._open.setdefault(one.by, {})[one.contact] = None
        self._references[one.by, one.asked.reference] = one.contact

    def _close(self, one: Brought) -> None:
        self._leave(one)
        self._over[one.contact] = None

    def _forget(self, one: Brought) -> None:
        del self.contacts[one.contact]
        self.messages.pop(one.contact, None)
        self._over.pop(one.contact, None)
        self._references.pop((one.by, one.asked.reference), None)
        self._leave(one)

    def _leave(self, one: Brought) -> None:
        """It is not among its integrator's open ones; who has none leaves nothing behind."""
        mine = self._open.get(one.by, {})
        mine.pop(one.contact, None)
        if not mine:
            self._open.pop(one.by, None)

    def _record(self, one: Brought) -> StoreCall:
        position = next((p for p in self.ctx.settings.positions if p.position == one.last_position), None)
        return StoreCall(
            one.contact,
            {
                "queue": one.queue,
                "caller": one.asked.caller,
                "arrived_at_ms": one.arrived_at_ms,
                "answered_at_ms": one.operator_answered_at_ms or None,
                "ended_at_ms": one.ended_at_ms,
                "operator": one.last_operator,
                "position": one.last_position or None,
                "room": position.room if position else None,
                "cause": one.cause,
                "direction": "in",
                "parties": [],
                "kind": one.kind,
                "text": one.asked.text if one.kind != "chat" else "",
                "messages": [
                    {"by": said.by, "name": said.name, "text": said.text, "at_ms": said.at_ms}
                    for said in self.messages.get(one.contact, ())
                ],
            },
        )
