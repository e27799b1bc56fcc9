"""The recorded time once more, on a virtual clock, by rules of one's choice.

With the rules as they were every event comes out as it was, to the millisecond and in the same order. With others, what
people did is used again where the same thing happens (the same contact offered to the same operator, the same
conversation), and their habits where something else does.
"""

import heapq
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kak_server.model.ids import ContactId, OperatorId
from kak_server.model.light import frozen
from kak_server.routing import api
from kak_server.routing.step import RoutingCore
from kak_server.runtime.whatif.figures import Tally
from kak_server.runtime.whatif.habits import Habits
from kak_server.runtime.whatif.recording import LIVE, RULES, Anchor, Recording, Scripted

LATE_MS = 5_000
"""A timer that really fired so long after its time fires then here, too."""
_NO_INDEX = 1 << 60


@frozen
class _Fire:
    key: str
    number: int


@frozen
class _Play:
    scripted: Scripted
    turn: int
    operator: OperatorId | None


@frozen
class _Answer:
    contact: ContactId
    operator: OperatorId
    epoch: int


@frozen
class _Joined:
    contact: ContactId
    epoch: int


@frozen
class _End:
    contact: ContactId
    turn: int


class Simulation:
    """`run` it once; `tally` has the contacts then. `rules` None: those of the journal. `skills` and `capacities`:
    those of people under the new rules; the others keep theirs."""

    def __init__(
        self,
        recording: Recording,
        rules: api.RoutingConfig | None = None,
        skills: Mapping[OperatorId, Mapping[str, int]] | None = None,
        capacities: Mapping[OperatorId, api.Capacity] | None = None,
    ) -> None:
        self.recording = recording
        self.habits = Habits(recording)
        self.core = RoutingCore.restore(recording.start)
        self.tally = Tally(recording.from_ms)
        self.dropped = 0  # calls out and commands that could not be made
        self._rules = rules
        self._skills = skills or {}
        self._capacities = capacities or {}
        self._heap: list[tuple[int, int, int, Any]] = []
        self._pushed = 0
        self._counts: dict[Anchor, int] = {}
        self._turns: dict[tuple[str, str], int] = {}  # (stage, contact) -> which; scripts of others are void
        self._timers: dict[str, int] = {}  # armed key -> which setting of it
        self._leaving: set[OperatorId] = set()

    def run(self) -> None:
        """To the end of what was recorded: what is not over by then is not over in either world."""
        recording = self.recording
        for one in recording.outside:
            if self._rules is None or not isinstance(one.event, RULES):
                self._push(one.event.now_ms, one.index, one.event)
        for key, at_ms in self.core.timers().items():
            self._arm(key, at_ms)
        for anchor in recording.scripts:
            if anchor[0] in ("start", "start-of"):
                self._play(anchor, recording.from_ms)
        if self._rules is not None:
            self._change_rules(self._rules)
        while self._heap:
            at_ms, index, _, what = heapq.heappop(self._heap)
            if (at_ms, index) > recording.end:
                break
            event = self._event(what, at_ms, index)
            if event is not None:
                self._step(event, refused=index in recording.refused)

    def _change_rules(self, rules: api.RoutingConfig) -> None:
        now_ms = self.recording.from_ms
        self._step(api.Configured(now_ms, rules, self.core.version))
        people = tuple(
            api.OperatorRules(
                view.operator,
                view.name,
                self._skills.get(view.operator, view.skills),
                capacity=self._capacities.get(view.operator),
            )
            for view in self.core.operators()
            if view.operator in self._skills or view.operator in self._capacities
        )
        if people:
            self._step(api.ConfigChanged(now_ms, self.core.version, operators=people))

    # --- one step -----------------------------------------------------------------------------------------------------

    def _step(self, event: api.Event, *, refused: bool = False) -> None:
        """`refused`: so it was when it happened."""
        contact = getattr(event, "contact", None)
        before = self.core.contact(contact) if isinstance(event, api.ContactConnected) and contact is not None else None
        effects = self.core.step(event)
        self.tally.take(event, effects, self.core)
        for effect in effects:
            self._effect(event, effect, refused=refused)
        if before is not None and before.state is api.ContactState.CONNECTING:
            view = self.core.contact(before.contact)
            if view is not None and view.state is api.ContactState.CONNECTED:
                self._talks(str(before.contact), str(view.queue))
        if self._leaving:
            self._let_go()

    def _effect(self, event: api.Event, effect: api.Effect, *, refused: bool) -> None:
        now_ms = self.core.now_ms
        match effect:
            case api.SetTimer(key=key, at_ms=at_ms):
                self._arm(key, at_ms)
            case api.CancelTimer(key=key):
                self._timers.pop(key, None)
            case api.StartWaiting(contact=contact):
                self._void("talk", str(contact))
                self._play(self._count("wait", str(contact)), now_ms)
            case api.DialOut(contact=contact):
                self._play(self._count("wait", str(contact)), now_ms)
                self._play(self._count("join", str(contact)), now_ms)
            case api.Offer():
                self._offered(effect, now_ms)
            case api.Connect(contact=contact):
                anchor = self._count("join", str(contact))
                if not self._play(anchor, now_ms) and anchor not in self.recording.seen:
                    self._push(now_ms + self.habits.join_ms, _NO_INDEX, _Joined(contact, effect.epoch))
            case api.ReleaseOperator(contact=contact, operator=operator):
                anchor = self._count("release", str(contact))
                known = anchor in self.recording.seen
                if not self._play(anchor, now_ms, operator) and not known and self.habits.wrap_ms is not None:
                    self._push(now_ms + self.habits.wrap_ms, _NO_INDEX, api.WrapUpDone(0, operator))
            case api.EndContact(contact=contact):
                self._void("wait", str(contact))
                self._void("talk", str(contact))
            case api.Refused() if refused:
                pass
            case api.Refused(code="busy") if isinstance(event, api.OperatorSignedOut):
                self._leaving.add(event.operator)
            case api.Refused() if isinstance(event, api.ContactDialed):
                self.dropped += 1

    def _offered(self, effect: api.Offer, now_ms: int) -> None:
        anchor = self._count("offer", str(effect.contact), str(effect.operator))
        if self._play(anchor, now_ms):
            return
        rang = self.recording.rang.get(anchor)
        if anchor in self.recording.seen and (rang is None or rang[1] == "expired"):
            return  # it rang out
        after_ms = self.habits.answer_ms(str(effect.operator))
        if rang is not None:  # it was taken away from the operator, who had not answered until then
            after_ms = max(after_ms, rang[0] + 1)
        self._push(now_ms + after_ms, _NO_INDEX, _Answer(effect.contact, effect.operator, effect.epoch))

    def _talks(self, contact: str, queue: str) -> None:
        self._void("wait", contact)
        anchor = self._count("talk", contact)
        if not self._play(anchor, self.core.now_ms) and anchor not in self.recording.seen:
            turn = self._turns.get(("talk", contact), 0)
            self._push(self.core.now_ms + self.habits.talk_ms(queue), _NO_INDEX, _End(ContactId(contact), turn))

    def _let_go(self) -> None:
        """Somebody who was to go home in mid-call goes when it is over."""
        for operator in sorted(self._leaving):
            view = self.core.operator(operator)
            if view is None or view.state is not api.OperatorState.BUSY:
                self._leaving.discard(operator)
                if view is not None:
                    self._push(self.core.now_ms, _NO_INDEX, api.OperatorSignedOut(0, operator))

    # --- what is to come ----------------------------------------------------------------------------------------------

    def _push(self, at_ms: int, index: int, what: Any) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at_ms, index, self._pushed, what))

    def _count(self, *about: str) -> Anchor:
        number = self._counts[about] = self._counts.get(about, 0) + 1
        return (*about, str(number))

    def _void(self, stage: str, contact: str) -> None:
        self._turns[stage, contact] = self._turns.get((stage, contact), 0) + 1

    def _play(self, anchor: Anchor, at_ms: int, operator: OperatorId | None = None) -> bool:
        """Put what was seen to follow this decision on the way. False: nothing was."""
        scripts = self.recording.scripts.get(anchor)
        for scripted in scripts or ():
            turn = self._turns.get((scripted.stage, anchor[1]), 0)
            self._push(at_ms + scripted.after_ms, scripted.index, _Play(scripted, turn, operator))
        return bool(scripts)

    def _arm(self, key: str, at_ms: int) -> None:
        """At the time it is due, or as late as it really was."""
        really = next(
            ((fired_ms, index) for fired_ms, index in self.recording.fired.get(key, ()) if fired_ms >= at_ms), None
        )
        if really is None or really[0] > at_ms + LATE_MS:
            really = (at_ms, _NO_INDEX)
        self._pushed += 1
        self._timers[key] = self._pushed
        heapq.heappush(self._heap, (*really, self._pushed, _Fire(key, self._pushed)))

    def _event(self, what: Any, at_ms: int, index: int) -> api.Event | None:
        """The event that is due; None: it is void by now."""
        match what:
            case _Fire(key=key, number=number):
                if self._timers.get(key) != number:
                    return None
                del self._timers[key]
                return api.TimerFired(at_ms, key)
            case _Play():
                return self._played(what, at_ms)
            case _Answer(contact=contact, operator=operator, epoch=epoch):
                view = self.core.contact(contact)
                holds = view is not None and view.epoch == epoch and view.state is api.ContactState.OFFERED
                return api.OfferAccepted(at_ms, operator, contact, epoch) if holds else None
            case _Joined(contact=contact, epoch=epoch):
                view = self.core.contact(contact)
                joining = view is not None and view.epoch == epoch and view.state is api.ContactState.CONNECTING
                return api.ContactConnected(at_ms, contact, epoch) if joining else None
            case _End(contact=contact, turn=turn):
                view = self.core.contact(contact)
                if view is None or view.operator is None or self._turns.get(("talk", str(contact)), 0) != turn:
                    return None
                return api.HangUp(at_ms, view.operator, contact)
            case api.OperatorSignedIn():
                what = self._by_new_rules(what)
        return _moved(what, now_ms=at_ms)

    def _by_new_rules(self, event: api.OperatorSignedIn) -> api.OperatorSignedIn:
        able = self._capacities.get(event.operator)
        if able is not None:
            event = replace(
                event,
                chats_max=able.chats_max,
                chats_in_call=able.chats_in_call,
                interruptible=able.interruptible,
            )
        return replace(event, skills=self._skills.get(event.operator, event.skills))

    def _played(self, play: _Play, at_ms: int) -> api.Event | None:
        scripted = play.scripted
        event: Any = scripted.event
        if play.operator is not None:
            return _moved(event, now_ms=at_ms, operator=play.operator)
        contact = getattr(event, "contact", None)
        if contact is None:
            return _moved(event, now_ms=at_ms)
        if scripted.stage and self._turns.get((scripted.stage, str(contact)), 0) != play.turn:
            return None
        view = self.core.contact(contact)
        if view is None or view.state is api.ContactState.ENDED:
            return None
        changes: dict[str, Any] = {"now_ms": at_ms}
        if hasattr(event, "epoch"):
            changes["epoch"] = view.epoch - scripted.late
        if scripted.holder:
            if view.operator is None:
                self.dropped += 1
                return None
            changes["operator"] = view.operator
        if scripted.stage == "talk" and view.state in LIVE and view.state is not api.ContactState.CONNECTING:
            return None
        return _moved(event, **changes)


def _moved(event: Any, **changes: Any) -> api.Event:
    made: api.Event = replace(event, **changes)
    return made
