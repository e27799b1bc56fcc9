"""The house's neighbours for the state machine: a worker that does what it is told and a SIP room that remembers what
was said of each call. They are models, so that a step takes microseconds; each is as truthful as its contract."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kak_server.bridges.outputs import ToRadio, ToSip
from kak_server.media import rpc
from kak_server.media.plan import Plan
from kak_server.model.ids import CallId, Gssi, Issi, LegId, MixId, OperatorId, RecordingId
from kak_server.sip.api import CallView, IncomingCall
from kak_server.tetra_gw import api as radio
from kak_server.tetra_gw.floor import Floor, FloorInput


def same_words(plays: Mapping[str, rpc.StartPlay]) -> dict[str, rpc.StartPlay]:
    """What plays, whichever place it tells: that of the moment it began, which a restart does not know."""
    return {name: replace(play, then="a place" if play.then else "") for name, play in plays.items()}


def told_or_not(orders: Mapping[RecordingId, rpc.StartRecord]) -> dict[RecordingId, rpc.StartRecord]:
    """What is recorded, whether or not its first block is to be told of: that is over with the telling."""
    return {name: replace(order, tell=False) for name, order in orders.items()}


@dataclass
class Worker:
    """A media worker by the words of `media/rpc.py`. Events wait in a ring until control has taken them."""

    boot: str
    rtp: dict[LegId, rpc.CreateRtp] = field(default_factory=dict)
    browsers: dict[LegId, rpc.WebrtcRole] = field(default_factory=dict)
    packets: dict[LegId, str] = field(default_factory=dict)  # of browsers' legs: whether they come ("up")
    mixes: dict[MixId, tuple[rpc.Edge, ...]] = field(default_factory=dict)
    plays: dict[str, rpc.StartPlay] = field(default_factory=dict)
    recordings: dict[RecordingId, rpc.StartRecord] = field(default_factory=dict)
    failed: dict[RecordingId, rpc.RecordFailed] = field(default_factory=dict)  # of those, not stored any more
    full: bool = False  # the disk it records to
    uplinks: dict[LegId, int] = field(default_factory=dict)  # leg -> lease end (UTC ms)
    watched: set[LegId] = field(default_factory=set)
    awaited: set[LegId] = field(default_factory=set)  # those of them that are over with the first word
    signalled: dict[LegId, tuple[str, int]] = field(default_factory=dict)  # what control said last of the peer
    quiet: set[LegId] = field(default_factory=set)  # legs whose peer wants nothing
    ring: deque[rpc.Event] = field(default_factory=deque)
    refusing: list[str] = field(default_factory=list)  # why it will not make the next legs
    missing: set[LegId] = field(default_factory=set)  # those that it did not make and was not told to close

    def apply(self, command: rpc.Command, now_ms: int) -> str:
        """One command. "", or why a leg could not be made; any other refusal means that the house ordered nonsense."""
        if getattr(command, "leg", "") in self.missing and isinstance(
            command, rpc.ModifyRtp | rpc.OpenUplink | rpc.SendDtmf
        ):
            return ""  # refused: there is no such leg. Nothing follows from that
        match command:
            case rpc.CreateRtp() if self.refusing and self.rtp.get(command.leg) != command:
                if (there := self.rtp.get(command.leg)) is not None and there.port == command.port:
                    self._drop(command.leg)
                if command.leg not in self.rtp:
                    self.missing.add(command.leg)
                return self.refusing.pop()
            case rpc.CreateRtp():
                ports = {leg.port for name, leg in self.rtp.items() if name != command.leg}
                assert command.port not in ports, f"port {command.port} of {command.leg} is bound"
                self._drop(command.leg)
                self.rtp[command.leg] = command
                self.signalled[command.leg] = (command.peer_host, command.peer_port)
            case rpc.ModifyRtp():
                leg = rpc.applied(self.rtp[command.leg], command)
                (self.quiet.discard if command.send else self.quiet.add)(command.leg)
                peer = (command.peer_host, command.peer_port)
                if all(peer) and peer != self.signalled[command.leg]:  # the same again leaves what was learned
                    leg = replace(leg, peer_host=peer[0], peer_port=peer[1], learned=False)
                    self.signalled[command.leg] = peer
                self.rtp[command.leg] = leg
            case rpc.CloseLeg():
                self._drop(command.leg)
                self.plays = {n: p for n, p in self.plays.items() if p.sink.split("/")[0] != command.leg}
            case rpc.SetMix():
                self.mixes.pop(command.mix, None)
                if command.edges:
                    self.mixes[command.mix] = command.edges
            case rpc.StartPlay():
                if command.loop or command.then:  # the others end by themselves, soon
                    self.plays.setdefault(command.play, command)
            case rpc.StopPlay():
                self.plays.pop(command.play, None)
            case rpc.StartRecord():
                self._start_record(command, now_ms)
            case rpc.StopRecord():
                self._stop_record(command.recording, now_ms)
            case rpc.OpenUplink():
                assert self.rtp[command.leg].gated, f"{command.leg} has no gate"
                self.uplinks[command.leg] = now_ms + command.lease_ms
            case rpc.CloseUplink():
                if self.uplinks.pop(command.leg, None) is not None:
                    self.ring.append(rpc.UplinkClosed(command.leg, "command"))
            case rpc.SendDtmf():
                assert command.leg in self.rtp
            case rpc.WatchTalk():
                (self.watched.add if command.on else self.watched.discard)(command.leg)
                (self.awaited.add if command.on and command.once else self.awaited.discard)(command.leg)
            case _:
                raise AssertionError(f"the house does not order {command}")
        return ""

    def talk(self, leg: LegId, talking: bool) -> rpc.LegTalk:
        """What a watched source is heard of."""
        last = talking and leg in self.awaited
        if last:
            self.awaited.discard(leg)
            self.watched.discard(leg)
        return rpc.LegTalk(leg, talking, -20.0, last)

    def browser(self, leg: LegId, role: rpc.WebrtcRole, packets: bool = True) -> None:
        """A browser's offer was answered; its packets arrive, or do not yet."""
        if self.packets.get(leg) == "up":
            self.ring.append(rpc.LegMedia(leg, "down", "replaced"))
        self._drop(leg)
        self.browsers[leg] = role
        self.packets[leg] = "new"
        if packets:
            self.says_of(rpc.LegMedia(leg, "up"))

    def says_of(self, event: rpc.LegMedia) -> None:
        """Packets of a browser begin or cease."""
        self.packets[event.leg] = event.state
        self.ring.append(event)

    def end_told(self, pick: int) -> None:
        """An announcement that told a place is over, and so is the silence after it."""
        told = [name for name, play in self.plays.items() if not play.loop]
        if told:
            del self.plays[told[pick % len(told)]]
            self.ring.append(rpc.PlayEnded(told[pick % len(told)]))

    def pass_to(self, now_ms: int) -> None:
        """Leases lapse, whoever is or is not attached."""
        for leg in [leg for leg, until in self.uplinks.items() if until <= now_ms]:
            del self.uplinks[leg]
            self.ring.append(rpc.UplinkClosed(leg, "lease"))

    def census(self) -> rpc.Census:
        """The truth."""
        legs = [
            rpc.LegCensus(
                n,
                "rtp",
                "learned",
                c.port,
                c.peer_host,
                c.peer_port,
                sends=n not in self.quiet,
                session=rpc.session_mark(c),
                ssrc=c.ssrc,
            )
            for n, c in self.rtp.items()
        ]
        legs += [rpc.LegCensus(leg, role, self.packets[leg]) for leg, role in self.browsers.items()]
        return rpc.Census(
            tuple(legs),
            dict(self.mixes),
            tuple(self.plays),
            tuple(self.recordings),
            tuple(self.uplinks),
            tuple(self.watched),
            tuple(self.awaited),
            tuple(self.failed),
            tells_begun=True,
        )

    def differences(self, desired: Plan) -> list[str]:
        """Where this worker is not as desired, but for legs that it could not make."""
        wrong = []
        if set(self.rtp) != set(desired.legs) - self.missing:
            wrong.append(f"RTP legs {sorted(self.rtp)}, desired {sorted(desired.legs)}")
        for leg in set(self.rtp) & set(desired.legs):
            here, there = self.rtp[leg], desired.legs[leg]
            if here.learned or there.learned:  # who was learned last is in the next packet, or on its way to control
                there = replace(there, learned=here.learned, peer_host=here.peer_host, peer_port=here.peer_port)
            if here != there:
                wrong.append(f"{leg}: {here}, desired {there}")
        if strangers := set(self.browsers) - desired.browser_legs:
            wrong.append(f"strange browsers {strangers}")
        mine = {mix: frozenset(edges) for mix, edges in self.mixes.items()}
        theirs = {mix: frozenset(edges) for mix, edges in desired.mixes.items()}
        for name, held, wanted in (
            ("mixes", mine, theirs),
            ("plays", same_words(self.plays), same_words(desired.plays)),
            ("recordings", told_or_not(self.recordings), told_or_not(desired.recordings)),
            ("watched", self.watched - self.awaited, set(desired.watched)),
            ("awaited", self.awaited, set(desired.awaited)),
        ):
            if held != wanted:
                wrong.append(f"{name}: {held}, desired {wanted}")
        return wrong

    def _drop(self, leg: LegId) -> None:
        self.quiet.discard(leg)
        self.missing.discard(leg)
        self.rtp.pop(leg, None)
        self.browsers.pop(leg, None)
        self.packets.pop(leg, None)
        if self.uplinks.pop(leg, None) is not None:
            self.ring.append(rpc.UplinkClosed(leg, "leg-closed"))

    def disk(self, full: bool, now_ms: int) -> None:
        """It fills, and every track breaks off with a second of it in its file; or there is room again."""
        self.full = full
        for name in self.recordings if full else ():
            if name not in self.failed:
                self._fail(name, now_ms, 1_000)
                self._closed(self.recordings[name], now_ms)

    def _start_record(self, order: rpc.StartRecord, now_ms: int) -> None:
        name = order.recording
        if name in self.failed:
            self.ring.append(self.failed[name])
            return
        known = name in self.recordings
        self.recordings.setdefault(name, order)
        if self.full and not known:
            self._fail(name, now_ms, 0)
        elif order.tell:
            self.ring.append(rpc.RecordBegun(name, now_ms))

    def _fail(self, name: RecordingId, now_ms: int, stored_ms: int) -> None:
        self.failed[name] = rpc.RecordFailed(name, "no room", "full", now_ms, stored_ms)
        self.ring.append(self.failed[name])

    def _stop_record(self, name: RecordingId, now_ms: int) -> None:
        record = self.recordings.pop(name, None)
        if self.failed.pop(name, None) is None and record is not None:
            self._closed(record, now_ms)

    def _closed(self, record: rpc.StartRecord, now_ms: int) -> None:
        name = record.recording
        self.ring.append(
            rpc.RecordClosed(name, record.source, record.label, record.path, 0, now_ms, 0, 0, "00", 44, "alaw-8000")
        )


