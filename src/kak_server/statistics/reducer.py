"""Routing events and effects to figures, one step at a time; the journal replayed gives the same.

What each kind of effect means stands in one table; a kind that is not in it is passed over. Cost per step: a few
additions for each effect, and for each operator it touched one look at the core's state. Only the end of a half hour
looks at everybody who is signed in.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kak_server.model.ids import OperatorId
from kak_server.routing import api
from kak_server.routing.state import State
from kak_server.statistics.book import Book
from kak_server.statistics.contacts import Contacts
from kak_server.statistics.halfhours import Row, half_hour_of
from kak_server.statistics.people import People
from kak_server.statistics.work import WorkMoments


class Reducer:
    """Feed it every step of the core, in order; take rows when `book.due`."""

    def __init__(self) -> None:
        self.book = Book()
        self.people = People(self.book)
        self.contacts = Contacts(self.book)
        self.work = WorkMoments(self.contacts, self.people)
        self.begun = False
        self._config: api.RoutingConfig | None = None
        self._touched: dict[OperatorId, None] = {}  # in this step, each looked at once
        self._effects: Mapping[type[Any], Callable[[Any, State], None]] = {
            api.StartWaiting: self.contacts.waits,
            api.Offer: self.work.offer,
            api.WithdrawOffer: self.work.offer_over,
            api.Connect: self.work.connect,
            api.DialOut: self.work.dial,
            api.OverflowOut: self.work.overflow_out,
            api.ReleaseOperator: self.work.release,
            api.EndContact: self.contacts.end,
            api.MadeNotReady: self.work.made_not_ready,
            api.Parked: self.work.parked,
            api.ParticipantLeft: self.work.participant_left,
            api.ContactChanged: self._contact_changed,
            api.OperatorChanged: self._operator_changed,
        }

    @property
    def handled_effects(self) -> frozenset[type[Any]]:
        """The kinds of effects that say something here."""
        return frozenset(self._effects)

    # --- feeding ------------------------------------------------------------------------------------------------------

    def step(self, event: api.Event, effects: Iterable[api.Effect], state: State) -> None:
        """One step of the core, with its state after it. Time going backwards is no time."""
        book = self.book
        if state.config is not self._config:
            self._config = state.config
            book.local = state.config.national.local
        if not self.begun:
            self.begun = True
            book.begin(event.now_ms, complete=True)
        if event.now_ms >= book.now.end_ms:
            self.advance(event.now_ms)
        elif event.now_ms > book.now_ms:
            book.now_ms = event.now_ms
        handlers = self._effects
        for effect in effects:
            handler = handlers.get(type(effect))
            if handler is not None:
                handler(effect, state)
            elif type(effect) is api.Refused:
                self.contacts.refused(event, effect, state)
        if self._touched:
            for operator in self._touched:
                self.people.look(operator, state)
            self._touched.clear()

    def advance(self, now_ms: int) -> None:
        """It is this late now: half hours that are over are closed, everybody's time shared out at the border."""
        book = self.book
        if not self.begun or now_ms <= book.now_ms:
            return
        while now_ms >= book.now.end_ms:
            book.now_ms = book.now.end_ms
            self.people.credit_all()
            quiet = not self.people.here and not self.contacts.lines
            book.next(half_hour_of(now_ms) if quiet else book.now.end_ms)
            self.people.new_half_hour()
            for queue, line in self.contacts.lines.items():
                self.contacts.peak(queue, len(line), self.contacts.cases[next(iter(line))].room)
        book.now_ms = now_ms

    def adopt(self, state: State) -> None:
        """Begin in the middle: a core of whose past no figures are known. The half hour is marked incomplete, and what
        becomes of the contacts that are here is not credited."""
        self.begun = True
        self.book.local = state.config.national.local
        self.book.begin(state.now_ms, complete=False)
        for operator in state.operators:
            self.people.meet(operator, state)
        self.contacts.adopt(state)

    def gap(self) -> None:
        """Events may be missing: the half hour of now is incomplete."""
        self.book.now.complete = False

    def take(self, limit: int | None = None) -> list[Row]:
        """Rows of half hours that are over, at most `limit`."""
        return self.book.take(limit)

    # --- whom a step touched ------------------------------------------------------------------------------------------

    def _contact_changed(self, effect: api.ContactChanged, state: State) -> None:
        row = state.contacts.get(effect.contact)
        case = self.contacts.cases.get(effect.contact)
        if row is None or case is None:
            return
        if not case.answered and row.answered_at_ms is not None:
            case.answered = True
            self.work.answered(case, row.operator, state)
            if not case.outgoing:
                self.contacts.answered(case, row.answered_at_ms)
        if row.operator is not None:
            self._touched[row.operator] = None
        for operator in row.moves.participants:  # the caller on hold, or back, changes what they do
            self._touched[operator] = None

    def _operator_changed(self, effect: api.OperatorChanged, _state: State) -> None:
        self._touched[effect.operator] = None
