"""What the console's shell asks of the house. `app` implements it; tests may implement it over a dictionary.

All calls are made on the event loop, and what they return is plain data of `console.models` shape (dicts that the
models validate), so that the shell holds no state of the house.
"""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import field
from typing import Protocol

from kak_server.model.codec import Json
from kak_server.model.ids import OperatorId, PositionId, RoomId, SessionId
from kak_server.model.light import frozen


@frozen
class User:
    """A person who may sign in. `password_hash` is an argon2id PHC string; "": nobody can sign in as that person."""

    operator: OperatorId
    username: str
    name: str
    password_hash: str
    roles: frozenset[str] = frozenset({"operator"})
    skills: Mapping[str, int] = field(default_factory=dict)
    rooms: tuple[RoomId, ...] = ()


@frozen
class Caller:
    """Who makes a request: the session, and the seat its tab claims to hold (None: not seated)."""

    session: SessionId
    operator: OperatorId
    position: PositionId | None
    seat_epoch: int | None


@frozen
class Result:
    """A command's outcome. Codes are those of docs/integrators/position-api.md."""

    ok: bool
    result: Mapping[str, Json] = field(default_factory=dict)
    code: str = ""
    message: str = ""


@frozen
class TrackFile:
    """A recorded track on disk, for replay."""

    recording: str
    contact: str
    label: str
    path: str  # absolute
    started_at_ms: int
    stored_ms: int


class Subscriber(Protocol):
    """One connected event stream; the house pushes to it. Never blocks, never raises."""

    def push(self, name: str, data: Json) -> None:
        """An event at once (offer, call, talkgroup, seat.lost ...)."""

    def push_list(self, name: str, data: Json) -> None:
        """A whole list (queues, waiting, operators): the newest wins, sent at most five times a second."""


class ConsoleBackend(Protocol):
    """The house, seen from the console."""

    def user_by_name(self, username: str) -> User | None: ...

    def session_opened(self, session: SessionId, user: User, now_ms: int) -> None:
        """Journalled so that sessions outlive a restart of control."""

    def session_closed(self, session: SessionId, now_ms: int) -> Result:
        """Refused with "busy" while a call is connected."""

    def restored_sessions(self) -> Mapping[str, Mapping[str, Json]]:
        """What put_session kept before the restart: session id -> record."""

    def put_session(self, session: SessionId, record: Mapping[str, Json] | None) -> None:
        """Keep (or with None drop) a session's record in the journal: token hash, user, csrf, expiry."""

    def positions(self) -> Sequence[Mapping[str, Json]]: ...

    def take_position(
        self, session: SessionId, position: PositionId, take_over: bool, seat_epoch: int | None, now_ms: int
    ) -> Result:
        """Sit down (or re-attach with the epoch one had). result: {"position", "seat_epoch"}; codes "taken",
        "unknown-position", "not-allowed"."""

    def leave_position(self, caller: Caller, now_ms: int) -> Result: ...

    def hand_over(self, session: SessionId, position: PositionId, now_ms: int) -> Result:
        """Stand by at a position whose operator is in a call or its paper work. result: as `hand_over_status`. Codes
        "empty" (nobody sits there: sit down), "signed-in", "taken", "unknown-position", "not-allowed"."""

    def hand_over_status(self, session: SessionId) -> Result:
        """How it goes with it. result: {"state": "none" | "waiting" | "ready", "position", "hand_over"}."""

    def cancel_hand_over(self, session: SessionId, now_ms: int) -> Result: ...

    def rooms(self) -> Sequence[Mapping[str, Json]]:
        """`console.models_staff.RoomRow` of every control room."""

    def room_people(self, room: str) -> Sequence[Mapping[str, Json]]:
        """`console.models_staff.RoomPerson` of everybody signed in there; nobody for a room that is not there."""

    def find_people(self, text: str) -> Sequence[Mapping[str, Json]]:
        """`console.models_staff.RoomPerson` of some of those signed in anywhere whose name, or whose room's,
        holds the text; nobody for no text."""

    def set_room(self, session: SessionId, room: str, state: str, reason: str) -> Result:
        """Opens, closes or evacuates it. Codes "not-lead", "unknown-room"."""

    def seat_of(self, session: SessionId) -> tuple[PositionId, int] | None:
        """The position this session holds and its current epoch."""

    def subscribe(self, caller: Caller, subscriber: Subscriber) -> None: ...

    def unsubscribe(self, caller: Caller, subscriber: Subscriber) -> None: ...

    def snapshot(self, caller: Caller, now_ms: int) -> Mapping[str, Json]:
        """The snapshot's fields, without type and seq."""

    def execute(self, caller: Caller, name: str, args: Mapping[str, Json], now_ms: int) -> Result:
        """Run a command of the table, to its end."""

    def position_media(self, caller: Caller, body: Mapping[str, Json]) -> Awaitable[Result]:
        """{"sdp"} or {"rtp"} -> the same shape back."""

    def view_video(self, caller: Caller, contact: str, sdp: str) -> Awaitable[Result]: ...

    def citizen_state(self, token: str, now_ms: int) -> Result: ...

    def citizen_media(self, token: str, sdp: str, now_ms: int) -> Awaitable[Result]: ...

    def recent_calls(self, caller: Caller, limit: int) -> Awaitable[Sequence[Mapping[str, Json]]]: ...

    def tracks(self, caller: Caller, contact: str) -> Awaitable[Sequence[TrackFile]]: ...

    def track(self, caller: Caller, recording: str) -> Awaitable[TrackFile | None]: ...

    def audit(self, caller: Caller | None, action: str, subject: str, detail: Mapping[str, Json]) -> None: ...

    def explain(self, caller: Caller, contact: str) -> Awaitable[Sequence[str] | None]: ...

    def explanation(self, caller: Caller, contact: str) -> Awaitable[Result]:
        """`console.models_explanation.ContactExplanation` as plain data; codes "not-found", "forbidden",
        "unavailable"."""

    def sip_trace(self, caller: Caller, call: str, now_ms: int) -> Mapping[str, Json] | None:
        """SIP messages of the newest call that `call` names (contact, call, SIP Call-ID, caller's number, "last")."""

    def ready(self) -> tuple[bool, Sequence[str]]:
        """Whether calls can be taken; the reasons why not, or what else is wrong."""

    def metrics_text(self) -> bytes: ...


class ConfigPort(Protocol):
    """Versions of the configuration, for its administrators. Actions and their arguments are those of
    `aio/routes_config.py`."""

    def running(self) -> Mapping[str, Json]:
        """{"number", "digest"} of the version that runs."""

    def ask(self, caller: Caller, action: str, args: Mapping[str, Json]) -> Awaitable[Result]:
        """Codes: "not-found", "invalid" (with problems), "conflict", "nothing-changed", "limit", "unavailable"."""
