"""Talkgroups at this control room: who listens, who holds the key, and the one rule that matters: no grant, no
microphone. The uplink gate in the worker is opened only while the gateway says TALKING and somebody here still holds
a key, and only ever for a lease."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kak_server.bridges.contact_plan import group_leg, seat_leg
from kak_server.bridges.context import Context, GroupInfo
from kak_server.bridges.outputs import CancelTimer, Note, SetTimer, ToRadio
from kak_server.media import rpc
from kak_server.media.plan import Plan
from kak_server.model.ids import Gssi, LegId, MixId, OperatorId, PositionId
from kak_server.tetra_gw import api as radio

PTT = "ptt"
PATCH = "patch"
HAND = "hand"
Key = tuple[str, str]
"""Who holds the key: ("ptt", position), ("patch", contact) for a patched caller's own voice, ("hand", contact) while
the operator lets that caller speak."""


@dataclass
class Group:
    """One talkgroup as it stands."""

    info: GroupInfo
    leg: rpc.CreateRtp | None = None
    attached: radio.GroupState = radio.GroupState.DETACHED
    floor: radio.FloorState = radio.FloorState.FREE
    cause: str = ""
    talker: radio.TalkerChanged | None = None
    monitors: set[PositionId] = field(default_factory=set)
    keys: dict[Key, int | None] = field(default_factory=dict)  # holder -> lease end (UTC ms), None: no lease
    spent: dict[Key, int] = field(default_factory=dict)  # keys still held since the floor was lost -> lease end
    open: bool = False
    level: int = 0  # loudness of what comes from the group, 0-100


class Talkgroups:
    """All of them, and the floor logic."""

    def __init__(self, ctx: Context, changed: Callable[[Group], None], keyed: Callable[[PositionId], None]) -> None:
        """`changed`: consoles must redraw the group. `keyed`: a seat's key towards the radio went down or up."""
        self.ctx = ctx
        self.changed = changed
        self.keyed = keyed
        self.link_up = False
        self.groups: dict[Gssi, Group] = {info.gssi: Group(info) for info in ctx.settings.groups}

    def start(self) -> None:
        """Attach to every configured group; ports that the journal knows are used again."""
        for gssi, group in self.groups.items():
            if group.leg is None:
                port = self.ctx.ports.take()
                if port is None:
                    self.ctx.emit(Note("no_port_for_talkgroup", "error", {"gssi": gssi}))
                    continue
                leg = replace(
                    self.ctx.new_rtp(group_leg(gssi), port), gated=True, gate_buffer_ms=self.ctx.settings.gate_buffer_ms
                )
                self.keep_leg(group, leg)
            assert group.leg is not None
            self.ctx.emit(ToRadio("attach", gssi))
            self.ctx.emit(ToRadio("open_leg", gssi, host=self.ctx.settings.media_host, port=group.leg.port))

    def keep_leg(self, group: Group, leg: rpc.CreateRtp) -> None:
        """The radio leg's port and streams, journalled."""
        group.leg = leg
        self.ctx.put(f"group/{group.info.gssi}", leg)
        self.ctx.ports.claim(leg.port)

    def leg_lost(self, create: rpc.CreateRtp, *, elsewhere: bool) -> bool:
        """A group's leg could not be made: nobody here hears it, and nobody there hears us. Where another port may
        help, the gateway is told to send there. False: the leg is to be ordered again."""
        gssi = Gssi(int(create.leg.removeprefix("tg-")))
        group = self.groups.get(gssi)
        if group is None or group.leg is None or group.leg.port != create.port:
            return True
        self.ctx.emit(Note("leg_refused", "error", {"gssi": gssi, "port": create.port}))
        port = self.ctx.ports.instead_of(create.port) if elsewhere else None
        if port is None:
            return False
        self.keep_leg(group, replace(group.leg, port=port))
        self.replan(group)
        self.ctx.emit(ToRadio("open_leg", gssi, host=self.ctx.settings.media_host, port=port))
        return True

    # --- from the gateway -----------------------------------------------------------------------------------------

    def on_event(self, event: radio.RadioEvent) -> None:
        """One event of the radio room (patches are `Patches`' business)."""
        if isinstance(event, radio.LinkChanged):
            self._link(event)
            return
        gssi = getattr(event, "gssi", None)
        group = self.groups.get(gssi) if gssi is not None else None
        if group is None:
            return
        if isinstance(event, radio.GroupChanged):
            group.attached, group.cause = event.state, event.cause
        elif isinstance(event, radio.LegReady):
            self._leg_ready(group, event)
        elif isinstance(event, radio.TalkerChanged):
            group.talker = event if event.issi is not None else None
        elif isinstance(event, radio.FloorChanged):
            self._floor(group, event)
        self.changed(group)

    def _link(self, event: radio.LinkChanged) -> None:
        self.link_up = event.up
        self.ctx.emit(
            Note("radio_link", "info" if event.up else "error", {"gateway": event.gateway, "reason": event.reason})
        )
        for group in self.groups.values():
            if not event.up:
                group.attached = radio.GroupState.DETACHED
                group.talker = None
                self._lose_floor(group, radio.FloorState.FREE, "link lost")
            self.changed(group)

    def _leg_ready(self, group: Group, event: radio.LegReady) -> None:
        if group.leg is None:
            return
        leg = replace(group.leg, peer_host=event.host, peer_port=event.port, payload_type=event.payload_type)
        moved = (leg.peer_host, leg.peer_port, leg.payload_type) != (
            group.leg.peer_host,
            group.leg.peer_port,
            group.leg.payload_type,
        )
        if moved:
            leg = replace(leg, learned=False)
        self.keep_leg(group, leg)
        self.replan(group)
        if moved:
            self.ctx.desk.learned(f"group/{group.info.gssi}", leg)
            self.ctx.media(rpc.ModifyRtp(leg.leg, event.host, event.port, event.payload_type, leg.codec))

    def learned(self, leg: str, host: str, port: int) -> None:
        """Where the gateway's media of a group comes from; a worker started anew goes on with it."""
        for gssi, group in self.groups.items():
            if group.leg is not None and group.leg.leg == leg:
                self.keep_leg(group, replace(group.leg, peer_host=host, peer_port=port, learned=True))
                self.ctx.desk.learned(f"group/{gssi}", group.leg)

    def worker_attached(self, uplinks: tuple[LegId, ...], new_boot: bool) -> None:
        """A gate the worker holds open and we do not is shut at once. Voices a dead worker watched are no longer heard
        to fall silent, so their keys come up."""
        for group in self.groups.values():
            if new_boot:
                group.open = False
                for key in [key for key in group.keys if key[0] == PATCH]:
                    self.release(group, key)
            if group.leg is not None and group.leg.leg in uplinks and not group.open:
                self.ctx.media(rpc.CloseUplink(group.leg.leg))

    def _floor(self, group: Group, event: radio.FloorChanged) -> None:
        group.floor, group.cause = event.state, event.cause
        if event.state is radio.FloorState.TALKING:
            if group.keys:
                self._open(group)
            else:  # granted too late: the key is up again. What is given back is no grant for the next press
                group.floor = radio.FloorState.FREE
                self.ctx.emit(ToRadio("cease_tx", group.info.gssi))
        elif event.state in (radio.FloorState.REVOKED, radio.FloorState.DENIED, radio.FloorState.FREE):
            self._lose_floor(group, event.state, event.cause or event.by)

    def _lose_floor(self, group: Group, state: radio.FloorState, cause: str) -> None:
        """The gate shuts before anything else is said. Keys still down must be pressed anew: never asked for again."""
        if group.leg is not None and group.open:
            self.ctx.media(rpc.CloseUplink(group.leg.leg))
        group.open, group.floor, group.cause = False, state, cause
        self.ctx.emit(CancelTimer(f"uplink/{group.info.gssi}"))
        holders = [PositionId(who) for kind, who in group.keys if kind == PTT]
        group.spent = {key: until for key, until in group.keys.items() if until is not None}
        group.keys.clear()
        self.replan(group)
        for position in holders:
            self.ctx.emit(CancelTimer(f"ptt/{group.info.gssi}/{position}"))
            self.keyed(position)

    # --- keys -----------------------------------------------------------------------------------------------------

    def press(self, group: Group, key: Key, op: OperatorId, lease_ms: int | None) -> None:
        """A key goes down or is renewed. The first one asks for the floor."""
        until = self.ctx.now_ms + lease_ms if lease_ms is not None else None
        if until is not None and group.spent.get(key, 0) >= self.ctx.now_ms:
            group.spent[key] = until  # held on since the floor was lost: only a new press asks again
            return
        first = not group.keys
        new = key not in group.keys
        group.keys[key] = until
        if until is not None:
            self.ctx.emit(SetTimer(f"ptt/{group.info.gssi}/{key[1]}", until))
        if first and group.floor is not radio.FloorState.TALKING:
            group.floor, group.cause = radio.FloorState.REQUESTED, ""
            self.ctx.emit(ToRadio("request_tx", group.info.gssi, op=op, priority=self.ctx.settings.radio_priority))
        elif new and group.floor is radio.FloorState.TALKING:
            self._open(group)
        if new:
            self.replan(group)
            self.changed(group)
            if key[0] == PTT:
                self.keyed(PositionId(key[1]))

    def release(self, group: Group, key: Key) -> None:
        """A key comes up (or its lease ended). The last one gives the floor back."""
        group.spent.pop(key, None)
        if key not in group.keys:
            return
        del group.keys[key]
        gssi = group.info.gssi
        if key[0] == PTT:
            self.ctx.emit(CancelTimer(f"ptt/{gssi}/{key[1]}"))
        if not group.keys:
            if group.leg is not None and group.open:
                self.ctx.media(rpc.CloseUplink(group.leg.leg))
            group.open = False
            self.ctx.emit(CancelTimer(f"uplink/{gssi}"))
            if group.floor in (radio.FloorState.TALKING, radio.FloorState.REQUESTED, radio.FloorState.QUEUED):
                self.ctx.emit(ToRadio("cease_tx", gssi))
            group.floor = radio.FloorState.FREE
        self.replan(group)
        self.changed(group)
        if key[0] == PTT:
            self.keyed(PositionId(key[1]))

    def renew(self, gssi: Gssi) -> None:
        """The uplink lease's timer: still granted and still keyed, so another lease; otherwise it lapses by itself."""
        group = self.groups.get(gssi)
        if group is not None and group.keys and group.floor is radio.FloorState.TALKING:
            self._open(group)

    def lease_ended(self, gssi: Gssi, position: PositionId) -> None:
        """The browser did not renew its key: it counts as released."""
        group = self.groups.get(gssi)
        if group is not None and (PTT, str(position)) in group.keys:
            self.ctx.emit(Note("ptt_lease_lapsed", "warning", {"gssi": gssi, "position": position}))
            self.release(group, (PTT, str(position)))

    def release_all(self, position: PositionId) -> None:
        """The seat is left: its keys come up, it listens no more."""
        for group in self.groups.values():
            self.release(group, (PTT, str(position)))
            if position in group.monitors:
                self.monitor(group, position, False)

    def monitor(self, group: Group, position: PositionId, on: bool) -> None:
        """Listen on the seat's speaker, or not."""
        (group.monitors.add if on else group.monitors.discard)(position)
        self.ctx.put(f"monitor/{group.info.gssi}", {"positions": sorted(group.monitors)})
        self.replan(group)
        self.changed(group)

    def _open(self, group: Group) -> None:
        assert group.leg is not None
        group.open = True
        self.ctx.media(rpc.OpenUplink(group.leg.leg))
        self.ctx.emit(SetTimer(f"uplink/{group.info.gssi}", self.ctx.now_ms + self.ctx.settings.uplink_renew_ms))

    def replan(self, group: Group) -> None:
        """The group's leg, who hears it, and whose microphone goes to it."""
        if group.leg is None or not group.leg.peer_port:
            return
        leg = str(group.leg.leg)
        edges = [rpc.Edge(leg, f"{seat_leg(position)}/speaker") for position in sorted(group.monitors)]
        edges += [rpc.Edge(str(seat_leg(PositionId(who))), leg) for kind, who in sorted(group.keys) if kind == PTT]
        mixes = {MixId(f"group-{group.info.gssi}"): tuple(edges)} if edges else {}
        watched = frozenset({group.leg.leg}) if group.monitors else frozenset()
        self.ctx.plan(f"group/{group.info.gssi}", Plan(legs={group.leg.leg: group.leg}, mixes=mixes, watched=watched))

    def heard(self, leg: str, talking: bool, level_dbov: float) -> None:
        """How loud the group's talker is (the worker's VAD), 0-100 over the 60 dB above silence."""
        group = self.groups.get(Gssi(int(leg.removeprefix("tg-"))))
        if group is not None:
            group.level = max(0, min(100, round((level_dbov + 60) / 60 * 100))) if talking else 0
            self.changed(group)
