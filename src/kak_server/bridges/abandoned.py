"""Callers who left before anybody answered, or when they had lost whom they talked with: a list for those of
queues that call back, with one operator a call-back.

Calls that ended otherwise can be called back too, as long as they are remembered; only the list outlives a restart.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kak_server.bridges.asking import RefusedError
from kak_server.bridges.context import Context, called_back_queues, emergency_queues
from kak_server.bridges.line import Line
from kak_server.bridges.outputs import Dirty, Note
from kak_server.model.codec import from_json
from kak_server.model.ids import ContactId, OperatorId, QueueId
from kak_server.model.light import frozen

MAX_LISTED = 500
MAX_RECENT = 1_000
LISTED_FOR_MS = 24 * 3_600_000


@frozen
class Case:
    """Journalled under `abandoned/<contact>` where it is on the list."""

    contact: ContactId
    number: str
    queue: QueueId
    arrived_at_ms: int  # or when the operator was lost
    ended_at_ms: int
    listed: bool = True
    attempts: int = 0
    claimed_by: OperatorId | None = None
    claimed_at_ms: int = 0
    calls: int = 1  # how often the caller has rung in vain
    helped: bool = False  # has got through while somebody was calling back
    talking_since_ms: int = 0  # the call-back was answered then; 0: not (yet)


class Abandoned:
    """The list, and the calls remembered beside it."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.cases: dict[ContactId, Case] = {}
        self.recent: OrderedDict[ContactId, Case] = OrderedDict()
        self._by_number: dict[str, dict[ContactId, None]] = {}  # of the list
        self.serve(emergency_queues(ctx.settings), called_back_queues(ctx.settings))

    def serve(self, emergency: frozenset[QueueId], called_back: frozenset[QueueId]) -> None:
        """Other queues' callers are to be called back from now on."""
        self._emergency, self._listed = emergency, called_back

    def ended(self, line: Line) -> None:
        """A call is over. One of a citizen may be called back; a call-back that nobody answered is to be made again."""
        if line.callback_of is not None:
            self._called_back(line.callback_of, answered=line.answered)
        if line.direction == "out":
            return
        case = Case(line.contact, line.caller.number, line.queue, line.arrived_at_ms, self.ctx.now_ms)
        if (repeat := line.repeat) is not None and repeat.since_ms:
            case = replace(case, arrived_at_ms=repeat.since_ms, calls=repeat.calls, attempts=repeat.attempts)
        if line.unhelped and (line.queue in self._listed or line.facts.emergency):
            self._list(replace(case, arrived_at_ms=line.alone_since_ms or case.arrived_at_ms))
        else:
            self.recent[line.contact] = replace(case, listed=False)
            if len(self.recent) > MAX_RECENT:
                self.recent.popitem(last=False)

    def claim(self, contact: ContactId, operator: OperatorId) -> Case:
        """This operator calls back, nobody else. Raises RefusedError."""
        case = self.cases.get(contact) or self.recent.get(contact)
        if case is None:
            raise RefusedError("unknown-contact", "that call is not among those to call back")
        if not case.number:
            raise RefusedError("no-number", "the caller withheld the number")
        if case.claimed_by is not None:
            raise RefusedError("claimed", "somebody is calling back already")
        case = replace(case, claimed_by=operator, claimed_at_ms=self.ctx.now_ms)
        self._keep(case)
        return case

    def answered(self, contact: ContactId) -> None:
        """Whoever is called back has answered: no longer merely called, until that call is over."""
        case = self.cases.get(contact) or self.recent.get(contact)
        if case is not None and case.claimed_by is not None:
            self._keep(replace(case, talking_since_ms=self.ctx.now_ms))

    def give_back(self, contact: ContactId, *, tried: bool) -> None:
        """Nobody calls back any more."""
        case = self.cases.get(contact) or self.recent.get(contact)
        if case is not None and case.helped:
            self._drop(case)
        elif case is not None:
            attempts = case.attempts + tried
            self._keep(replace(case, claimed_by=None, claimed_at_ms=0, talking_since_ms=0, attempts=attempts))

    def got_through(self, number: str) -> None:
        """An operator talks with somebody of this number: who rang from there before has been helped."""
        for case in self._of(number):
            if case.claimed_by is None:
                self._drop(case)
            elif not case.helped:
                self._keep(replace(case, helped=True))

    def rings_again(self, number: str, queue: QueueId) -> int | None:
        """The caller did not wait to be called back: the entry is closed by this call, unless somebody is calling back
        at this moment. How often that was tried in vain; None: there was no entry."""
        attempts = None
        for case in self._of(number):
            if (case.queue in self._emergency) == (queue in self._emergency):
                attempts = max(attempts or 0, case.attempts)
                if case.claimed_by is None:
                    self._drop(case)
        return attempts

    def _of(self, number: str) -> list[Case]:
        return [self.cases[contact] for contact in self._by_number.get(number, ())] if number else []

    def restore(self, value: Mapping[str, Any]) -> None:
        """From the journal."""
        case = from_json(Case, value)
        self._enter(case)

    def resume(self, calls_back: set[ContactId]) -> None:
        """After a restart: claims whose call is over are given back."""
        for case in list(self.cases.values()):
            if case.claimed_by is not None and case.contact not in calls_back:
                self.give_back(case.contact, tried=True)

    def _called_back(self, contact: ContactId, *, answered: bool) -> None:
        case = self.cases.get(contact)
        if answered and case is not None:
            self._drop(case)
        else:
            self.give_back(contact, tried=True)

    def _list(self, case: Case) -> None:
        for old in list(self.cases.values()):  # in order of age
            too_old = old.ended_at_ms < self.ctx.now_ms - LISTED_FOR_MS
            if not too_old and len(self.cases) < MAX_LISTED:
                break
            self.ctx.emit(Note("abandoned_forgotten", "warning", {"contact": old.contact}))
            self._drop(old)
        self._keep(case)
        self.ctx.emit(Note("abandoned", "warning", {"contact": case.contact, "queue": case.queue}))

    def _keep(self, case: Case) -> None:
        if case.listed:
            self._enter(case)
            self.ctx.put(f"abandoned/{case.contact}", case)
            self.ctx.emit(Dirty("abandoned"))
        else:
            self.recent[case.contact] = case

    def _enter(self, case: Case) -> None:
        self.cases[case.contact] = case
        self._by_number.setdefault(case.number, {})[case.contact] = None

    def _drop(self, case: Case) -> None:
        if self.cases.pop(case.contact, None) is not None:
            listed = self._by_number[case.number]
            listed.pop(case.contact, None)
            if not listed:
                del self._by_number[case.number]
            self.ctx.delete(f"abandoned/{case.contact}")
            self.ctx.emit(Dirty("abandoned"))
