"""The gateway's side of IMW-sim v1: control rooms' sessions, their groups, legs and patches, and frames both ways.

A control room's groups, legs and patches outlive its WebSocket by ROOM_GRACE_MS, so that audio towards it goes on while
it reconnects; its floors do not: a room whose link is gone talks nowhere. A second session of the same room fences the
first. Frames that are not IMW-sim v1 are answered with `error`, and bounded.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from kak_server.tetra_gw import sdp, wire
from kak_server.tetra_gw.codec import Message, WireError, decode, encode
from kak_sim.tetra import network as net
from kak_sim.tetra.rtp_leg import LegCounters, RtpLeg

HEARTBEAT_MS = 2_000
STALE_AFTER_MS = 6_000
ROOM_GRACE_MS = 30_000
ROOMS_MAX = 256
PATCHES_MAX = 256
BAD_FRAMES_MAX = 50
REQUESTS_REMEMBERED = 1_024
FIRST_CONSOLE_ISSI = 9_900_001
CONSOLE_COMMANDS = (
    wire.GroupAttach
    | wire.GroupDetach
    | wire.LegOpen
    | wire.LegClose
    | wire.TxRequest
    | wire.TxCease
    | wire.PatchCreate
    | wire.PatchRemove
    | wire.EmergencyAck
    | wire.EmergencyClear
)


@dataclass(slots=True)
class Room:
    """What the gateway holds for one control room."""

    name: str
    party: net.Party
    epoch: int = 0
    groups: dict[int, str] = field(default_factory=dict)  # gssi to mode
    legs: dict[int, RtpLeg] = field(default_factory=dict)
    patches: dict[str, wire.PatchItem] = field(default_factory=dict)
    requests: dict[str, None] = field(default_factory=dict)  # ids of tx.request: one cannot ask twice
    session: "Session | None" = None
    gone_at_ms: int = 0


class Session:
    """One WebSocket. `send` takes a frame, `close` ends the connection with a reason; neither blocks."""

    def __init__(self, send: Callable[[str], None], close: Callable[[str], None], now_ms: int) -> None:
        self.send = send
        self.close = close
        self.room: Room | None = None
        self.heard_at_ms = now_ms
        self.sent = 0
        self.bad_frames = 0


class Gateway:
    """All control rooms. `on_change` runs after commands that may have left events in the network."""

    def __init__(
        self,
        network: net.Network,
        *,
        clock: Callable[[], int],
        media_host: str,
        on_change: Callable[[], None],
        on_notice: Callable[[int, str], None],
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self.counters = {"frames_in": 0, "frames_refused": 0, "sessions_fenced": 0, "sessions_stale": 0}
        self.closed_legs = LegCounters()  # the sum over legs that are no more
        self._network = network
        self._clock = clock
        self._media_host = media_host
        self._on_change = on_change
        self._on_notice = on_notice  # (gssi, text): a line on the displays of a group's radios
        self._sessions: set[Session] = set()
        self._ids = itertools.count(1)
        self._console_issis = itertools.count(FIRST_CONSOLE_ISSI)

    # --- the WebSocket server ---

    def opened(self, session: Session) -> None:
        """A console has connected."""
        self._sessions.add(session)

    def closed(self, session: Session) -> None:
        """Its WebSocket is gone: its floors are free at once, everything else waits for it a while."""
        self._sessions.discard(session)
        room = session.room
        if room is None or room.session is not session:
            return
        room.session = None
        room.gone_at_ms = self._clock()
        self._leave_floors(room)

    def frame(self, session: Session, text: str | bytes) -> None:
        """One message of a console."""
        self.counters["frames_in"] += 1
        session.heard_at_ms = self._clock()
        try:
            message = decode(text)
        except WireError as problem:
            self._refuse(session, problem.code, problem.text, problem.re)
            return
        body, room = message.body, session.room
        if isinstance(body, wire.Error):
            return  # never answered with another
        if isinstance(body, wire.Hello):
            self._hello(session, body, message.envelope.id)
        elif room is None:
            self._refuse(session, "HELLO_FIRST", message.envelope.type, message.envelope.id)
        elif message.envelope.epoch != room.epoch:
            self._refuse(session, "EPOCH", "not the session's epoch", message.envelope.id)
        elif isinstance(body, wire.Resume):
            self._send(session, self._snapshot(room), re=message.envelope.id)
        elif isinstance(body, wire.Ping):
            self._send(session, wire.Pong(), re=message.envelope.id)
        elif isinstance(body, CONSOLE_COMMANDS):
            self._command(room, message, body)
            self._on_change()
        elif not isinstance(body, wire.Pong):
            self._refuse(session, "UNSUPPORTED", f"{message.envelope.type} comes from a gateway", message.envelope.id)

    def timer(self) -> None:
        """Time has passed: silent sessions are closed, rooms nobody came back for are forgotten."""
        now_ms = self._clock()
        for session in list(self._sessions):
            if now_ms - session.heard_at_ms >= STALE_AFTER_MS:
                self.counters["sessions_stale"] += 1
                self._drop(session, "no heartbeat")
        for room in list(self.rooms.values()):
            if room.session is None and now_ms - room.gone_at_ms >= ROOM_GRACE_MS:
                for gssi in list(room.groups):
                    self._detach(room, gssi)
                for patch in list(room.patches):
                    self._remove_patch(room, patch)
                del self.rooms[room.name]

    def close(self) -> None:
        """Shut down: every session, every port."""
        for session in list(self._sessions):
            self._drop(session, "shutdown")
        for room in self.rooms.values():
            for leg in room.legs.values():
                leg.close()
        self.rooms.clear()

    # --- the network ---

    def told(self, event: net.NetworkEvent) -> None:
        """Something happened on the network: tell the consoles it concerns."""
        match event:
            case net.Granted() | net.Denied() | net.Queued() | net.Interrupted():
                self._floor_answer(event)
            case net.Taken(gssi, call, party, priority):
                taken = wire.TxTaken(gssi=gssi, call=call, talker=party.issi, alias=party.alias[:64], priority=priority)
                self._to_group(gssi, taken, but=party)
            case net.Idle(gssi, call):
                self._close_uplinks(gssi)
                self._to_group(gssi, wire.TxIdle(gssi=gssi, call=call))
            case net.CallStarted(gssi, call, priority):
                self._to_group(gssi, wire.CallIncoming(gssi=gssi, call=call, priority=priority))
            case net.CallReleased(gssi, call, cause):
                self._to_group(gssi, wire.CallReleased(gssi=gssi, call=call, cause=cause))

    def _floor_answer(self, event: net.Granted | net.Denied | net.Queued | net.Interrupted) -> None:
        room = self.rooms.get(event.party.name) if event.party.kind == "console" else None
        if room is None:
            return
        leg = room.legs.get(event.gssi)
        body: wire.Body
        match event:
            case net.Granted():
                if leg is not None and not leg.granted:
                    leg.open_uplink()
                body = wire.TxGranted(gssi=event.gssi, call=event.call, max_ms=event.max_ms)
            case net.Denied():
                body = wire.TxDenied(gssi=event.gssi, cause=event.cause)
            case net.Queued():
                body = wire.TxQueued(gssi=event.gssi, pos=event.position)
            case net.Interrupted():
                if leg is not None:
                    leg.shut_uplink(self._clock(), play_tail=False)
                body = wire.TxInterrupted(gssi=event.gssi, by=event.by[:64], cause=event.cause)
        if room.session is not None:
            self._send(room.session, body, re=event.token)

    def _to_group(self, gssi: int, body: wire.Body, but: net.Party | None = None) -> None:
        for room in self.rooms.values():
            if gssi in room.groups and room.session is not None and room.party != but:
                self._send(room.session, body)

    def _close_uplinks(self, gssi: int) -> None:
        for room in self.rooms.values():
            leg = room.legs.get(gssi)
            if leg is not None and leg.granted:
                leg.shut_uplink(self._clock(), play_tail=True)

    # --- session ---

    def _hello(self, session: Session, body: wire.Hello, re: str) -> None:
        if 1 not in body.versions:
            self._refuse(session, "VERSION", "version 1 is spoken here", re)
            return
        if session.room is not None:
            self._refuse(session, "REPEATED", "hello came before", re)
            return
        room = self.rooms.get(body.room)
        if room is None:
            if len(self.rooms) >= ROOMS_MAX:
                self._refuse(session, "OVERLOADED", "too many control rooms", re)
                return
            issi = next(self._console_issis)
            room = Room(body.room, net.Party("console", body.room, issi, f"Sentral {body.room}"[:64]))
            self.rooms[body.room] = room
        if room.session is not None:
            self.counters["sessions_fenced"] += 1
            fenced = room.session
            self._send(fenced, wire.Error(code="FENCED", text="another session of this control room"))
            self._drop(fenced, "fenced")
        room.epoch += 1
        room.session, session.room = session, room
        self._send(session, wire.Welcome(epoch=room.epoch, hb_ms=HEARTBEAT_MS), re=re)

    def _snapshot(self, room: Room) -> wire.Snapshot:
        groups = [
            wire.GroupItem.model_validate({"gssi": gssi, "state": "attached", "mode": mode})
            for gssi, mode in room.groups.items()
        ]
        calls = []
        for gssi in room.groups:
            group = self._network.groups[gssi]
            if group.call is None:
                continue
            talker = group.talker
            calls.append(
                wire.CallItem(
                    call=group.call,
                    gssi=gssi,
                    priority=group.call_priority,
                    talker=talker.party.issi if talker else None,
                    alias=talker.party.alias[:64] if talker else "",
                    tx_priority=talker.priority if talker else 0,
                    mine=talker is not None and talker.party == room.party,
                )
            )
        return wire.Snapshot(groups=groups, calls=calls, patches=list(room.patches.values()))

    def _refuse(self, session: Session, code: str, text: str, re: str | None) -> None:
        self.counters["frames_refused"] += 1
        session.bad_frames += 1
        self._send(session, wire.Error(code=code, text=text[:256]), re=re)
        if session.bad_frames > BAD_FRAMES_MAX:
            self._drop(session, "too many frames that are not IMW-sim v1")

    def _drop(self, session: Session, reason: str) -> None:
        self.closed(session)
        session.close(reason)

    def _send(self, session: Session, body: wire.Body, re: str | None = None) -> None:
        session.sent += 1
        epoch = session.room.epoch if session.room is not None else 0
        session.send(
            encode(body, frame_id=f"g{next(self._ids)}", seq=session.sent, epoch=epoch, ts=self._clock(), re=re)
        )

    # --- commands ---

    def _command(self, room: Room, message: Message, body: CONSOLE_COMMANDS) -> None:
        session, re = room.session, message.envelope.id
        if session is None:
            return
        refusal = self._why_not(room, body, re)
        if refusal:
            self._send(session, wire.Ack(result="rejected", code=refusal), re=re)
            return
        self._send(session, wire.Ack(result="accepted"), re=re)
        now_ms = self._clock()
        match body:
            case wire.GroupAttach():
                self._attach(room, session, body, re)
            case wire.GroupDetach():
                self._detach(room, body.gssi)
                self._send(session, wire.GroupStateBody(gssi=body.gssi, state="detached", cause="detached"), re=re)
            case wire.LegOpen():
                self._open_leg(room, session, body, re)
            case wire.LegClose():
                self._close_leg(room, body.gssi)
            case wire.TxRequest():
                self._network.request(body.gssi, room.party, re, body.priority, now_ms)
            case wire.TxCease():
                leg = room.legs.get(body.gssi)
                if leg is not None:
                    leg.shut_uplink(now_ms, play_tail=True)
                self._network.cease(body.gssi, room.party, now_ms)
            case wire.PatchCreate():
                if body.patch not in room.patches:
                    room.patches[body.patch] = wire.PatchItem(patch=body.patch, gssi=body.gssi, sip_call=body.sip_call)
                    self._on_notice(body.gssi, "a telephone call is connected to this group")
                self._send(session, wire.PatchState(patch=body.patch, gssi=body.gssi, active=True), re=re)
            case wire.PatchRemove():
                self._remove_patch(room, body.patch)

    def _why_not(self, room: Room, body: CONSOLE_COMMANDS, command_id: str) -> str:
        """The code of a refusal, or "" when the command is all right."""
        match body:
            case wire.GroupAttach():
                return "" if body.gssi in self._network.groups else "UNKNOWN_GROUP"
            case wire.LegOpen():
                try:
                    sdp.parse(body.sdp)
                except sdp.SdpError:
                    return "SDP"
                return "" if body.gssi in room.groups else "NOT_ATTACHED"
            case wire.TxRequest():
                if body.gssi not in room.groups:
                    return "NOT_ATTACHED"
                if command_id in room.requests:
                    return "REPEATED"
                room.requests[command_id] = None
                while len(room.requests) > REQUESTS_REMEMBERED:
                    del room.requests[next(iter(room.requests))]
            case wire.PatchCreate():
                if body.gssi not in room.groups:
                    return "NOT_ATTACHED"
                if not body.owner_ok:
                    return "OWNER"  # the group's owner must have agreed
                return "" if len(room.patches) < PATCHES_MAX or body.patch in room.patches else "OVERLOADED"
        return ""

    def _attach(self, room: Room, session: Session, body: wire.GroupAttach, re: str) -> None:
        room.groups[body.gssi] = body.mode
        self._send(session, wire.GroupStateBody(gssi=body.gssi, state="attached", mode=body.mode), re=re)
        group = self._network.groups[body.gssi]
        if group.call is None:
            return
        incoming = wire.CallIncoming(gssi=body.gssi, call=group.call, priority=group.call_priority, late_entry=True)
        self._send(session, incoming)
        talker = group.talker
        if talker is not None and talker.party != room.party:
            taken = wire.TxTaken(
                gssi=body.gssi,
                call=group.call,
                talker=talker.party.issi,
                alias=talker.party.alias[:64],
                priority=talker.priority,
            )
            self._send(session, taken)

    def _detach(self, room: Room, gssi: int) -> None:
        self._network.cease(gssi, room.party, self._clock())
        self._close_leg(room, gssi)
        room.groups.pop(gssi, None)

    def _open_leg(self, room: Room, session: Session, body: wire.LegOpen, re: str) -> None:
        end = sdp.parse(body.sdp)
        leg = room.legs.get(body.gssi)
        if leg is None:
            ssrc = 0x5E000000 | (room.party.issi & 0xFF) << 16 | body.gssi & 0xFFFF
            leg = room.legs[body.gssi] = RtpLeg(self._media_host, (end.host, end.port), ssrc, self._clock)
            talker = self._network.groups[body.gssi].talker
            if talker is not None and talker.party == room.party:
                leg.open_uplink()
        else:
            leg.move((end.host, end.port))
        ours = sdp.build(sdp.MediaEnd(self._media_host, leg.port))
        self._send(session, wire.LegReadyBody(leg=body.leg, gssi=body.gssi, sdp=ours), re=re)

    def _close_leg(self, room: Room, gssi: int) -> None:
        leg = room.legs.pop(gssi, None)
        if leg is not None:
            leg.close()
            self.closed_legs.add(leg.counters)

    def _remove_patch(self, room: Room, patch: str) -> None:
        item = room.patches.pop(patch, None)
        if item is None:
            return
        self._on_notice(item.gssi, "the telephone call is disconnected")
        if room.session is not None:
            self._send(room.session, wire.PatchState(patch=patch, gssi=item.gssi, active=False, cause="removed"))

    def _leave_floors(self, room: Room) -> None:
        now_ms = self._clock()
        for leg in room.legs.values():
            leg.shut_uplink(now_ms, play_tail=False)
        self._network.leave(room.party, now_ms)
        self._on_change()