@dataclass
class SipRoom:
    """Calls as the SIP room holds them. `over`: by us or by the peer; `quiet`: by our own word, so that any further
    command would be about a call that the house itself has closed."""

    calls: dict[CallId, CallView] = field(default_factory=dict)
    over: set[CallId] = field(default_factory=set)
    quiet: set[CallId] = field(default_factory=set)
    rung: set[CallId] = field(default_factory=set)
    dialed: set[CallId] = field(default_factory=set)  # ever: nobody is called twice
    referred: set[CallId] = field(default_factory=set)  # asked to take a call elsewhere, and not done yet
    asking: set[CallId] = field(default_factory=set)  # asked us to call somebody, and has had no word yet

    def invited(self, call: IncomingCall) -> None:
        """A new INVITE."""
        self.calls[call.call] = CallView(call.call, "pending", call)

    def ended(self, call: CallId) -> None:
        """The peer left, or the room found that it had."""
        self.calls.pop(call, None)
        self.over.add(call)

    def carry_out(self, command: ToSip) -> None:
        """One command of the house."""
        call = command.call
        assert call not in self.quiet, f"{command.action} for {call}, which we ended ourselves"
        view = self.calls.get(call)
        if command.action == "dial":
            assert call not in self.dialed, f"{call} is dialled twice"
            assert command.dial is not None
            assert command.dial.call == call
            self.dialed.add(call)
            self.calls[call] = CallView(call, "pending", None, command.dial.offer_sdp, command.dial)
            return
        if view is None:
            if command.action == "hangup" and call not in self.dialed | self.over:
                return  # noted, and control died before it was dialled
            assert call in self.over, f"{command.action} for a call nobody knows"
            assert command.action in ("hangup", "answer", "ring"), f"{command.action} for {call}, which is over"
            return
        match command.action:
            case "ring":
                assert view.state == "pending", "180 after 200"
                self.rung.add(call)
            case "refer":
                assert view.state == "confirmed"
                self.referred.add(call)
            case "accept_transfer" | "reject_transfer":
                assert call in self.asking, f"{call} asked for no transfer"
                self.asking.discard(call)
            case "report_transfer":
                assert 100 <= command.status <= 699
            case "answer":
                assert view.incoming is not None, "a call of ours is answered by the other side"
                self.calls[call] = replace(view, state="confirmed", local_sdp=view.local_sdp or command.sdp)
            case "reject":
                assert view.state == "pending"
                assert 400 <= command.status <= 699
                self.over.add(call)
                self.quiet.add(call)
                del self.calls[call]
            case "hangup":
                self.over.add(call)
                self.quiet.add(call)
                del self.calls[call]
            case "probe":
                assert view.state == "confirmed"
            case "reoffer":
                assert view.state == "confirmed"
                self.calls[call] = replace(view, local_sdp=command.sdp)


