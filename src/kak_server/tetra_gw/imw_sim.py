"""The first driver behind the radio port: a sans-IO client of IMW-sim v1 for one gateway endpoint.

The shell tells it of the connection (`connected`, `disconnected`), feeds frames (`receive`) and time (`timer`), and
after every call drains outputs and re-arms one timer at `next_timer_at_ms()`. No call raises because of what the peer
sent.

Session: hello > welcome > resume > snapshot, then up. Pings every heartbeat; no pong for `stale_after_ms`, and the link
counts as lost: every floor is freed before the shell has closed the socket. What the house wants (groups, legs,
patches) lives here and is asked for anew on every connection; at the gateway each of these is idempotent.
"""

from collections.abc import Callable
from enum import StrEnum

from kak_server.model.ids import Gssi, OperatorId
from kak_server.tetra_gw import sdp, wire
from kak_server.tetra_gw.alarm_desk import AlarmDesk
from kak_server.tetra_gw.api import FloorState, GatewaySettings, GroupState, LinkChanged, Output
from kak_server.tetra_gw.codec import Message, WireError, decode
from kak_server.tetra_gw.group_desk import GroupDesk
from kak_server.tetra_gw.outbox import ENDED_BY_ACK, TRIES_MAX, Outbox, Pending
from kak_server.tetra_gw.patch_desk import Patch, PatchDesk
from kak_server.tetra_gw.talkgroups import Talker
from kak_server.tetra_gw.timers import Timers

BAD_FRAMES_MAX = 50  # on one connection; then it is closed, so that answering nonsense is bounded


class _Session(StrEnum):
    DOWN = "down"
    GREETING = "greeting"  # hello sent
    RESUMING = "resuming"  # welcome there, resume sent
    UP = "up"


