"""RTP legs that the worker could not make: nobody may be left without sound, and no refusal may cost what others need.

A port that somebody else has is exchanged for another at once, a few times; the lost one goes to the end of the pool's
line. Everything else (the worker has no file descriptors left, our address is gone from the machine, no port is free)
is not mended by another port: the same leg is ordered again after a while, for as long as it is wanted. Meanwhile
everybody is told.
"""

from typing import TYPE_CHECKING

from kak_server.bridges.outputs import CancelTimer, SetTimer
from kak_server.model.ids import LegId

if TYPE_CHECKING:
    from kak_server.bridges.context import Context

TIMER = "leg"
AGAIN_AFTER_MS = 2_000
MOVES_MAX = 8  # to another port at once, for one leg within LATELY_MS
LATELY_MS = 10_000
SAID_FOR_MS = 10_000  # after the last refusal
NOTICE = "sound-failed"


class RefusedLegs:
    """Those that are ordered again after a while, and how often each was given another port of late."""

    def __init__(self, ctx: "Context") -> None:
        self.ctx = ctx
        self.waiting: dict[LegId, str] = {}  # -> whose plan it is in
        self._moves: dict[LegId, tuple[int, int]] = {}  # -> since when (UTC ms), how often

    def may_move(self, leg: LegId, code: str) -> bool:
        """Whether another port may help: somebody else has this one, and the leg was not moved too often of late."""
        if code != "port_in_use":
            return False
        since_ms, count = self._moves.get(leg, (0, 0))
        if self.ctx.now_ms - since_ms > LATELY_MS:
            since_ms, count = self.ctx.now_ms, 0
            self._moves = {one: row for one, row in self._moves.items() if self.ctx.now_ms - row[0] <= LATELY_MS}
        self._moves[leg] = (since_ms, count + 1)
        return count < MOVES_MAX

    def later(self, owner: str, leg: LegId) -> None:
        """Order it again after a while, if it is in the owner's plan now (it may have left it before the worker's word
        came) and still is then."""
        plan = self.ctx.desk.plans.get(owner)
        if plan is not None and leg in plan.legs:
            self.waiting[leg] = owner
            self.ctx.emit(SetTimer(f"{TIMER}/{leg}", self.ctx.now_ms + AGAIN_AFTER_MS))

    def due(self, leg: str) -> None:
        """That time has come."""
        owner = self.waiting.pop(LegId(leg), None)
        plan = self.ctx.desk.plans.get(owner) if owner is not None else None
        create = plan.legs.get(LegId(leg)) if plan is not None else None
        if create is not None:
            self.ctx.media(create)

    def ordered(self, leg: LegId) -> None:
        """It is made anew, or closed, without us: there is nothing to make up for."""
        if self.waiting.pop(leg, None) is not None:
            self.ctx.emit(CancelTimer(f"{TIMER}/{leg}"))

    def attaching(self) -> None:
        """A census is about to say which legs there are: what is missing is ordered by that."""
        for leg in list(self.waiting):
            self.ordered(leg)
