"""The driver's talkgroups: commands of the house in, frames of the gateway in, both sides kept true.

Attachment and leg converge: `drive` sends whatever is missing between what is wanted and what is. Everything about the
floor goes through `_floor`, the only place that tells the house of it.
"""

from kak_server.model.ids import Gssi, Issi, OperatorId
from kak_server.tetra_gw import sdp, wire
from kak_server.tetra_gw.api import (
    CommandRejected,
    FloorChanged,
    FloorState,
    GroupChanged,
    GroupState,
    LegGone,
    LegReady,
    TalkerChanged,
)
from kak_server.tetra_gw.floor import FloorAction, FloorInput
from kak_server.tetra_gw.outbox import Outbox, Pending
from kak_server.tetra_gw.talkgroups import RETRY_AFTER_MS, GroupInput, LegState, Talker, Talkgroup
from kak_server.tetra_gw.timers import Timers

GROUPS_MAX = 1_000
QUEUED_MAX_MS = 30_000  # a place in the queue nobody answers for is given back


class GroupDesk:
    """All talkgroups of one gateway session. `link_up` is set by the session."""

    def __init__(self, outbox: Outbox, timers: Timers) -> None:
        self.link_up = False
        self.groups: dict[Gssi, Talkgroup] = {}
        self._left_while_down: set[Gssi] = set()  # the gateway may still hold these: detached after the reconnect
        self._outbox = outbox
        self._timers = timers

    # --- commands of the house ----------------------------------------------------------------------------------------

    def attach(self, gssi: Gssi, now_ms: int) -> None:
        """Want the talkgroup, now and after every reconnect. Again while refused: try at once."""
        self._left_while_down.discard(gssi)
        group = self.groups.get(gssi)
        if group is None:
            if len(self.groups) >= GROUPS_MAX:
                self._outbox.emit(CommandRejected("group.attach", gssi, "OVERLOADED", "too many talkgroups"))
                return
            group = self.groups[gssi] = Talkgroup(gssi)
        group.retry_at_ms = now_ms
        group.last_refusal = ""
        self.drive(group, now_ms)

    def detach(self, gssi: Gssi, now_ms: int) -> None:
        """Want it no longer."""
        group = self.groups.get(gssi)
        if group is None:
            return
        self._floor(group, FloorInput.RELEASE, now_ms)
        self._outbox.finish(group.command_id)
        had_leg = group.leg.state is not LegState.CLOSED
        self._close_leg_locally(group)
        attached = group.state is not GroupState.DETACHED
        if self.link_up and attached:
            self._outbox.command(wire.GroupDetach(gssi=gssi), now_ms, gssi=gssi)
        elif not self.link_up and len(self._left_while_down) < GROUPS_MAX:
            self._left_while_down.add(gssi)
        group.apply(GroupInput.DETACH)
        del self.groups[gssi]
        for kind in ("floor", "retry", "leg_retry"):
            self._timers.cancel((kind, gssi))
        if had_leg:
            self._outbox.emit(LegGone(gssi, "detached"))
        if attached:
            self._outbox.emit(GroupChanged(gssi, GroupState.DETACHED, "detached"))

    def open_leg(self, gssi: Gssi, end: sdp.MediaEnd, now_ms: int) -> None:
        """Want group audio at `end`, now and after every reconnect; another address moves the leg."""
        group = self.groups.get(gssi)
        if group is None:
            self._outbox.emit(CommandRejected("leg.open", gssi, "NOT_ATTACHED", "attach the talkgroup first"))
            return
        if group.leg.wanted != end:
            group.leg.wanted = end
            self._close_leg_locally(group)  # the gateway knows the leg by its id and moves it
        group.leg.retry_at_ms = now_ms
        self.drive(group, now_ms)

    def close_leg(self, gssi: Gssi, now_ms: int) -> None:
        """Want no audio of the group."""
        group = self.groups.get(gssi)
        if group is None or group.leg.wanted is None:
            return
        group.leg.wanted = None
        was_open = group.leg.state is not LegState.CLOSED
        self._close_leg_locally(group)
        if was_open:
            if self.link_up:
                self._outbox.command(wire.LegClose(leg=group.leg_id, gssi=gssi), now_ms, gssi=gssi)
            self._outbox.emit(LegGone(gssi, "closed"))

    def request_tx(self, gssi: Gssi, op: OperatorId, priority: int, now_ms: int) -> None:
        """A key is pressed. Where no request can be sent the floor is DENIED with the reason, and stays the operator's
        until the key is let go; a floor another operator of this room holds is refused."""
        group = self.groups.get(gssi)
        if group is None:
            self._outbox.emit(CommandRejected("tx.request", gssi, "NOT_ATTACHED", "attach the talkgroup first"))
            return
        floor = group.floor
        if floor.held:
            if floor.op != op:
                self._outbox.emit(CommandRejected("tx.request", gssi, "HELD_BY_OPERATOR", str(floor.op)))
            return
        floor.op, floor.priority = op, max(0, min(3, priority))
        if not self.link_up:
            self._floor(group, FloorInput.REFUSE, now_ms, cause="link_down")
        elif group.state is not GroupState.ATTACHED:
            self._floor(group, FloorInput.REFUSE, now_ms, cause="not_attached")
        else:
            self._floor(group, FloorInput.REQUEST, now_ms)

    def cease_tx(self, gssi: Gssi, now_ms: int) -> None:
        """The key is let go."""
        group = self.groups.get(gssi)
        if group is not None:
            self._floor(group, FloorInput.RELEASE, now_ms)

    # --- the link -----------------------------------------------------------------------------------------------------

    def link_lost(self, now_ms: int) -> None:
        """All floors are lost, all legs and attachments unknown; what is wanted stays wanted."""
        self.link_up = False
        for group in self.groups.values():
            self._floor(group, FloorInput.LINK_LOST, now_ms, cause="link_lost")
            self._lose(group, GroupInput.LINK_LOST, "link_lost", now_ms)
            group.retry_at_ms = group.leg.retry_at_ms = now_ms
            group.last_refusal = ""

    def resume(self, snapshot: wire.Snapshot, now_ms: int) -> None:
        """The gateway's view has come: take over talkers, drop what it does not know, ask for what is missing."""
        held = {item.gssi for item in snapshot.groups if item.state == "attached"}
        for gssi in sorted(self._left_while_down & held):
            self._outbox.command(wire.GroupDetach(gssi=gssi), now_ms, gssi=gssi)
        self._left_while_down.clear()
        calls = {item.gssi: item for item in snapshot.calls}
        for group in list(self.groups.values()):
            if group.state is GroupState.ATTACHED and group.gssi not in held:
                self._floor(group, FloorInput.INTERRUPTED, now_ms, cause="not_attached")
                self._lose(group, GroupInput.DROPPED, "not in the snapshot", now_ms)
                group.retry_at_ms = now_ms
            call = calls.get(group.gssi)
            if call is None or not call.mine:
                self._floor(group, FloorInput.IDLE, now_ms, cause="resync")
            if group.state is GroupState.ATTACHED:
                group.call = call.call if call else None
                self._talker(group, _talker_of(call))
            self.drive(group, now_ms)

    def drive(self, group: Talkgroup, now_ms: int) -> None:
        """Send what is missing between what is wanted and what is."""
        if not self.link_up:
            return
        gssi, leg = group.gssi, group.leg
        if group.state is GroupState.DETACHED:
            if group.retry_at_ms > now_ms:
                self._timers.set(("retry", gssi), group.retry_at_ms)
                return
            command_id = self._outbox.command(wire.GroupAttach(gssi=gssi), now_ms, gssi=gssi)
            if command_id is None:
                return
            group.command_id = command_id
            group.apply(GroupInput.ATTACH)
            self._outbox.emit(GroupChanged(gssi, GroupState.ATTACHING))
        elif group.state is GroupState.ATTACHED and leg.wanted is not None and leg.state is LegState.CLOSED:
            if leg.retry_at_ms > now_ms:
                self._timers.set(("leg_retry", gssi), leg.retry_at_ms)
                return
            body = wire.LegOpen(leg=group.leg_id, gssi=gssi, sdp=sdp.build(leg.wanted))
            command_id = self._outbox.command(body, now_ms, gssi=gssi)
            if command_id is not None:
                leg.command_id, leg.state = command_id, LegState.OPENING

    # --- outcomes of commands -----------------------------------------------------------------------------------------

    def refused(self, pending: Pending, code: str, text: str, now_ms: int) -> None:
        """The gateway rejected a command, or did not answer it in time (code TIMEOUT)."""
        group = self.groups.get(pending.gssi) if pending.gssi is not None else None
        known = group is not None and group.last_refusal == f"{pending.name} {code}"
        if group is not None and pending.command_id == group.command_id and pending.name == "group.attach":
            self._lose(group, GroupInput.TIMEOUT if code == "TIMEOUT" else GroupInput.REFUSED, code, now_ms)
        elif group is not None and pending.command_id == group.leg.command_id and pending.name == "leg.open":
            self._close_leg_locally(group)
            group.leg.retry_at_ms = now_ms + RETRY_AFTER_MS
            self.drive(group, now_ms)
        elif group is not None and pending.name == "tx.request" and group.floor.answers(pending.command_id):
            what = FloorInput.TIMEOUT if code == "TIMEOUT" else FloorInput.DENIED
            self._floor(group, what, now_ms, cause=code.lower())
        if group is not None:
            group.last_refusal = f"{pending.name} {code}"
        if not known:
            self._outbox.emit(CommandRejected(pending.name, pending.gssi, code, text))

    def due(self, kind: str, gssi: Gssi, now_ms: int) -> None:
        """A deadline of a group: "floor" (queued or talking too long), "retry" or "leg_retry"."""
        group = self.groups.get(gssi)
        if group is None:
            return
        if kind == "floor":
            talking = group.floor.state is FloorState.TALKING
            self._floor(group, FloorInput.TIMEOUT, now_ms, cause="max_ms" if talking else "queue_timeout")
        else:
            self.drive(group, now_ms)

    # --- frames of the gateway ----------------------------------------------------------------------------------------

    def on_group_state(self, body: wire.GroupStateBody, re: str | None, now_ms: int) -> None:
        """The attachment's outcome (`re` is our group.attach), or a change by the gateway itself (no `re`)."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None or body.state == "attaching" or (re is not None and re != group.command_id):
            return
        if body.state == "detached":
            self._outbox.finish(re)
            self._lose(group, GroupInput.DROPPED, body.cause or "dropped", now_ms)
        elif re is not None and group.apply(GroupInput.CONFIRMED):
            self._outbox.finish(re)
            group.last_refusal = ""
            self._outbox.emit(GroupChanged(group.gssi, GroupState.ATTACHED))
            self.drive(group, now_ms)

    def on_leg_ready(self, body: wire.LegReadyBody, re: str | None, now_ms: int) -> None:
        """The gateway's end of a leg. An address we cannot use counts as a refusal."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None or re is None or re != group.leg.command_id or group.leg.state is not LegState.OPENING:
            return
        pending = self._outbox.finish(re)
        try:
            end = sdp.parse(body.sdp)
        except sdp.SdpError as problem:
            if pending is not None:
                self.refused(pending, "SDP", str(problem), now_ms)
            return
        group.leg.state = LegState.READY
        self._outbox.emit(LegReady(group.gssi, end.host, end.port, end.payload_type))

    def on_leg_close(self, body: wire.LegClose, now_ms: int) -> None:
        """The gateway closed a leg: opened again after a while, if it is still wanted."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None or group.leg.state is LegState.CLOSED or body.leg != group.leg_id:
            return
        self._close_leg_locally(group)
        self._outbox.emit(LegGone(group.gssi, body.cause or "closed"))
        group.leg.retry_at_ms = now_ms + RETRY_AFTER_MS
        self.drive(group, now_ms)

    def on_call(self, body: wire.CallIncoming | wire.CallReleased, now_ms: int) -> None:
        """A group call begins (or is entered late), or is over."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None or group.state is not GroupState.ATTACHED:
            return
        if isinstance(body, wire.CallIncoming):
            group.call = body.call
        elif group.call in (None, body.call):
            group.call = None
            self._floor(group, FloorInput.INTERRUPTED, now_ms, cause=body.cause or "call_released")
            self._talker(group, None)

    def on_taken(self, body: wire.TxTaken, now_ms: int) -> None:
        """Somebody else talks; if we thought that we did, we stop."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None or group.state is not GroupState.ATTACHED:
            return
        self._floor(group, FloorInput.TAKEN, now_ms, cause="taken", by=body.alias or str(body.talker))
        self._talker(group, Talker(Issi(body.talker), body.alias, body.priority))

    def on_idle(self, body: wire.TxIdle, now_ms: int) -> None:
        """Nobody talks."""
        group = self.groups.get(Gssi(body.gssi))
        if group is not None and group.state is GroupState.ATTACHED:
            self._floor(group, FloorInput.IDLE, now_ms, cause="idle")
            self._talker(group, None)

    def on_floor(
        self,
        body: wire.TxGranted | wire.TxDenied | wire.TxQueued | wire.TxInterrupted,
        re: str | None,
        now_ms: int,
    ) -> None:
        """An outcome of our own request. One for a request no longer in force crossed with its release: void."""
        group = self.groups.get(Gssi(body.gssi))
        if group is None:
            return
        if not group.floor.answers(re):
            self._outbox.count("radio_floor_crossed", {"type": wire.TYPES[type(body)]})
            if isinstance(body, wire.TxGranted) and not group.floor.held:
                self._floor(group, FloorInput.GRANTED, now_ms)  # hands it back
            return
        self._outbox.finish(re)
        if isinstance(body, wire.TxGranted):
            self._talker(group, None)
            self._timers.set(("floor", group.gssi), now_ms + body.max_ms)
            self._floor(group, FloorInput.GRANTED, now_ms, max_ms=body.max_ms)
        elif isinstance(body, wire.TxQueued):
            if group.floor.state is FloorState.REQUESTED:
                self._timers.set(("floor", group.gssi), now_ms + QUEUED_MAX_MS)
            self._floor(group, FloorInput.QUEUED, now_ms, position=body.pos)
        elif isinstance(body, wire.TxDenied):
            self._floor(group, FloorInput.DENIED, now_ms, cause=body.cause or "denied")
        else:
            self._floor(group, FloorInput.INTERRUPTED, now_ms, cause=body.cause or "interrupted", by=body.by)

    # --- the parts they share -----------------------------------------------------------------------------------------

    def _floor(
        self,
        group: Talkgroup,
        what: FloorInput,
        now_ms: int,
        *,
        cause: str = "",
        by: str = "",
        max_ms: int = 0,
        position: int = 0,
    ) -> None:
        floor = group.floor
        told, action = floor.apply(what)
        if action is FloorAction.REQUEST:
            body = wire.TxRequest(gssi=group.gssi, priority=floor.priority)
            request_id = self._outbox.command(body, now_ms, gssi=group.gssi, op=floor.op)
            floor.request_id = request_id or ""
        elif action is FloorAction.CEASE:
            self._outbox.finish(floor.request_id)
            self._outbox.command(wire.TxCease(gssi=group.gssi), now_ms, gssi=group.gssi, op=floor.op)
        if not floor.held:
            floor.request_id = ""
            self._timers.cancel(("floor", group.gssi))
        if told:
            self._outbox.emit(
                FloorChanged(group.gssi, floor.state, floor.op, max_ms=max_ms, position=position, cause=cause, by=by)
            )
        if floor.state is FloorState.FREE:
            floor.op = None
        if floor.state is FloorState.REQUESTED and not floor.request_id:
            self._floor(group, FloorInput.DENIED, now_ms, cause="overloaded")

    def _talker(self, group: Talkgroup, talker: Talker | None) -> None:
        if group.talker == talker:
            return
        group.talker = talker
        if talker is None:
            self._outbox.emit(TalkerChanged(group.gssi, None))
        else:
            self._outbox.emit(TalkerChanged(group.gssi, talker.issi, talker.alias, talker.priority))

    def _lose(self, group: Talkgroup, what: GroupInput, cause: str, now_ms: int) -> None:
        """The attachment is gone: its leg, its call and its floor with it. Wanted again after a while."""
        if not group.apply(what):
            return
        self._floor(group, FloorInput.INTERRUPTED, now_ms, cause=cause)
        self._talker(group, None)
        group.call = None
        group.command_id = ""
        had_leg = group.leg.state is not LegState.CLOSED
        self._close_leg_locally(group)
        if had_leg:
            self._outbox.emit(LegGone(group.gssi, cause))
        self._outbox.emit(GroupChanged(group.gssi, GroupState.DETACHED, cause))
        group.retry_at_ms = now_ms + RETRY_AFTER_MS
        self.drive(group, now_ms)

    def _close_leg_locally(self, group: Talkgroup) -> None:
        self._outbox.finish(group.leg.command_id)
        group.leg.command_id = ""
        group.leg.state = LegState.CLOSED


def _talker_of(call: wire.CallItem | None) -> Talker | None:
    if call is None or call.mine or call.talker is None:
        return None
    return Talker(Issi(call.talker), call.alias, call.tx_priority)