@dataclass
class Gateway:
    """The radio driver's side: the real floor machine, attachments that come up with the link."""

    groups: tuple[Gssi, ...]
    up: bool = False
    floors: dict[Gssi, Floor] = field(default_factory=dict)
    wanted: set[Gssi] = field(default_factory=set)
    patches: dict[str, Gssi] = field(default_factory=dict)
    events: deque[radio.RadioEvent] = field(default_factory=deque)
    alarms: dict[Issi, str] = field(default_factory=dict)  # the emergency of a radio, while it is up
    acked: set[str] = field(default_factory=set)
    presses: int = 0  # of emergency keys, ever

    def carry_out(self, command: ToRadio) -> None:
        """One command of the house."""
        if command.action in ("ack_alarm", "clear_alarm"):
            self._alarm(command)
            return
        floor = self.floors.setdefault(command.gssi, Floor())
        match command.action:
            case "attach":
                self.wanted.add(command.gssi)
            case "open_leg" | "close_leg":
                assert command.gssi in self.wanted
            case "request_tx":
                assert command.op is not None
                if not floor.held:
                    floor.op = command.op
                    self._apply(command.gssi, FloorInput.REQUEST if self.up else FloorInput.REFUSE)
            case "cease_tx":
                self._apply(command.gssi, FloorInput.RELEASE)
            case "create_patch":
                assert command.owner_ok
                assert command.op is not None
                self.patches[command.patch] = command.gssi
            case "remove_patch":
                self.patches.pop(command.patch, None)

    def _alarm(self, command: ToRadio) -> None:
        """Somebody of ours has it, or is through with it; lost where the link is down."""
        assert command.alarm
        if not self.up:
            return
        by = str(command.op or "")
        if command.action == "ack_alarm":
            self.acked.add(command.alarm)
        for issi, alarm in list(self.alarms.items()):
            if alarm == command.alarm:
                cleared = command.action == "clear_alarm"
                if cleared:
                    del self.alarms[issi]
                self.events.append(radio.EmergencyChanged(alarm, issi, cleared, by))

    def hear(self, gssi: Gssi, what: FloorInput, by: str = "") -> None:
        """Something comes from the gateway about our own floor."""
        self._apply(gssi, what, by)

    def link(self, up: bool) -> None:
        """The session came or went."""
        if up == self.up:
            return
        self.up = up
        if up:
            self.events.append(radio.LinkChanged("a", True))
            for issi, alarm in self.alarms.items():
                self.events.append(radio.EmergencyRaised(alarm, issi, "Ambulanse"))
            for gssi in sorted(self.wanted):
                self.events.append(radio.GroupChanged(gssi, radio.GroupState.ATTACHED))
                self.events.append(radio.LegReady(gssi, "127.0.0.1", 41_000 + gssi % 100))
            return
        for gssi in list(self.floors):
            self._apply(gssi, FloorInput.LINK_LOST)
        self.events.append(radio.LinkChanged("a", False, "heartbeat"))

    def talking(self, gssi: Gssi) -> bool:
        """Whether the gateway lets us talk."""
        floor = self.floors.get(gssi)
        return floor is not None and floor.state is radio.FloorState.TALKING

    def _apply(self, gssi: Gssi, what: FloorInput, by: str = "") -> None:
        floor = self.floors.setdefault(gssi, Floor())
        told, _ = floor.apply(what)
        if told:
            op: OperatorId | None = floor.op
            self.events.append(radio.FloorChanged(gssi, floor.state, op, cause=str(what), by=by))
