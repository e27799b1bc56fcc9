"""Who holds which seat, and which browser tab of theirs.

A seat belongs to one tab at a time. The proof is the seat's epoch: a number that grows with every claim and is never
used twice, also not after the seat stood empty. Whoever shows an older one is told `seat.lost` and refused.
Pure and journalled: `put` takes back one seat's record, `to_json`/`restore` the whole book.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeVar

from kak_server.model.codec import Json, from_json, to_json
from kak_server.model.ids import OperatorId, PositionId, SessionId
from kak_server.model.light import frozen

KEY = TypeVar("KEY", OperatorId, SessionId)


@frozen
class Seat:
    """A seat's record. Without a session it stands empty; its epoch lives on."""

    position: PositionId
    epoch: int
    session: SessionId | None = None
    operator: OperatorId | None = None
    since_ms: int = 0


@frozen
class Lost:
    """Somebody to tell `seat.lost`: that session's tab with that epoch."""

    position: PositionId
    session: SessionId
    operator: OperatorId
    epoch: int
    reason: str  # "another-tab", "moved" (sits elsewhere now) or "taken-over"


@frozen
class Claimed:
    """The seat is the claimant's. `changed` are the records to journal, empty for a re-attach."""

    seat: Seat
    reattached: bool
    changed: tuple[Seat, ...] = ()
    lost: tuple[Lost, ...] = ()


@frozen
class Refused:
    """The seat is not the claimant's: `taken`, or `not-your-seat` for an epoch that is over."""

    code: str
    taken_by: OperatorId | None = None


@frozen
class _Book:
    seats: tuple[Seat, ...] = field(default=())


def _drop(index: dict[KEY, PositionId], key: KEY | None, position: PositionId) -> None:
    """Take an index entry out, unless it already points elsewhere."""
    if key is not None and index.get(key) == position:
        del index[key]


class Seats:
    """The book of seats. A person sits at one seat, a seat holds one person."""

    def __init__(self) -> None:
        self._seats: dict[PositionId, Seat] = {}
        self._position_of: dict[OperatorId, PositionId] = {}
        self._position_by_session: dict[SessionId, PositionId] = {}

    def claim(
        self,
        session: SessionId,
        operator: OperatorId,
        position: PositionId,
        *,
        take_over: bool = False,
        seat_epoch: int | None = None,
        now_ms: int = 0,
    ) -> Claimed | Refused:
        """Sit down, take over, or with `seat_epoch` re-attach after a reload.

        Whether the person may sit there at all, and whether a call forbids the move, the house asks before. One's own
        seat, held by another tab or an older sign-in, needs no `take_over`.
        """
        held = self._seats.get(position)
        if seat_epoch is not None:
            if held is not None and held.operator == operator and held.session == session and held.epoch == seat_epoch:
                return Claimed(held, reattached=True)
            return Refused("not-your-seat")
        if held is not None and held.operator not in (None, operator) and not take_over:
            return Refused("taken", held.operator)
        changed: list[Seat] = []
        lost: list[Lost] = []
        elsewhere = self._position_of.get(operator)
        if elsewhere is not None and elsewhere != position:
            lost += self._loser(elsewhere, operator, "moved")
            changed.append(self._vacate(elsewhere, now_ms))
        lost += self._loser(position, operator)
        epoch = (held.epoch if held is not None else 0) + 1
        seat = Seat(position, epoch, session, operator, now_ms)
        self.put(seat)
        changed.append(seat)
        return Claimed(seat, reattached=False, changed=tuple(changed), lost=tuple(lost))

    def leave(self, session: SessionId, now_ms: int) -> Seat | None:
        """Stand up. Returns the empty seat's record, or None when the session holds none."""
        held = self.held_by(session)
        return None if held is None else self._vacate(held.position, now_ms)

    def taken(self) -> list[PositionId]:
        """Every seat that a tab holds."""
        return [position for position, seat in self._seats.items() if seat.session is not None]

    def holder(self, position: PositionId) -> OperatorId | None:
        """Whose tab holds the seat."""
        seat = self._seats.get(position)
        return None if seat is None else seat.operator

    def vacate(self, position: PositionId, operator: OperatorId, now_ms: int) -> Seat | None:
        """This person had to leave. Returns the empty seat's record, or None when their tab does not hold it."""
        seat = self._seats.get(position)
        return None if seat is None or seat.operator != operator else self._vacate(position, now_ms)

    def held_by(self, session: SessionId) -> Seat | None:
        """The seat of a session."""
        position = self._position_by_session.get(session)
        return None if position is None else self._seats[position]

    def at(self, position: PositionId) -> Seat | None:
        """A seat's record, if anybody ever sat there."""
        return self._seats.get(position)

    def is_held(self, session: SessionId, position: PositionId, epoch: int | None) -> bool:
        """Whether a tab that shows this epoch holds the seat."""
        held = self._seats.get(position)
        return held is not None and held.session == session and held.epoch == epoch

    def put(self, seat: Seat) -> None:
        """Set one seat's record (a claim's outcome, or the journal's)."""
        before = self._seats.get(seat.position)
        if before is not None:
            _drop(self._position_of, before.operator, before.position)
            _drop(self._position_by_session, before.session, before.position)
        self._seats[seat.position] = seat
        if seat.operator is not None:
            self._position_of[seat.operator] = seat.position
        if seat.session is not None:
            self._position_by_session[seat.session] = seat.position

    def to_json(self) -> Json:
        """The whole book for a journal's checkpoint."""
        return to_json(_Book(tuple(self._seats[position] for position in sorted(self._seats))))

    @classmethod
    def restore(cls, data: Mapping[str, Json]) -> "Seats":
        """The book back from `to_json`. Raises CodecError."""
        book = cls()
        for seat in from_json(_Book, dict(data)).seats:
            book.put(seat)
        return book

    def _vacate(self, position: PositionId, now_ms: int) -> Seat:
        empty = Seat(position, self._seats[position].epoch, since_ms=now_ms)
        self.put(empty)
        return empty

    def _loser(self, position: PositionId, claimant: OperatorId, own: str = "another-tab") -> tuple[Lost, ...]:
        """`own`: what the claimant's own tab is told there."""
        held = self._seats.get(position)
        if held is None or held.session is None or held.operator is None:
            return ()
        reason = own if held.operator == claimant else "taken-over"
        return (Lost(position, held.session, held.operator, held.epoch, reason),)