class ImwSimDriver:
    """One control room's session with one gateway endpoint."""

    def __init__(self, settings: GatewaySettings, new_id: Callable[[], str]) -> None:
        self.settings = settings
        self._timers = Timers()
        self._outbox = Outbox(settings, new_id, self._timers)
        self._groups = GroupDesk(self._outbox, self._timers)
        self._patches = PatchDesk(self._outbox)
        self._alarms = AlarmDesk(self._outbox)
        self._session = _Session.DOWN
        self._last_epoch = 0  # of the session before, for resume
        self._last_seq = 0
        self._resyncing = False  # a resume is unanswered
        self._bad_frames = 0

    # --- the shell ----------------------------------------------------------------------------------------------------

    def connected(self, now_ms: int) -> None:
        """A WebSocket is open: greet. A connection that was still there counts as lost."""
        self.disconnected(now_ms, "replaced")
        self._session = _Session.GREETING
        self._bad_frames = 0
        self._resyncing = False
        self._outbox.restart()
        caps = ["group", "floor", "patch", "emergency"]
        self._outbox.frame(wire.Hello(versions=[1], caps=caps, room=self.settings.room), now_ms)
        self._timers.set("stale", now_ms + self.settings.stale_after_ms)

    def disconnected(self, now_ms: int, reason: str) -> None:
        """The WebSocket is gone. Harmless when the driver knew."""
        if self._session is _Session.DOWN:
            return
        was_up = self.link_up
        self._session = _Session.DOWN
        self._timers.clear()
        self._outbox.link_lost()
        self._groups.link_lost(now_ms)
        self._patches.link_lost()
        self._alarms.link_lost()
        if was_up:
            self._outbox.emit(LinkChanged(self.settings.name, False, reason))

    def receive(self, frame: str | bytes, now_ms: int) -> None:
        """One WebSocket message. Anything that is not IMW-sim v1 is counted, answered with `error`, and bounded."""
        if self._session is _Session.DOWN:
            return
        try:
            message = decode(frame)
        except WireError as problem:
            self._refuse_frame(problem, now_ms)
            return
        if isinstance(message.body, wire.Error):
            self._numbered(message.envelope.seq)
            self._on_error(message.body, message.envelope.re, now_ms)
        elif self._session is _Session.GREETING:
            if isinstance(message.body, wire.Welcome):
                self._on_welcome(message, message.body, now_ms)
            else:
                self._ignored(message, "before_welcome")
        elif message.envelope.epoch != self._outbox.epoch:
            self._ignored(message, "stale_epoch")
        elif self._in_sequence(message, now_ms):
            self._dispatch(message, now_ms)

    def timer(self, now_ms: int) -> None:
        """Time has passed. Early calls are harmless."""
        while (key := self._timers.pop_due(now_ms)) is not None:
            if key == "stale":
                self._give_up("no pong" if self.link_up else "no welcome", now_ms)
            elif key == "ping":
                self._outbox.frame(wire.Ping(), now_ms)
                self._timers.set("ping", now_ms + self.settings.heartbeat_ms)
            elif isinstance(key, tuple) and key[0] == "command":
                self._command_due(str(key[1]), now_ms)
            elif isinstance(key, tuple):
                self._groups.due(str(key[0]), Gssi(key[1]), now_ms)

    def next_timer_at_ms(self) -> int | None:
        """When `timer` wants to be called; None for never."""
        return self._timers.next_at_ms()

    def drain(self) -> list[Output]:
        """All outputs since the last drain, in order."""
        return self._outbox.drain()

    # --- commands of the house ----------------------------------------------------------------------------------------

    def attach(self, gssi: Gssi, now_ms: int) -> None:
        """Attach to a talkgroup, now and after every reconnect. Again: no change (after a refusal: try at once)."""
        self._groups.attach(gssi, now_ms)

    def detach(self, gssi: Gssi, now_ms: int) -> None:
        """Leave a talkgroup; its floor is given back and its leg closes."""
        self._groups.detach(gssi, now_ms)

    def open_leg(self, gssi: Gssi, host: str, port: int, now_ms: int) -> None:
        """Ask for the talkgroup's audio at our RTP address, now and after every reconnect."""
        self._groups.open_leg(gssi, sdp.MediaEnd(host, port), now_ms)

    def close_leg(self, gssi: Gssi, now_ms: int) -> None:
        """Take the talkgroup's audio away; the attachment stays."""
        self._groups.close_leg(gssi, now_ms)

    def request_tx(self, gssi: Gssi, op: OperatorId, priority: int, now_ms: int) -> None:
        """Press the key: FloorChanged tells what comes of it. priority: 0 low .. 3 emergency."""
        self._groups.request_tx(gssi, op, priority, now_ms)

    def cease_tx(self, gssi: Gssi, now_ms: int) -> None:
        """Let the key go."""
        self._groups.cease_tx(gssi, now_ms)

    def create_patch(self, patch: str, sip_call: str, gssi: Gssi, op: OperatorId, owner_ok: bool, now_ms: int) -> None:
        """Join a telephone call to a talkgroup. owner_ok: the group's owner's permission is recorded."""
        self._patches.create(Patch(patch, gssi, sip_call, op, owner_ok), now_ms)

    def remove_patch(self, patch: str, now_ms: int) -> None:
        """Take a patch away."""
        self._patches.remove(patch, now_ms)

    def acknowledge(self, alarm: str, op: OperatorId, now_ms: int) -> None:
        """An operator has a radio's emergency. Said only while the link is up."""
        self._alarms.acknowledge(alarm, op, now_ms)

    def clear_alarm(self, alarm: str, reason: str, op: OperatorId | None, now_ms: int) -> None:
        """A radio's emergency is over. Likewise."""
        self._alarms.clear(alarm, reason, op, now_ms)

    # --- what is true now ---------------------------------------------------------------------------------------------

    @property
    def link_up(self) -> bool:
        """The session is established."""
        return self._session is _Session.UP

    def floor(self, gssi: Gssi) -> FloorState:
        """Our floor in a talkgroup."""
        group = self._groups.groups.get(gssi)
        return group.floor.state if group else FloorState.FREE

    def group(self, gssi: Gssi) -> GroupState:
        """Our attachment to a talkgroup."""
        group = self._groups.groups.get(gssi)
        return group.state if group else GroupState.DETACHED

    def talker(self, gssi: Gssi) -> Talker | None:
        """Who else talks in a talkgroup."""
        group = self._groups.groups.get(gssi)
        return group.talker if group else None

    # --- session ------------------------------------------------------------------------------------------------------

    def _on_welcome(self, message: Message, body: wire.Welcome, now_ms: int) -> None:
        self._outbox.epoch = body.epoch
        self._session = _Session.RESUMING
        self._outbox.frame(wire.Resume(epoch=self._last_epoch, last_seq=self._last_seq), now_ms)
        self._resyncing = True
        self._last_epoch = body.epoch
        self._last_seq = message.envelope.seq

    def _on_snapshot(self, body: wire.Snapshot, now_ms: int) -> None:
        self._resyncing = False
        first = self._session is _Session.RESUMING
        if first:
            self._session = _Session.UP
            self._timers.set("stale", now_ms + self.settings.stale_after_ms)
            self._timers.set("ping", now_ms + self.settings.heartbeat_ms)
            self._groups.link_up = self._patches.link_up = self._alarms.link_up = True
            self._outbox.emit(LinkChanged(self.settings.name, True))
            self._outbox.resend_all(now_ms)
        for alarm in body.alarms:
            self._alarms.on_alarm(alarm)
        self._groups.resume(body, now_ms)
        self._patches.resume(body, now_ms)

    def _give_up(self, reason: str, now_ms: int) -> None:
        self._outbox.count("radio_link_given_up", {"reason": reason})
        self.disconnected(now_ms, reason)
        self._outbox.disconnect(reason)

    def _in_sequence(self, message: Message, now_ms: int) -> bool:
        seq = message.envelope.seq
        if seq <= self._last_seq:
            self._ignored(message, "repeated")
            return False
        gap = seq != self._last_seq + 1
        self._last_seq = seq
        if gap and self.link_up and not self._resyncing:
            # The gateway sent what we never saw: ask for the whole picture, once until it comes.
            self._resyncing = True
            self._outbox.count("radio_sequence_gap")
            self._outbox.frame(wire.Resume(epoch=self._outbox.epoch, last_seq=seq), now_ms)
        return True

    def _numbered(self, seq: int | None) -> None:
        """A frame we have no use for was still the next one: nothing is missing."""
        if seq == self._last_seq + 1:
            self._last_seq = seq

    def _refuse_frame(self, problem: WireError, now_ms: int) -> None:
        self._bad_frames += 1
        self._numbered(problem.seq)
        self._outbox.count("radio_frame_refused", {"code": problem.code}, problem.text)
        if self._bad_frames > BAD_FRAMES_MAX:
            self._give_up("too many malformed frames", now_ms)
            return
        self._outbox.frame(wire.Error(code=problem.code, text=problem.text[:256]), now_ms, re=problem.re)

    def _ignored(self, message: Message, why: str) -> None:
        self._outbox.count("radio_frame_ignored", {"why": why}, message.envelope.type)

    # --- frames -------------------------------------------------------------------------------------------------------

    def _dispatch(self, message: Message, now_ms: int) -> None:
        body, re = message.body, message.envelope.re
        match body:
            case wire.Snapshot():
                self._on_snapshot(body, now_ms)
            case wire.Ping():
                self._outbox.frame(wire.Pong(), now_ms, re=message.envelope.id)
            case wire.Pong():
                self._timers.set("stale", now_ms + self.settings.stale_after_ms)
            case _ if not self.link_up:
                self._ignored(message, "before_snapshot")
            case wire.Ack():
                self._on_ack(body, re, now_ms)
            case wire.GroupStateBody():
                self._groups.on_group_state(body, re, now_ms)
            case wire.LegReadyBody():
                self._groups.on_leg_ready(body, re, now_ms)
            case wire.LegClose():
                self._groups.on_leg_close(body, now_ms)
            case wire.CallIncoming() | wire.CallReleased():
                self._groups.on_call(body, now_ms)
            case wire.TxTaken():
                self._groups.on_taken(body, now_ms)
            case wire.TxIdle():
                self._groups.on_idle(body, now_ms)
            case wire.TxGranted() | wire.TxDenied() | wire.TxQueued() | wire.TxInterrupted():
                self._groups.on_floor(body, re, now_ms)
            case wire.PatchState():
                self._patches.on_state(body, re)
            case wire.EmergencyAlarm():
                self._alarms.on_alarm(body)
            case wire.EmergencyState():
                self._alarms.on_state(body)
            case _:  # a message only a console sends
                self._ignored(message, "wrong_direction")

    def _on_ack(self, body: wire.Ack, re: str | None, now_ms: int) -> None:
        pending = self._outbox.pending.get(re) if re is not None else None
        if pending is None:
            return
        if body.result == "rejected":
            self._rejected(pending, body.code or "REJECTED", body.text, now_ms)
        elif pending.name in ENDED_BY_ACK:
            self._outbox.finish(re)

    def _on_error(self, body: wire.Error, re: str | None, now_ms: int) -> None:
        pending = self._outbox.pending.get(re) if re is not None else None
        self._outbox.count("radio_error_received", {"code": body.code}, body.text)
        if pending is not None:
            self._rejected(pending, body.code, body.text, now_ms)
        elif body.code in ("FENCED", "VERSION"):
            self._give_up(body.code.lower(), now_ms)

    def _rejected(self, pending: Pending, code: str, text: str, now_ms: int) -> None:
        self._outbox.finish(pending.command_id)
        if pending.name in ("patch.create", "patch.remove"):
            self._patches.refused(pending, code, text)
        elif pending.alarm:
            self._alarms.refused(pending, code, text)
        else:
            self._groups.refused(pending, code, text, now_ms)

    def _command_due(self, command_id: str, now_ms: int) -> None:
        pending = self._outbox.pending.get(command_id)
        if pending is None:
            return
        # A key that is down must get its answer now or not at all; everything else is asked again under the same id.
        if pending.name != "tx.request" and pending.tries < TRIES_MAX:
            self._outbox.count("radio_command_repeated", {"type": pending.name})
            self._outbox.send_again(pending, now_ms)
            return
        self._outbox.count("radio_command_timeout", {"type": pending.name})
        self._rejected(pending, "TIMEOUT", "no answer from the gateway", now_ms)
