"""What all bridges share: the outputs so far, the routing core, the media desk, the ids, the time of this input."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kak_server.bridges.brought_types import Integrator
from kak_server.bridges.directory import AreaService, Directory
from kak_server.bridges.handling import Handling
from kak_server.bridges.notices import Notices
from kak_server.bridges.outputs import Delete, JournalEvent, Output, Put, ToMedia
from kak_server.bridges.port_pool import PortPool
from kak_server.bridges.refused_legs import RefusedLegs
from kak_server.bridges.staff import PersonInfo
from kak_server.bridges.tapings import Tapings
from kak_server.bridges.tracks import Tracks
from kak_server.media import rpc
from kak_server.media.plan import Desk, Plan
from kak_server.model.ids import Gssi, LegId, OperatorId, PositionId, QueueId, RoomId
from kak_server.model.light import frozen
from kak_server.routing import api as routing
from kak_server.routing.step import RoutingCore
from kak_server.sip.api import IncomingCall
from kak_server.sip.outbound import Outbound
from kak_server.sip.sdp import MediaPolicy, over_ipv6


@frozen
class QueueInfo:
    """What consoles and trunks need to know of a queue beyond its routing rules."""

    queue: QueueId
    name: str
    klass: routing.ContactClass
    numbers: tuple[str, ...]
    rooms: tuple[RoomId, ...]
    handling: Handling = field(default_factory=Handling)
    skills: Mapping[str, int] = field(default_factory=dict)  # what its contacts need, and the level
    brought_classes: frozenset[routing.ContactClass] = frozenset()  # that integrators may give, besides its own
    name_en: str = ""  # in English; "": it has this one name


@frozen
class PositionInfo:
    """A seat as configured."""

    position: PositionId
    room: RoomId
    room_name: str
    name: str


@frozen
class GroupInfo:
    """A talkgroup as configured."""

    gssi: Gssi
    name: str
    rooms: tuple[RoomId, ...] = ()  # empty: every room


@frozen
class PhoneInfo:
    """A SIP phone as configured. `operator` is signed in by its registration, or by its PIN where it has one."""

    device: str
    position: PositionId
    operator: OperatorId | None = None
    operator_name: str = ""
    skills: Mapping[str, int] = field(default_factory=dict)
    pin: str = field(default="", repr=False)
    talkgroup: Gssi | None = None


@frozen
class ServiceInfo:
    """A service that can be called into a contact in one action with others, e.g. 110 and 112."""

    service: str
    label: str
    number: str


@frozen
class HouseSettings:
    """All the bridges must know; `config` composes it."""

    media_host: str  # the address our RTP is told to come to
    bind_host: str
    rtp_port_min: int
    rtp_port_max: int
    queues: tuple[QueueInfo, ...]
    positions: tuple[PositionInfo, ...]
    groups: tuple[GroupInfo, ...] = ()
    skills: tuple[Mapping[str, str], ...] = ()  # the catalogue as consoles show it; none: any word is a skill
    public_url: str = "http://localhost:8080"
    probe_after_silence_ms: int = 10_000
    gate_buffer_ms: int = 400
    ptt_lease_ms: int = 1_000
    uplink_renew_ms: int = 300
    talk_hang_ms: int = 700  # the caller's floor is kept so long after the last word
    video_link_ms: int = 600_000
    radio_priority: int = 1
    plain_rtp_seats: bool = False  # lab: a seat may be a plain RTP phone
    max_lines: int = 2_000
    media_host_v6: str = ""  # media_host for callers over IPv6; "": they get that of the others
    bind_host_v6: str = "::"
    reserve_lines: int = 0  # of max_lines, for emergency calls
    phones: tuple[PhoneInfo, ...] = ()
    areas: tuple[AreaService, ...] = ()
    emergency_queue: QueueId | None = None  # of emergency calls for numbers of no queue
    outbound: Outbound = field(default_factory=Outbound)  # which trunks a dialled number is reached by
    front_door: str = ""  # our own host:port, where numbers of our own queues are called; "": they are not
    services: tuple[ServiceInfo, ...] = ()
    refer_trunks: frozenset[str] = frozenset()  # carriers that take a call elsewhere when asked (REFER)
    transfer_trunks: frozenset[str] = frozenset()  # whose peers may ask us to call somebody (REFER)
    hold_trunks: frozenset[str] = frozenset()  # peers that are told when they are on hold (re-INVITE)
    surge_radius_m: float = 1_000.0  # calls this close to each other may be of one incident
    people: Mapping[OperatorId, PersonInfo] = field(default_factory=dict)  # who may sign in, and whom they lead
    radio_emergency_queue: QueueId | None = None  # where radios' emergencies go
    integrators: tuple[Integrator, ...] = ()  # programs that bring chats and alarms
    trunk_media: Mapping[str, MediaPolicy] = field(default_factory=dict)  # SRTP and codecs; plain RTP where missing


def emergency_queues(settings: HouseSettings) -> frozenset[QueueId]:
    """Whose callers are never let go unheard."""
    return frozenset(queue.queue for queue in settings.queues if queue.klass is routing.ContactClass.EMERGENCY)


def called_back_queues(settings: HouseSettings) -> frozenset[QueueId]:
    """Whose callers are listed to be called back when they leave unheard: by class, unless the queue says otherwise."""
    by_class = (routing.ContactClass.EMERGENCY, routing.ContactClass.URGENT)
    said = ((queue.queue, queue.handling.call_back, queue.klass in by_class) for queue in settings.queues)
    return frozenset(queue for queue, own, usual in said if (usual if own is None else own))


def transfer_targets(settings: HouseSettings) -> tuple[Mapping[str, str], ...]:
    """Every queue with its names, as consoles are told once: what comes with each contact names its queue in one
    language. Made once a configuration, since every console is sent the same."""
    rooms = {info.room: info.room_name for info in settings.positions}
    return tuple(
        {
            "queue": info.queue,
            "name": info.name,
            "name_en": info.name_en or info.name,
            "room_name": rooms.get(info.rooms[0], "") if info.rooms else "",
        }
        for info in settings.queues
    )


def directory_of(settings: HouseSettings) -> Directory:
    """Where calls to each number go."""
    numbers = {number: queue.queue for queue in settings.queues for number in queue.numbers}
    return Directory(numbers, settings.areas, settings.emergency_queue)


class Ids(Protocol):
    """Entropy from the shell."""

    def new(self, kind: str) -> str:
        """A fresh opaque id of this kind."""

    def bits(self, count: int) -> int:
        """`count` random bits."""


@dataclass
class Context:
    """One input's worth of work: outputs gather in `out`, routing events wait in `events` until `settle`."""

    settings: HouseSettings
    core: RoutingCore
    ids: Ids
    now_ms: int = 0
    incarnation: int = 1
    worker_attached: bool = False
    unsent: dict[LegId, rpc.ModifyRtp] = field(default_factory=dict)  # while nobody was attached
    draining: bool = False  # a graceful stop: no new calls
    out: list[Output] = field(default_factory=list)
    events: deque[routing.Event] = field(default_factory=deque)
    refused: list[routing.Refused] = field(default_factory=list)
    desk: Desk = field(default_factory=Desk)
    ports: PortPool = field(init=False)
    tracks: Tracks = field(init=False)
    tapings: Tapings = field(init=False)
    notices: Notices = field(init=False)
    refused_legs: RefusedLegs = field(init=False)
    on_effect: Callable[[routing.Effect], None] = field(init=False)
    on_step: Callable[[routing.Event, tuple[routing.Effect, ...]], None] = lambda event, effects: None
    on_settled: Callable[[], None] = lambda: None  # what is worked out once, when all of an input is known

    def __post_init__(self) -> None:
        self.ports = PortPool(self.settings.rtp_port_min, self.settings.rtp_port_max)
        self.tracks = Tracks(self)
        self.tapings = Tapings(self)
        self.notices = Notices(self)
        self.refused_legs = RefusedLegs(self)

    def emit(self, output: Output) -> None:
        """Something to do, after all that was emitted before it."""
        self.out.append(output)

    def put(self, key: str, value: object) -> None:
        """Journal a record."""
        self.emit(Put(key, value))

    def delete(self, key: str) -> None:
        """Drop a record."""
        self.emit(Delete(key))

    def route(self, event: routing.Event) -> None:
        """Hand the routing core an event; it is stepped by `settle`, after what is being handled now."""
        self.events.append(event)

    def settle(self) -> None:
        """Step the core until nothing is pending. Each event is journalled before its effects are handled.

        A bug of ours in one effect must not swallow those behind it (a timer that is never set is a state without an
        end): all are handled, then the first problem is raised. An event the core chokes on is not journalled, lest
        every replay choke on it again.
        """
        problem: Exception | None = None
        while self.events:
            event = self.events.popleft()
            try:
                effects = self.core.step(event)
            except Exception as caught:  # noqa: BLE001 - raised below
                problem = problem or caught
                continue
            self.emit(JournalEvent(event))
            for effect in effects:
                try:
                    self.on_effect(effect)
                except Exception as caught:  # noqa: BLE001 - raised below
                    problem = problem or caught
            self.on_step(event, effects)
        try:
            self.on_settled()
        except Exception as caught:  # noqa: BLE001 - raised below
            problem = problem or caught
        if problem is not None:
            raise problem

    def plan(self, owner: str, plan: Plan) -> None:
        """State an owner's media plan; commands go out when a worker is attached, else the next census catches up."""
        for command in self.desk.state(owner, plan):
            self.media(command)

    def media(self, command: rpc.Command) -> None:
        """A command for the worker. With nobody attached, the next census makes up for it; only what a census cannot
        show is remembered."""
        if not self.worker_attached:
            if isinstance(command, rpc.ModifyRtp):
                self.unsent[command.leg] = command
            return
        if isinstance(command, rpc.StartRecord):
            self.tracks.started(command)
        elif isinstance(command, rpc.CreateRtp | rpc.CloseLeg):
            self.refused_legs.ordered(command.leg)
        self.emit(ToMedia(command))

    def media_place(self, call: IncomingCall) -> tuple[str, str]:
        """Our RTP address for a caller, as told to him and as bound: of his IP version, where we have that."""
        settings = self.settings
        ipv6 = call.ipv6 if call.offer_sdp is None else over_ipv6(call.offer_sdp)
        if ipv6 and settings.media_host_v6:
            return settings.media_host_v6, settings.bind_host_v6
        return settings.media_host, settings.bind_host

    def new_rtp(self, leg: str, port: int) -> rpc.CreateRtp:
        """A fresh RTP leg's plan: random SSRC, sequence number and timestamp (RFC 3550 section 5.1)."""
        return rpc.CreateRtp(
            leg=LegId(leg),
            port=port,
            ssrc=self.ids.bits(32),
            seq0=self.ids.bits(15),
            ts0=self.ids.bits(31),
            epoch_ms=self.now_ms,
            bind_host=self.settings.bind_host,
            silent_after_ms=self.settings.probe_after_silence_ms,
        )
