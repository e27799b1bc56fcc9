"""One control process between its model neighbours, as the state machine drives it: an input, all outputs in order,
then what the neighbours say to that. It may die after any output and come back from its journal."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from kak_server.bridges import reconfiguring, recovery
from kak_server.bridges.commands import By, Outcome
from kak_server.bridges.context import GroupInfo, HouseSettings, PhoneInfo
from kak_server.bridges.handling import Handling
from kak_server.bridges.house import House
from kak_server.bridges.outputs import (
    CancelTimer,
    Delete,
    JournalEvent,
    Output,
    Put,
    SalvageTrack,
    SetTimer,
    StoreGap,
    StoreTrack,
    ToMedia,
    ToRadio,
    ToSip,
)
from kak_server.bridges.staff import PersonInfo
from kak_server.media import rpc
from kak_server.model.codec import from_json, to_json
from kak_server.model.ids import CallId, ContactId, Gssi, OperatorId, PositionId, QueueId, RecordingId, RoomId
from kak_server.routing.api import (
    Apply,
    Capacity,
    ConfigChanged,
    Configured,
    Event,
    Reach,
    RoutingConfig,
    Step,
)
from kak_server.routing.codec import decode_event, encode_event
from kak_server.routing.step import RoutingCore
from kak_server.runtime.dispatch import records_first
from kak_server.sip.api_devices import DeviceContacts
from tests.properties.house_world import Gateway, SipRoom, Worker
from tests.unit.bridges import world
from tests.unit.bridges.world import START_MS, CountingIds

BERGEN_1 = PositionId("bergen-1")
SEATS = (world.SEAT_1, world.SEAT_2, BERGEN_1)
LIV = OperatorId("liv")
OPERATORS = (world.KARI, world.OLA, LIV)
SHARED = Gssi(24_202)
GROUPS = (world.GROUP, SHARED)


SUPERVISOR = frozenset({"operator", "supervisor"})


class CrashedError(Exception):
    """The process died between two outputs."""


def settings() -> HouseSettings:
    """Two talkgroups, one of them for every room, and seats that may be plain RTP phones."""
    groups = (GroupInfo(world.GROUP, "AMK Oslo 1", (RoomId("oslo"),)), GroupInfo(SHARED, "Felles 1"))
    hold_trunks = frozenset({"lab", "told"})
    plain = world.settings()
    careful = Handling(surge_calls=3, surge_area_calls=4, silent_hint_ms=5_000, chat_idle_ms=40_000)
    queues = tuple(
        replace(queue, handling=replace(careful, blocked="announce" if queue.klass == "normal" else "accept"))
        for queue in plain.queues
    )
    able = Capacity(chats_max=2, chats_in_call=1)
    people = {
        world.KARI: PersonInfo("Kari", (RoomId("oslo"), RoomId("bergen")), able),
        world.OLA: PersonInfo("Ola", (), able),
        LIV: PersonInfo("Liv", (RoomId("bergen"),)),
    }
    return replace(
        plain,
        groups=groups,
        plain_rtp_seats=True,
        rtp_port_max=30_031,
        hold_trunks=hold_trunks,
        queues=queues,
        people=people,
        radio_emergency_queue=QueueId("113-oslo"),
    )


def telling(plain: RoutingConfig) -> RoutingConfig:
    """Callers of the normal queue hear their place after a while."""
    steps = (Step(reach=Reach.QUEUE), Step(after_ms=2_000, announce="please-hold", tell_position=True))
    rows = (replace(queue, workflow=steps) if queue.queue == "116117" else queue for queue in plain.queues)
    return replace(plain, queues=tuple(rows))


def through_json(value: Any) -> Any:
    """As the journal gives it back."""
    return json.loads(json.dumps(to_json(value)))


class Lab:
    """Control, its journal, its timers, and the neighbours."""

    def __init__(self, phones: tuple[PhoneInfo, ...] = ()) -> None:
        self.phones = phones
        self.settings, self.rules = replace(settings(), phones=phones), telling(world.routing_config())
        self.version = 0
        self.devices: dict[str, tuple[str, ...]] = {}  # where phones are registered
        self.now_ms = START_MS
        self.ids = CountingIds()
        self.records: dict[str, Any] = {}
        self.written_ms: dict[str, int] = {}  # when each was written, or dropped, last
        self.journal: list[Event] = []
        self.timers: dict[str, int] = {}
        self.sip = SipRoom()
        self.radio = Gateway(GROUPS)
        self.boots = 0
        self.worker: Worker | None = None
        self.attached = False
        self.late = 0  # so many of the events that wait at the worker are older than its census
        self.commands: list[rpc.Command] = []  # of the last input
        self.outputs: list[Output] = []  # of the last input
        self.started: set[RecordingId] = set()
        self.kept: set[RecordingId] = set()  # in the ledger, complete or salvaged
        self.empty: set[RecordingId] = set()  # nothing of them reached the disk
        self.gaps: list[StoreGap] = []  # in the ledger
        self.full = False  # the disk that workers record to
        self.refusing: list[str] = []  # why workers will not make the next legs
        self.refused: deque[tuple[rpc.CreateRtp, str]] = deque()  # and have not made these
        self.crash_after: int | None = None  # so many more outputs
        self.house = House(self.settings, RoutingCore(), self.ids)
        self._come_up()
        self.start_worker()
        self.attach()

    # --- inputs -------------------------------------------------------------------------------------------------------

    def feed(self, action: Callable[[House], Any]) -> Any:
        """One input with all that follows from it."""
        self.commands, self.outputs = [], []
        result = None
        try:
            self.house.at(self.now_ms)
            result = action(self.house)
            self._carry_out()
            while self.radio.events or self.refused:
                if self.refused:
                    create, code = self.refused.popleft()
                    self.house.leg_refused(create, code, self.now_ms)
                else:
                    self.house.radio_event(self.radio.events.popleft(), self.now_ms)
                self._carry_out()
        except CrashedError:
            self.restart()
        return result

    def do(self, operator: OperatorId, name: str, args: dict[str, Any]) -> Outcome | None:
        """A command from the seat the operator sits at; nothing from somebody who sits nowhere."""
        view = self.house.ctx.core.operator(operator)
        if view is None:
            return None
        by = By(operator, view.position, SUPERVISOR if operator == world.KARI else frozenset())
        outcome = self.feed(lambda house: house.command(by, name, args, self.now_ms))
        assert outcome is None or isinstance(outcome, Outcome)
        return outcome

    def hear_worker(self, most: int = 1_000) -> None:
        """What the worker has to say, an event at a time; one that control did not live through comes again."""
        for _ in range(most):
            if self.worker is None or not self.attached or not self.worker.ring:
                return
            said, house = partial(_say, self.worker.ring[0], late=self.late > 0), self.house
            self.feed(said)
            if self.house is house:
                self.worker.ring.popleft()
                self.late = max(0, self.late - 1)

    def say(self, event: rpc.Event) -> None:
        """The worker says something: at once when control listens, later when it does not."""
        if self.worker is not None:
            if isinstance(event, rpc.LegMedia):
                self.worker.says_of(event)
            else:
                self.worker.ring.append(event)
            self.hear_worker()

    def browser(self, leg: Any, role: rpc.WebrtcRole, packets: bool = True) -> None:
        """A browser's offer reaches the worker, past the house; refused when nobody is attached."""
        if self.worker is not None and self.attached:
            self.worker.browser(leg, role, packets)

    def pass_to(self, at_ms: int) -> None:
        """Time goes by; leases in the worker lapse by themselves."""
        self.now_ms = max(self.now_ms, at_ms)
        if self.worker is not None:
            self.worker.pass_to(self.now_ms)

    def fire(self, key: str) -> None:
        """A timer is due."""
        self.pass_to(self.timers.pop(key))
        self.feed(lambda house: house.timer(key, self.now_ms))

    # --- the worker ---------------------------------------------------------------------------------------------------

    def start_worker(self) -> None:
        """A new process, that holds nothing."""
        self.boots += 1
        self.worker = Worker(f"boot-{self.boots}", full=self.full, refusing=self.refusing)

    def kill_worker(self) -> None:
        """With all it held, and with the events nobody took."""
        self.worker = None
        self.lose_socket()

    def lose_socket(self) -> None:
        """Control and worker no longer hear each other."""
        if self.attached:
            self.attached = False
            self.feed(lambda house: house.worker_lost("socket", self.now_ms))

    def attach(self) -> None:
        """Control hears the census; the events that waited follow."""
        worker = self.worker
        assert worker is not None
        self.attached = True
        self.late = len(worker.ring)
        census = through_census(worker.census())
        self.feed(lambda house: house.worker_attached(census, worker.boot, self.now_ms))

    # --- life and death -----------------------------------------------------------------------------------------------

    def restart(self, lost_calls: frozenset[CallId] = frozenset()) -> None:
        """Control comes back from its journal. `lost_calls` ended while it was away."""
        self.crash_after = None
        for call in lost_calls:
            self.sip.ended(call)
        self.sip.quiet.clear()  # what was said last may be said again
        core = RoutingCore()
        for event in self.journal:
            core.step(event)
        self.house = House(self.settings, core, self.ids)
        recovery.restore(self.house, through_json(self.records))
        self.attached = False
        self.refused.clear()
        self.timers.clear()
        before = self.radio
        self.radio = Gateway(
            GROUPS, patches=before.patches, alarms=before.alarms, acked=before.acked, presses=before.presses
        )
        self._come_up()

    def _come_up(self) -> None:
        """As the composition root does it."""
        core = self.house.ctx.core
        if not core.queues() and not core.contacts():
            self.feed(lambda house: house.ctx.route(Configured(self.now_ms, self.rules, self.version)))
        elif core.version != self.version:
            event = self._change(replace(core.state.config, queues=core.queues()), "new")
            self.feed(lambda house: house.ctx.route(event))
        held = dict(self.sip.calls)
        devices = [DeviceContacts(device, contacts) for device, contacts in self.devices.items()]
        self.feed(lambda house: recovery.resume(house, held, self.now_ms, devices))
        self.feed(reconfiguring.started)
        self.feed(lambda house: house.groups.start())

    def publish(self, made: HouseSettings, rules: RoutingConfig, apply: Apply, *, away: bool) -> None:
        """Another version of the configuration. `away`: control is down just then, and comes back by it."""
        before, self.rules, self.settings, self.version = self.rules, rules, made, self.version + 1
        if away:
            self.restart()
            return
        event, tables = self._change(before, apply), reconfiguring.tables_of(made)
        self.feed(lambda house: reconfiguring.reconfigure(house, tables, frozenset(made.people), event, self.now_ms))

    def _change(self, before: RoutingConfig, apply: Apply) -> ConfigChanged:
        present, wanted = {row.queue: row for row in before.queues}, {row.queue for row in self.rules.queues}
        changed = tuple(row for row in self.rules.queues if present.get(row.queue) != row)
        gone = tuple(sorted(queue for queue in present if queue not in wanted))
        return ConfigChanged(self.now_ms, self.version, changed, gone, apply=apply)

    def _carry_out(self) -> None:
        for output in records_first(self.house.drain()):
            if self.crash_after is not None:
                if self.crash_after <= 0:
                    raise CrashedError
                self.crash_after -= 1
            self.outputs.append(output)
            self._one(output)

    def _one(self, output: Output) -> None:
        match output:
            case JournalEvent():
                self.journal.append(decode_event(encode_event(output.event)[0], to_json(output.event)))
            case Put():
                self.records[output.key] = through_json(output.value)
                self.written_ms[output.key] = self.now_ms
            case Delete():
                self.records.pop(output.key, None)
                self.written_ms[output.key] = self.now_ms
            case SetTimer():
                self.timers[output.key] = output.at_ms
            case CancelTimer():
                self.timers.pop(output.key, None)
            case ToSip():
                self.sip.carry_out(output)
            case ToRadio():
                self.radio.carry_out(output)
            case ToMedia():
                assert self.attached, "a command while no worker is attached"
                assert self.worker is not None
                self.commands.append(output.command)
                if isinstance(output.command, rpc.CreateRtp):
                    self._made(output.command)
                else:
                    self.worker.apply(output.command, self.now_ms)
                self.started |= set(self.worker.recordings)
                self.empty |= {name for name, told in self.worker.failed.items() if not told.stored_ms}
            case StoreTrack():
                assert output.contact in output.track.path
                self.kept.add(output.track.recording)
            case StoreGap():
                self._gap(output)
            case SalvageTrack():
                self.kept.add(output.recording.recording)
            case _:
                pass

    def _made(self, create: rpc.CreateRtp) -> None:
        """Or not: the reply comes after whatever else was ordered."""
        assert self.worker is not None
        if code := self.worker.apply(create, self.now_ms):
            self.refused.append((create, code))

    def _gap(self, gap: StoreGap) -> None:
        """Each stretch that is missing is on record once, and no two of a track overlap."""
        assert gap.from_ms < gap.to_ms <= self.now_ms
        if gap.name in {told.name for told in self.gaps}:
            return  # control died before it could note that it had said so
        track = gap.name.rsplit(".gap-", 1)[0]
        same = [told for told in self.gaps if told.name.rsplit(".gap-", 1)[0] == track]
        assert all(gap.from_ms >= told.to_ms or gap.to_ms <= told.from_ms for told in same)
        self.gaps.append(gap)

    def disk(self, full: bool) -> None:
        """The disk that recordings go to fills, or has room again."""
        self.full = full
        if self.worker is not None:
            self.worker.disk(full, self.now_ms)
            self.hear_worker()

    # --- reading ------------------------------------------------------------------------------------------------------

    def contact_of(self, operator: OperatorId) -> ContactId | None:
        """The contact an operator is offered or has."""
        view = self.house.ctx.core.operator(operator)
        return view.contact if view is not None else None

    def position_of(self, operator: OperatorId) -> PositionId | None:
        """Where the operator sits."""
        view = self.house.ctx.core.operator(operator)
        return view.position if view is not None else None


def _say(event: rpc.Event, house: House, *, late: bool) -> None:
    house.media_event(event, house.ctx.now_ms, late=late)


def through_census(census: rpc.Census) -> rpc.Census:
    """As the socket gives it."""
    return from_json(rpc.Census, through_json(census))
