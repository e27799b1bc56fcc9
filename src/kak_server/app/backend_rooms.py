"""The control rooms as the console's shell asks for them: what they are, who is there, and saying what they are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from kak_server.app.metrics import Metrics
from kak_server.bridges.commands import By
from kak_server.bridges.house import House
from kak_server.console.ports import Result, User
from kak_server.model.codec import Json
from kak_server.model.ids import PositionId, RoomId, SessionId
from kak_server.runtime.dispatch import Dispatcher

NO_SEAT = PositionId("")


class RoomsBackend(ABC):
    """The part of `HouseBackend` that is about rooms."""

    _dispatcher: Dispatcher
    _metrics: Metrics

    @property
    def _house(self) -> House:
        return self._dispatcher.house

    @abstractmethod
    def _user_of(self, session: SessionId) -> User | None:
        """Who is signed in with this session."""

    def rooms(self) -> Sequence[Mapping[str, Json]]:
        """Every control room and its state."""
        return self._house.staff.rooms.rows()

    def room_people(self, room: str) -> Sequence[Mapping[str, Json]]:
        """Who is signed in in a room."""
        return self._house.staff_views.people(RoomId(room))

    def find_people(self, text: str) -> Sequence[Mapping[str, Json]]:
        """Who is signed in anywhere, by name or room."""
        return self._house.staff_views.found(text)

    def set_room(self, session: SessionId, room: str, state: str, reason: str) -> Result:
        """The command `room.set`, from no seat."""
        user = self._user_of(session)
        if user is None:
            return Result(False, code="not-signed-in", message="sign in first")
        by, args = By(user.operator, NO_SEAT, user.roles), {"room": room, "state": state, "reason": reason}
        outcome = self._dispatcher.ask(lambda house, now: house.command(by, "room.set", args, now))
        self._metrics.command("room.set", outcome.code)
        return Result(not outcome.code, outcome.result, outcome.code, outcome.message)
