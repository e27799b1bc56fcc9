"""Moves of a live contact between people: parked and fetched, handed on, consulted about, shared, listened to, taken
over. Chats are handed on, or kept after all, and taken over."""

from collections.abc import Callable
from functools import partial
from random import Random

from kak_server.model.ids import ContactId, OperatorId
from kak_server.routing.api import (
    ColleagueDropped,
    ColleagueInvited,
    ColleagueSought,
    ConsultEnded,
    ContactKind,
    ContactParked,
    ContactState,
    ContactTakenOver,
    ParkedTaken,
    Part,
    ParticipantJoined,
    ParticipantQuit,
    SupervisorListens,
    TransferToOperator,
)
from kak_sim.days.stage import Stage
from kak_sim.days.world import World

TALKING = (ContactState.CONNECTED, ContactState.HELD)
FETCH_MS = (500, 90_000)
TOGETHER_MS = (500, 60_000)
KEPT_AFTER_ALL = 0.4
KEPT_MS = (200, 10_000)


class Colleagues:
    """What operators do with each other."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self._stage = stage
        self._rng = rng
        self._share = world.operators.moves
        self._operators = [shift.operator for shift in world.shifts]
        self._moves: tuple[Callable[[ContactId, OperatorId], None], ...] = (
            self._park,
            self._hand,
            self._consult,
            self._seek,
            self._confer,
            self._listen,
            self._take_over,
        )
        self._moves_of_chats: tuple[Callable[[ContactId, OperatorId], None], ...] = (
            self._hand_a_chat_on,
            self._hand_a_chat_on,
            self._take_over,
        )

    def talk_began(self, contact: ContactId, epoch: int, talk_ms: int) -> None:
        """Something may happen to this talk before it is over."""
        if self._rng.random() < self._share:
            view = self._stage.core.contact(contact)
            chat = view is not None and view.kind is ContactKind.CHAT
            move = self._rng.choice(self._moves_of_chats if chat else self._moves)
            self._stage.after(self._rng.randrange(talk_ms), lambda: self._move(contact, epoch, move))

    def _move(self, contact: ContactId, epoch: int, move: Callable[[ContactId, OperatorId], None]) -> None:
        view = self._stage.core.contact(contact)
        if view is not None and view.epoch == epoch and view.state in TALKING and view.operator is not None:
            self._stage.counts[f"colleagues: {move.__name__.strip('_').replace('_', ' ')}"] += 1
            move(contact, view.operator)

    def _somebody(self) -> OperatorId:
        return self._rng.choice(self._operators)

    def _park(self, contact: ContactId, holder: OperatorId) -> None:
        self._stage.send(ContactParked(self._stage.now_ms, holder, contact))
        for _ in range(self._rng.randint(0, 2)):  # nobody, one, or two at once
            who, after_ms = self._somebody(), self._rng.randint(*FETCH_MS)
            self._stage.after(after_ms, partial(self._fetch, contact, who))

    def _fetch(self, contact: ContactId, who: OperatorId) -> None:
        self._stage.send(ParkedTaken(self._stage.now_ms, who, contact))

    def _hand(self, contact: ContactId, holder: OperatorId) -> None:
        back = self._rng.random() < 0.5
        self._stage.send(TransferToOperator(self._stage.now_ms, holder, contact, self._somebody(), back))

    def _hand_a_chat_on(self, contact: ContactId, holder: OperatorId) -> None:
        """To somebody who takes chats, if there is one; now and then the holder keeps it after all."""
        able = [view.operator for view in self._stage.core.operators() if view.chats_max and view.operator != holder]
        target = self._rng.choice(able) if able else self._somebody()
        self._stage.send(TransferToOperator(self._stage.now_ms, holder, contact, target))
        if self._rng.random() < KEPT_AFTER_ALL:
            self._stage.after(self._rng.randint(*KEPT_MS), partial(self._keep, contact, holder, target))

    def _keep(self, contact: ContactId, holder: OperatorId, target: OperatorId) -> None:
        """Perhaps it has been taken meanwhile, or is over."""
        self._stage.counts["colleagues: keep a chat after all"] += 1
        self._stage.send(ColleagueDropped(self._stage.now_ms, holder, contact, target))

    def _consult(self, contact: ContactId, holder: OperatorId) -> None:
        self._stage.send(ColleagueInvited(self._stage.now_ms, holder, contact, self._somebody(), "consult"))

    def _seek(self, contact: ContactId, holder: OperatorId) -> None:
        """Of a queue, or of a room."""
        queues = self._stage.core.queues()
        config = queues[self._rng.randrange(len(queues))]
        of_queue = self._rng.random() < 0.6
        queue, room = (config.queue, None) if of_queue else (None, self._rng.choice(config.rooms))
        self._stage.send(ColleagueSought(self._stage.now_ms, holder, contact, queue, room))

    def _confer(self, contact: ContactId, holder: OperatorId) -> None:
        self._stage.send(ColleagueInvited(self._stage.now_ms, holder, contact, self._somebody(), "conference"))

    def _listen(self, contact: ContactId, holder: OperatorId) -> None:
        whisper = self._rng.random() < 0.5
        self._stage.send(SupervisorListens(self._stage.now_ms, self._somebody(), contact, whisper))

    def _take_over(self, contact: ContactId, holder: OperatorId) -> None:
        self._stage.send(ContactTakenOver(self._stage.now_ms, self._somebody(), contact))

    def joined(self, effect: ParticipantJoined) -> None:
        """Somebody takes part now: for a while, then one of the two does something about it."""
        after_ms = self._rng.randint(*TOGETHER_MS)
        self._stage.after(after_ms, lambda: self._after_together(effect.contact, effect.operator, effect.part))

    def _after_together(self, contact: ContactId, colleague: OperatorId, part: Part) -> None:
        view = self._stage.core.contact(contact)
        if view is None or view.operator is None:
            return
        now_ms, draw = self._stage.now_ms, self._rng.random()
        if part is Part.CONSULT and draw < 0.6:
            self._stage.send(ConsultEnded(now_ms, view.operator, contact, "complete" if draw < 0.3 else "merge"))
        elif draw < 0.8:
            self._stage.send(ParticipantQuit(now_ms, colleague, contact))
        elif draw < 0.9:
            self._stage.send(ParticipantQuit(now_ms, view.operator, contact))
        else:
            self._stage.send(ColleagueDropped(now_ms, view.operator, contact, colleague))
