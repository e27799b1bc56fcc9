"""Those who answer: offers, talks, breaks, seats, and what fails at them. Each plan checks when it is due whether it
still makes sense; what comes too late in spite of that is refused by the core, which is part of the test."""

from functools import partial
from random import Random

from kak_server.model.ids import ContactId, OperatorId, PositionId
from kak_server.routing.api import (
    INVITES,
    Activity,
    ActivitySet,
    OfferAccepted,
    OfferRejected,
    OperatorSignedIn,
    OperatorSignedOut,
    OperatorState,
    PositionMedia,
    Refused,
    WrapUpDone,
    WrapUpExtended,
)
from kak_sim.days.stage import Stage
from kak_sim.days.world import DAY_START_MS, HOUR_MS, Shift, World

LEAVE_AGAIN_MS = 30_000
REJECT_MS = 900
OUT_FOR_LONG_MS = 6 * 60_000


class Operators:
    """Everybody of a world's shifts."""

    def __init__(self, stage: Stage, world: World, rng: Random) -> None:
        self._stage = stage
        self._habits = world.operators
        self._away: dict[OperatorId, int] = {}  # who missed an offer is not at the seat until then
        self._trouble = world.trouble
        self._rng = rng
        self._shifts = {shift.operator: shift for shift in world.shifts}
        self._spare = [PositionId(f"spare-{number}") for number in range(2)]
        for shift in world.shifts:
            stage.at(DAY_START_MS + shift.begins_ms + rng.randrange(5_000), partial(self._begin, shift))

    # --- the day of one ----------------------------------------------------------------------------------------------

    def _begin(self, shift: Shift) -> None:
        self._sit(shift, shift.position)
        self._stage.at(DAY_START_MS + shift.ends_ms, lambda: self._leave(shift.operator))
        self._plan_break(shift)
        self._plan_loss(shift)

    def _sit(self, shift: Shift, position: PositionId) -> None:
        event = OperatorSignedIn(
            self._stage.now_ms,
            shift.operator,
            shift.operator,
            position,
            shift.room,
            shift.skills,
            Activity.AVAILABLE,
            media_up=True,
            chats_max=shift.chats_max,
            chats_in_call=shift.chats_in_call,
        )
        self._stage.send(event)

    def _on_duty(self, shift: Shift) -> bool:
        return self._stage.now_ms < DAY_START_MS + shift.ends_ms

    def _leave(self, operator: OperatorId) -> None:
        if self._stage.core.operator(operator) is None:
            return
        self._stage.send(ActivitySet(self._stage.now_ms, operator, Activity.BREAK, note="end of shift"))
        effects = self._stage.send(OperatorSignedOut(self._stage.now_ms, operator))
        if any(isinstance(effect, Refused) for effect in effects):
            self._stage.after(LEAVE_AGAIN_MS, lambda: self._leave(operator))

    def _plan_break(self, shift: Shift) -> None:
        self._stage.after(self._habits.break_every.draw(self._rng), lambda: self._take_break(shift))

    def _take_break(self, shift: Shift) -> None:
        if not self._on_duty(shift) or self._stage.core.operator(shift.operator) is None:
            return
        self._stage.counts["break"] += 1
        self._stage.send(ActivitySet(self._stage.now_ms, shift.operator, Activity.BREAK, "meal"))
        self._stage.after(self._habits.break_length.draw(self._rng), lambda: self._end_break(shift))

    def _end_break(self, shift: Shift) -> None:
        if not self._on_duty(shift):
            return
        core = self._stage.core
        free = [seat for seat in (*self._spare, shift.position) if core.operator_at(seat) is None]
        if core.operator(shift.operator) is None:
            self._sit(shift, free[-1] if free else shift.position)
        elif free and self._rng.random() < self._habits.moves_seat:
            self._stage.counts["seat moved"] += 1
            self._sit(shift, self._rng.choice(free))
        else:
            self._stage.send(ActivitySet(self._stage.now_ms, shift.operator, Activity.AVAILABLE))
        self._plan_break(shift)

    def _plan_loss(self, shift: Shift) -> None:
        if self._trouble.media_lost_per_hour > 0:
            gap_ms = round(self._rng.expovariate(self._trouble.media_lost_per_hour) * HOUR_MS)
            self._stage.after(gap_ms, lambda: self._lose(shift))

    def _lose(self, shift: Shift) -> None:
        """The seat's sound is gone, for a moment or for good."""
        view = self._stage.core.operator(shift.operator)
        if view is not None:
            self._stage.send(PositionMedia(self._stage.now_ms, view.position, up=False))
            for_good = self._rng.random() < self._trouble.gone_for_good
            self._stage.counts["position lost for long" if for_good else "position lost for a moment"] += 1
            back_ms = OUT_FOR_LONG_MS if for_good else self._trouble.media_back.draw(self._rng)
            position = view.position
            self._stage.after(back_ms, lambda: self._sound_back(position))
        if self._on_duty(shift):
            self._plan_loss(shift)

    def _sound_back(self, position: PositionId) -> None:
        self._stage.send(PositionMedia(self._stage.now_ms, position, up=True))

    # --- offers ------------------------------------------------------------------------------------------------------

    def ring(self, operator: OperatorId, contact: ContactId, epoch: int) -> None:
        """It rings: taken, refused, or not heard."""
        if self._away.get(operator, 0) > self._stage.now_ms:
            self._stage.counts["offer to an empty chair"] += 1
            return
        draw = self._rng.random()
        if draw < self._habits.misses:
            self._stage.counts["offer missed"] += 1
            if self._habits.away is not None:
                self._away[operator] = self._stage.now_ms + self._habits.away.draw(self._rng)
            return
        if draw < self._habits.misses + self._habits.rejects:
            self._stage.after(REJECT_MS, lambda: self._reject(operator, contact, epoch))
            return
        self._stage.after(self._habits.answer.draw(self._rng), lambda: self._accept(operator, contact, epoch))

    def rang_out(self, operator: OperatorId, contact: ContactId, epoch: int) -> None:
        """The offer went away; a finger may have been on the key."""
        if self._rng.random() < self._trouble.late_accepts:
            self._stage.counts["accepted late"] += 1
            self._stage.after(self._rng.randrange(2_000), lambda: self._send_accept(operator, contact, epoch))

    def _reject(self, operator: OperatorId, contact: ContactId, epoch: int) -> None:
        self._stage.counts["offer rejected"] += 1
        self._stage.send(OfferRejected(self._stage.now_ms, operator, contact, epoch))

    def _accept(self, operator: OperatorId, contact: ContactId, epoch: int) -> None:
        view = self._stage.core.contact(contact)
        invited = epoch >= INVITES
        if view is not None and (invited or (view.operator == operator and view.epoch == epoch)):
            self._send_accept(operator, contact, epoch)

    def _send_accept(self, operator: OperatorId, contact: ContactId, epoch: int) -> None:
        self._stage.send(OfferAccepted(self._stage.now_ms, operator, contact, epoch))

    def released(self, operator: OperatorId) -> None:
        """The call is over for this operator: paper work, which is often done early."""
        if self._rng.random() < self._habits.wrap_up_early:
            self._stage.after(self._rng.randrange(500, 20_000), lambda: self._done(operator))

    def _done(self, operator: OperatorId) -> None:
        view = self._stage.core.operator(operator)
        if view is not None and view.state is OperatorState.WRAP_UP:
            if self._rng.random() < self._habits.wrap_up_longer:
                self._stage.send(WrapUpExtended(self._stage.now_ms, operator, self._rng.randrange(5_000, 60_000)))
                return
            self._stage.send(WrapUpDone(self._stage.now_ms, operator))
