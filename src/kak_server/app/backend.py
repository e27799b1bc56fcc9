"""The house as the console's shell asks for it."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from kak_server.app.backend_rooms import RoomsBackend
from kak_server.app.explaining import Explainer
from kak_server.app.hub import ConsoleHub
from kak_server.app.metrics import Metrics
from kak_server.app.store import Store
from kak_server.app.tracing import Tracing
from kak_server.bridges.commands import AUDITED, By
from kak_server.bridges.commands_callers import audit_subject
from kak_server.bridges.contact_plan import seat_leg
from kak_server.bridges.house import House
from kak_server.bridges.outputs import Unseat
from kak_server.bridges.videos import video_leg
from kak_server.console.explained import may_read
from kak_server.console.ports import Caller, Result, Subscriber, TrackFile, User
from kak_server.console.seats import Claimed, Seats
from kak_server.console.seats import Seat as Tab
from kak_server.media import rpc
from kak_server.media.aio.client import MediaClient
from kak_server.model.codec import Json, from_json
from kak_server.model.ids import ContactId, OperatorId, PositionId, SessionId
from kak_server.runtime.dispatch import Dispatcher
from kak_server.runtime.explain import Explanation, lines

MEDIA_TIMEOUT_MS = 8_000
SESSION, TAB = "session", "tab"


class HouseBackend(RoomsBackend):
    """Implements `console.ports.ConsoleBackend` over the dispatcher."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        media: MediaClient,
        hub: ConsoleHub,
        store: Store,
        metrics: Metrics,
        users: Sequence[User],
        readiness: "Readiness",
        explainer: Explainer,
        tracing: Tracing,
    ) -> None:
        self._dispatcher = dispatcher
        self._media = media
        self._hub = hub
        self._store = store
        self._metrics = metrics
        self.serve_people(users)
        self._readiness = readiness
        self._explainer = explainer
        self._tracing = tracing
        self._tabs = Seats()
        self._sessions: dict[str, Mapping[str, Json]] = {}
        hub.on_unseat = self._unseat

    def serve_people(self, users: Sequence[User]) -> None:
        """Who may sign in from now on, and what they may do: a session counts by it from its next request."""
        self._users = {user.username: user for user in users}
        self._by_operator = {user.operator: user for user in users}

    def restore(self, records: Mapping[str, Mapping[str, Json]]) -> None:
        """Sessions and tabs from the journal's map."""
        for key, value in records.items():
            kind, _, rest = key.partition("/")
            if kind == SESSION:
                self._sessions[rest] = value
            elif kind == TAB:
                self._tabs.put(from_json(Tab, value))
        for position in self._tabs.taken():  # who was sent away just before we died holds no seat
            operator = self._tabs.holder(position)
            if operator is not None and self._house.ctx.core.operator_at(position) != operator:
                self._vacate(position, operator)

    @property
    def _house(self) -> House:
        return self._dispatcher.house

    # --- people and sessions --------------------------------------------------------------------------------------

    def user_by_name(self, username: str) -> User | None:
        """A person of the configuration."""
        return self._users.get(username)

    def session_opened(self, session: SessionId, user: User, now_ms: int) -> None:
        """Noted in the audit log; the record itself comes by put_session."""
        self._store.audit(str(user.operator), "sign-in", session[:8], {})

    def session_closed(self, session: SessionId, now_ms: int) -> Result:
        """Stand up first; refused in mid-call."""
        tab = self._tabs.held_by(session)
        if tab is not None and tab.operator is not None:
            outcome = self._stand(session, tab.operator, now_ms)
            if not outcome.ok:
                return outcome
        self._store.audit(str(tab.operator) if tab and tab.operator else "", "sign-out", session[:8], {})
        return Result(True)

    def restored_sessions(self) -> Mapping[str, Mapping[str, Json]]:
        """What the journal kept."""
        return dict(self._sessions)

    def put_session(self, session: SessionId, record: Mapping[str, Json] | None) -> None:
        """Keep or drop."""
        if record is None:
            self._sessions.pop(session, None)
            self._dispatcher.journal.delete(f"{SESSION}/{session}")
        else:
            self._sessions[session] = record
            self._dispatcher.journal.put(f"{SESSION}/{session}", record)

    # --- seats ----------------------------------------------------------------------------------------------------

    def positions(self) -> Sequence[Mapping[str, Json]]:
        """All seats and who sits there."""
        core = self._house.ctx.core
        rows = []
        for info in self._house.ctx.settings.positions:
            operator = core.operator_at(info.position)
            view = core.operator(operator) if operator is not None else None
            rows.append(
                {
                    "position": info.position,
                    "room": info.room,
                    "room_name": info.room_name,
                    "name": info.name,
                    "taken_by": view.name if view is not None else None,
                    "phone": self._house.phone_views.state(info.position),
                }
            )
        return rows

    def take_position(
        self, session: SessionId, position: PositionId, take_over: bool, seat_epoch: int | None, now_ms: int
    ) -> Result:
        """Sit down: the routing core first (it knows calls), then the tab's claim."""
        user = self._user_of(session)
        info = next((p for p in self._house.ctx.settings.positions if p.position == position), None)
        if user is None or info is None:
            return Result(False, code="unknown-position", message="there is no such position")
        if user.rooms and info.room not in user.rooms:
            return Result(False, code="not-allowed", message="you may not sit in this control room")
        held = self._tabs.at(position)
        if seat_epoch is None and held is not None and held.operator not in (None, user.operator) and not take_over:
            return Result(False, code="taken", message="somebody sits there")
        if seat_epoch is not None and not self._tabs.is_held(session, position, seat_epoch):
            return Result(False, code="not-your-seat", message="this seat has been taken since")
        refused = self._dispatcher.ask(
            lambda house, _now: house.seats.sit(user.operator, user.name, position, user.skills)
        )
        if refused:
            code = "taken" if refused == "busy" else refused
            return Result(False, code=code, message="a call is going on at that position")
        claim = self._tabs.claim(
            session, user.operator, position, take_over=take_over, seat_epoch=seat_epoch, now_ms=now_ms
        )
        if not isinstance(claim, Claimed):
            return Result(False, code=claim.code, message="this seat has been taken since")
        for changed in claim.changed:
            self._dispatcher.journal.put(f"{TAB}/{changed.position}", changed)
        for lost in claim.lost:
            self._hub.tell_session(lost.position, lost.session, "seat.lost", {"reason": lost.reason})
        return Result(True, {"position": position, "seat_epoch": claim.seat.epoch})

    def leave_position(self, caller: Caller, now_ms: int) -> Result:
        """Stand up."""
        return self._stand(caller.session, caller.operator, now_ms)

    def hand_over(self, session: SessionId, position: PositionId, now_ms: int) -> Result:
        """The change of shifts: stand by until the seat is free. result: HandOverStatus."""
        user = self._user_of(session)
        info = next((p for p in self._house.ctx.settings.positions if p.position == position), None)
        if user is None or info is None:
            return Result(False, code="unknown-position", message="there is no such position")
        if user.rooms and info.room not in user.rooms:
            return Result(False, code="not-allowed", message="you may not sit in this control room")
        refused = self._dispatcher.ask(
            lambda house, _now: house.staff.stand_by(user.operator, user.name, position, info.room, user.skills)
        )
        if refused is not None:
            return Result(False, code=refused.code, message=refused.text)
        return self.hand_over_status(session)

    def hand_over_status(self, session: SessionId) -> Result:
        """How it goes with the hand-over this person waits for."""
        user = self._user_of(session)
        if user is None:
            return Result(False, code="not-signed-in", message="sign in first")
        return Result(True, self._house.staff_views.status(user.operator))

    def cancel_hand_over(self, session: SessionId, now_ms: int) -> Result:
        """The incoming does not wait any longer."""
        user = self._user_of(session)
        if user is not None:
            self._dispatcher.ask(lambda house, _now: house.staff.stop_waiting(user.operator))
        return Result(True)

    def _unseat(self, output: Unseat) -> None:
        self._vacate(output.position, output.operator)

    def _vacate(self, position: PositionId, operator: OperatorId) -> None:
        """The tab of somebody who had to leave holds the seat no more."""
        empty = self._tabs.vacate(position, operator, self._dispatcher.now_ms())
        if empty is not None:
            self._dispatcher.journal.put(f"{TAB}/{position}", empty)

    def seat_of(self, session: SessionId) -> tuple[PositionId, int] | None:
        """Where this session sits."""
        tab = self._tabs.held_by(session)
        return None if tab is None else (tab.position, tab.epoch)

    def _stand(self, session: SessionId, operator: OperatorId, now_ms: int) -> Result:
        refused = self._dispatcher.ask(lambda house, _now: house.stand(operator))
        if refused:
            return Result(False, code=refused, message="a call is going on at your position")
        empty = self._tabs.leave(session, now_ms)
        if empty is not None:
            self._dispatcher.journal.put(f"{TAB}/{empty.position}", empty)
        return Result(True)

    def _user_of(self, session: SessionId) -> User | None:
        record = self._sessions.get(session)
        return self._by_operator.get(OperatorId(str(record.get("operator")))) if record is not None else None

    # --- events and commands --------------------------------------------------------------------------------------

    def subscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        """A console's stream."""
        self._hub.subscribe(caller, subscriber)

    def unsubscribe(self, caller: Caller, subscriber: Subscriber) -> None:
        """It is over."""
        self._hub.unsubscribe(caller, subscriber)

    def snapshot(self, caller: Caller, now_ms: int) -> Mapping[str, Json]:
        """Everything a console shows."""
        assert caller.position is not None
        return self._house.views.snapshot(caller.operator, caller.position)

    def execute(self, caller: Caller, name: str, args: Mapping[str, Json], now_ms: int) -> Result:
        """Run a command of the table."""
        if caller.position is None:
            return Result(False, code="not-your-seat", message="sit down first")
        user = self._by_operator.get(caller.operator)
        by = By(caller.operator, caller.position, user.roles if user is not None else frozenset())
        outcome = self._dispatcher.ask(lambda house, now: house.command(by, name, args, now))
        self._metrics.command(name, outcome.code)
        if name in AUDITED:
            detail = {**args, **outcome.result, "code": outcome.code}
            self._store.audit(str(by.operator), name, audit_subject(self._house, args), detail)
        return Result(not outcome.code, outcome.result, outcome.code, outcome.message)

    # --- media ----------------------------------------------------------------------------------------------------

    async def position_media(self, caller: Caller, body: Mapping[str, Json]) -> Result:
        """The seat's sound: a browser's offer, or in the lab a plain RTP phone."""
        if caller.position is None:
            return Result(False, code="not-your-seat", message="sit down first")
        position = caller.position
        if isinstance(rtp := body.get("rtp"), Mapping):
            made = self._dispatcher.ask(
                lambda house, _now: house.seats.plain_rtp(position, str(rtp["host"]), int(rtp["port"]))
            )
            if made is None:
                return Result(False, code="not-allowed", message="plain RTP seats are for the lab")
            return Result(True, {"rtp": {"host": self._house.ctx.settings.media_host, "port": made.port}})
        if self._house.phone_desk.phones.serves(position):
            return Result(False, code="use-phone", message="a phone is this position's sound (position.phone)")
        if not self._dispatcher.ask(lambda house, _now: house.seats.expect_browser(position)):
            return Result(False, code="not-your-seat", message="sit down first")
        return await self._answer(rpc.CreateWebrtc(seat_leg(position), "operator", str(body["sdp"])))

    async def view_video(self, caller: Caller, contact: str, sdp: str) -> Result:
        """A viewer for the citizen's video at the operator who has the call."""
        core = self._house.ctx.core
        view = core.contact(ContactId(contact))
        if caller.position is None or view is None or view.operator != caller.operator:
            return Result(False, code="not-yours", message="this call is not at your position")
        position = caller.position
        leg = self._dispatcher.ask(lambda house, _now: house.videos.watch(position, ContactId(contact)))
        return await self._answer(rpc.CreateWebrtc(leg, "viewer", sdp, str(video_leg(ContactId(contact)))))

    def citizen_state(self, token: str, now_ms: int) -> Result:
        """Whether a link is open."""
        if self._house.videos.contact_of(token) is None:
            return Result(False, code="expired", message="the link is no longer open")
        return Result(True, {"state": "open", "language": "nb"})

    async def citizen_media(self, token: str, sdp: str, now_ms: int) -> Result:
        """The citizen's camera."""
        contact = self._house.videos.contact_of(token)
        if contact is None:
            return Result(False, code="expired", message="the link is no longer open")
        return await self._answer(rpc.CreateWebrtc(video_leg(contact), "citizen", sdp))

    async def _answer(self, command: rpc.CreateWebrtc) -> Result:
        reply = await self._media.call(command, timeout_ms=MEDIA_TIMEOUT_MS)
        if not reply.ok:
            code = "bad-request" if reply.code == "bad_sdp" else "media-unavailable"
            return Result(False, code=code, message=reply.message or reply.code)
        return Result(True, {"sdp": reply.result["answer_sdp"]})

    # --- records --------------------------------------------------------------------------------------------------

    def recent_calls(self, caller: Caller, limit: int) -> Awaitable[Sequence[Mapping[str, Json]]]:
        """The newest calls with their tracks."""
        return asyncio.to_thread(self._store.recent, limit, self._house.calls.queues, self._names())

    def tracks(self, caller: Caller, contact: str) -> Awaitable[Sequence[TrackFile]]:
        """All tracks of a call."""
        return asyncio.to_thread(self._store.tracks, contact)

    def track(self, caller: Caller, recording: str) -> Awaitable[TrackFile | None]:
        """One track."""
        return asyncio.to_thread(self._store.track_file, recording)

    def audit(self, caller: Caller | None, action: str, subject: str, detail: Mapping[str, Json]) -> None:
        """Who looked at what."""
        self._store.audit(str(caller.operator) if caller is not None else "", action, subject, detail)

    def explain(self, caller: Caller, contact: str) -> Awaitable[Sequence[str] | None]:
        """Why it went where it went, in English sentences."""
        return self._sentences(caller, contact)

    async def _sentences(self, caller: Caller, contact: str) -> Sequence[str] | None:
        told = await self.explanation(caller, contact)
        if not told.ok:
            return None
        return [line for step in from_json(Explanation, told.result).steps for line in lines(step)]

    async def explanation(self, caller: Caller, contact: str) -> Result:
        """Why it went where it went, from the journal; "forbidden" to those of other rooms."""
        told = await self._explainer.explain(contact)
        user = self._user_of(caller.session)
        if told.ok and (user is None or not may_read(user, from_json(Explanation, told.result).rooms)):
            return Result(False, code="forbidden", message="It concerns other control rooms than yours.")
        return told

    def sip_trace(self, caller: Caller, call: str, now_ms: int) -> Mapping[str, Json] | None:
        """A call's SIP messages, which are in memory only."""
        return self._tracing.find(call, now_ms)

    def _names(self) -> Mapping[str, str]:
        return {str(user.operator): user.name for user in self._users.values()}

    # --- operations -----------------------------------------------------------------------------------------------

    def ready(self) -> tuple[bool, Sequence[str]]:
        """Whether calls can be taken, and what is wrong, whether it keeps from that or not."""
        reasons = self._readiness.reasons()
        return not reasons, [*reasons, *self._readiness.remarks()]

    def metrics_text(self) -> bytes:
        """Prometheus."""
        return self._metrics.text()


class Readiness:
    """Why calls cannot be taken now, if so."""

    def __init__(self, media: MediaClient, dispatcher: Dispatcher, store: Store) -> None:
        self.sip_listening = False
        self.draining = False
        self._media = media
        self._dispatcher = dispatcher
        self._store = store

    def reasons(self) -> list[str]:
        """Empty when all is well."""
        reasons = []
        if not self.sip_listening:
            reasons.append("SIP is not listening")
        if not self._media.attached:
            reasons.append("no media worker is attached")
        if self.draining:
            reasons.append("draining")
        return reasons

    def remarks(self) -> list[str]:
        """What is wrong and keeps nobody from calling: a node with a full disk must not be taken out of service."""
        remarks = ["the journal cannot be written"] if self._dispatcher.journal.degraded else []
        if self._store.away:
            remarks.append("the records database takes no rows: they wait")
        if failing := len(self._dispatcher.house.ctx.tapings.lost):
            remarks.append(f"recording fails: {failing} tracks of calls that are up are not being stored")
        return remarks
