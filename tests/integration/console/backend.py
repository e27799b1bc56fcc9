"""A house of cards behind the real console shell: seats are real, calls are entries in a dictionary."""

from collections.abc import Mapping, Sequence
from typing import Any

from argon2 import PasswordHasher

from kak_server.console.ports import Caller, Result, Subscriber, TrackFile, User
from kak_server.console.seats import Claimed, Seats
from kak_server.model.codec import Json
from kak_server.model.ids import OperatorId, PositionId, RoomId, SessionId

PASSWORD = "riktig hest"
_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
POSITIONS = {"oslo-1": "oslo", "oslo-2": "oslo", "bergen-1": "bergen"}


def _user(name: str, roles: frozenset[str] = frozenset({"operator"})) -> User:
    return User(OperatorId(f"op-{name}"), name, name.title(), _HASH, roles, {"medical": 5}, (RoomId("oslo"),))


class CardHouse:
    """Implements ConsoleBackend. Tests read and write its attributes."""

    def __init__(self) -> None:
        self.users = {name: _user(name) for name in ("kari", "ola")}
        self.users["wally"] = _user("wally", frozenset({"wallboard"}))
        self.users["tore"] = _user("tore", frozenset({"technician"}))
        self.users["ada"] = _user("ada", frozenset({"admin"}))
        self.users["siri"] = _user("siri", frozenset({"operator", "supervisor"}))
        self.traces: dict[str, Mapping[str, Json]] = {}
        self.explained: dict[str, Result] = {}
        self.seats = Seats()
        self.sessions: dict[str, Mapping[str, Json]] = {}
        self.subscribers: dict[Caller, Subscriber] = {}
        self.executed: list[tuple[Caller, str, Mapping[str, Json]]] = []
        self.audits: list[tuple[str | None, str, str, Mapping[str, Json]]] = []
        self.busy: set[OperatorId] = set()
        self.waiting: list[dict[str, Any]] = []
        self.files: list[TrackFile] = []
        nobody = {"state": "open", "reason": "", "by": None, "by_name": None, "since_ms": None}
        self.room_rows: dict[str, dict[str, Json]] = {"oslo": {"room": "oslo", "name": "AMK Oslo", **nobody}}
        self.standing_by: dict[SessionId, PositionId] = {}
        self.links = {"good-token": "open"}
        self.media_bodies: list[Mapping[str, Json]] = []
        self.reasons: list[str] = []
        self.leads_to: list[tuple[str, Json]] = []  # events that every command makes

    # --- people and seats ---------------------------------------------------------------------------------------------

    def user_by_name(self, username: str) -> User | None:
        return self.users.get(username)

    def session_opened(self, session: SessionId, user: User, now_ms: int) -> None:
        assert now_ms > 0

    def session_closed(self, session: SessionId, now_ms: int) -> Result:
        seat = self.seats.held_by(session)
        if seat is not None and seat.operator in self.busy:
            return Result(False, code="busy", message="A call is connected.")
        self.seats.leave(session, now_ms)
        return Result(True)

    def restored_sessions(self) -> Mapping[str, Mapping[str, Json]]:
        return dict(self.sessions)

    def put_session(self, session: SessionId, record: Mapping[str, Json] | None) -> None:
        if record is None:
            self.sessions.pop(session, None)
        else:
            self.sessions[session] = record

    def positions(self) -> Sequence[Mapping[str, Json]]:
        rows = []
        for position, room in POSITIONS.items():
            seat = self.seats.at(PositionId(position))
            taken = next((u.name for u in self.users.values() if seat and u.operator == seat.operator), None)
            row = {"position": position, "room": room, "room_name": room.title(), "name": position, "taken_by": taken}
            row["phone"] = None
            rows.append(row)
        return rows

    def take_position(
        self, session: SessionId, position: PositionId, take_over: bool, seat_epoch: int | None, now_ms: int
    ) -> Result:
        if position not in POSITIONS:
            return Result(False, code="unknown-position", message="No such position.")
        if POSITIONS[position] != "oslo":
            return Result(False, code="not-allowed", message="Not your room.")
        operator = OperatorId(str(self.sessions[session]["operator"]))
        outcome = self.seats.claim(
            session, operator, position, take_over=take_over, seat_epoch=seat_epoch, now_ms=now_ms
        )
        if not isinstance(outcome, Claimed):
            return Result(False, code=outcome.code, message="The seat is not yours.")
        return Result(True, {"position": position, "seat_epoch": outcome.seat.epoch})

    def leave_position(self, caller: Caller, now_ms: int) -> Result:
        if caller.operator in self.busy:
            return Result(False, code="busy", message="A call is connected.")
        self.seats.leave(caller.session, now_ms)
        return Result(True)

    def hand_over(self, session: SessionId, position: PositionId, now_ms: int) -> Result:
        if self.seats.at(position) is None:
            return Result(False, code="empty", message="Nobody sits there.")
        self.standing_by[session] = position
        return self.hand_over_status(session)

    def hand_over_status(self, session: SessionId) -> Result:
        position = self.standing_by.get(session)
        state = "none" if position is None else "waiting"
        return Result(True, {"state": state, "position": position, "hand_over": None})

    def cancel_hand_over(self, session: SessionId, now_ms: int) -> Result:
        self.standing_by.pop(session, None)
        return Result(True)

    def rooms(self) -> Sequence[Mapping[str, Json]]:
        return list(self.room_rows.values())

    def room_people(self, room: str) -> Sequence[Mapping[str, Json]]:
        rows = [self.users["ola"], self.users["kari"]] if room == "oslo" else []
        there = {"position": "oslo-1", "room": "oslo", "room_name": "AMK Oslo", "activity": "break", "state": "idle"}
        return [{"operator": u.operator, "name": u.name, **there, "skills": {"113": 5}} for u in rows]

    def find_people(self, text: str) -> Sequence[Mapping[str, Json]]:
        return [row for row in self.room_people("oslo") if text.lower() in str(row["name"]).lower()]

    def set_room(self, session: SessionId, room: str, state: str, reason: str) -> Result:
        user = next(u for u in self.users.values() if u.operator == self.sessions[session]["operator"])
        if room not in self.room_rows:
            return Result(False, code="unknown-room", message="No such room.")
        if not user.roles & {"supervisor", "admin"}:
            return Result(False, code="not-lead", message="Not your room.")
        row = {"state": state, "reason": reason, "by": user.operator, "by_name": user.name, "since_ms": 1}
        self.room_rows[room] = {**self.room_rows[room], **row}
        return Result(True)

    def seat_of(self, session: SessionId) -> tuple[PositionId, int] | None:
        seat = self.seats.held_by(session)
        return None if seat is None else (seat.position, seat.epoch)

    # --- stream -------------------------------------------------------------------------------------------------------

    def subscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        assert caller not in self.subscribers
        self.subscribers[caller] = subscriber

    def unsubscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        assert self.subscribers.pop(caller) is subscriber

    def push(self, name: str, data: Json) -> None:
        """The same event to everybody."""
        for subscriber in tuple(self.subscribers.values()):
            subscriber.push(name, data)

    def push_waiting(self, count: int) -> None:
        """A waiting list of so many callers to everybody; the same object, as the real house does."""
        self.waiting = [waiting_row(n) for n in range(count)]
        for subscriber in tuple(self.subscribers.values()):
            subscriber.push_list("waiting", self.waiting)

    def snapshot(self, caller: Caller, now_ms: int) -> Mapping[str, Json]:
        me: dict[str, Json] = {"operator": caller.operator, "name": "Kari", "position": caller.position, "room": "oslo"}
        me |= {"activity": "available", "reason": "", "state": "idle", "since_ms": now_ms, "wrap_up_until_ms": None}
        return {
            "me": me,
            "offer": None,
            "call": None,
            "queues": [],
            "waiting": self.waiting,
            "operators": [],
            "talkgroups": [],
            "transfer_targets": [],
            "media": {"state": "none", "generation": ""},
            "notices": [],
        }

    def execute(self, caller: Caller, name: str, args: Mapping[str, Json], now_ms: int) -> Result:
        self.executed.append((caller, name, args))
        for event, data in self.leads_to:
            self.push(event, data)
        if name == "video.invite":
            return Result(True, {"url": "https://example.test/v/abc", "expires_ms": now_ms + 1_000})
        if name == "contact.accept":
            return Result(False, code="offer-gone", message="Somebody else has it.")
        if name == "contact.hangup":
            raise RuntimeError("a fault with +4799999999 in it")
        return Result(True)

    # --- media --------------------------------------------------------------------------------------------------------

    async def position_media(self, caller: Caller, body: Mapping[str, Json]) -> Result:
        self.media_bodies.append(body)
        if "rtp" in body:
            return Result(True, {"rtp": {"host": "127.0.0.1", "port": 40_000}})
        return Result(True, {"sdp": "v=0\r\nanswer"})

    async def view_video(self, caller: Caller, contact: str, sdp: str) -> Result:
        if contact != "c1":
            return Result(False, code="not-yours", message="Not your call.")
        return Result(True, {"sdp": "v=0\r\nview"})

    def citizen_state(self, token: str, now_ms: int) -> Result:
        if token not in self.links:
            return Result(False, code="gone", message="The call is over.")
        return Result(True, {"state": self.links[token], "language": "nb"})

    async def citizen_media(self, token: str, sdp: str, now_ms: int) -> Result:
        state = self.citizen_state(token, now_ms)
        return Result(True, {"sdp": "v=0\r\ncitizen"}) if state.ok else state

    # --- records ------------------------------------------------------------------------------------------------------

    async def recent_calls(self, caller: Caller, limit: int) -> Sequence[Mapping[str, Json]]:
        call: dict[str, Json] = {
            "contact": "c1",
            "queue": "113-oslo",
            "queue_name": "113 Oslo",
            "caller": "+4790000000",
        }
        call |= {"arrived_at_ms": 1, "answered_at_ms": 2, "ended_at_ms": 3, "operator_name": "Kari", "cause": "caller"}
        return [call | {"tracks": []}] * min(limit, 3)

    async def tracks(self, caller: Caller, contact: str) -> Sequence[TrackFile]:
        return [track for track in self.files if track.contact == contact]

    async def track(self, caller: Caller, recording: str) -> TrackFile | None:
        return next((track for track in self.files if track.recording == recording), None)

    def audit(self, caller: Caller | None, action: str, subject: str, detail: Mapping[str, Json]) -> None:
        self.audits.append((caller.operator if caller else None, action, subject, detail))

    async def explain(self, caller: Caller, contact: str) -> Sequence[str] | None:
        return ["It rang.", "Kari answered."] if contact == "c1" else None

    async def explanation(self, caller: Caller, contact: str) -> Result:
        told = self.explained.get(contact)
        return told or Result(False, code="not-found", message="No such contact.")

    def sip_trace(self, caller: Caller, call: str, now_ms: int) -> Mapping[str, Json] | None:
        return self.traces.get(call)

    def ready(self) -> tuple[bool, Sequence[str]]:
        return not self.reasons, self.reasons

    def metrics_text(self) -> bytes:
        return b"# HELP kak_up Up.\n# TYPE kak_up gauge\nkak_up 1.0\n"


def waiting_row(number: int) -> dict[str, Any]:
    """One waiting contact."""
    row = {"contact": f"w{number}", "queue": "113-oslo", "queue_name": "113 Oslo", "class": "emergency"}
    return row | {"caller": f"+479{number:07d}", "arrived_at_ms": number, "state": "waiting"}


def offer(number: int) -> dict[str, Any]:
    """An offer of contact `c<number>`."""
    data = {"contact": f"c{number}", "epoch": number, "queue": "113-oslo", "queue_name": "113 Oslo"}
    data |= {"class": "emergency", "caller": "+4790000000", "caller_source": "from", "location_text": ""}
    return data | {"arrived_at_ms": 1, "expires_at_ms": 2}
