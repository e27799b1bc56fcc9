"""Settings to what each room wants to be told: the one place that knows both sides."""

from kak_server import __version__
from kak_server.bridges.context import GroupInfo, HouseSettings, PositionInfo, QueueInfo, ServiceInfo
from kak_server.bridges.directory import AreaService, Municipality
from kak_server.bridges.staff import PersonInfo
from kak_server.config.areas import AreaServiceSection
from kak_server.config.callers import to_handling
from kak_server.config.compose_devices import to_phones
from kak_server.config.compose_sip import emergency_queue, front_door, reserve_calls, to_outbound, to_trunk_media
from kak_server.config.integrators import to_integrators
from kak_server.config.lab_brings import lab_brings
from kak_server.config.national_rules import to_rooms_config
from kak_server.config.passwords import hash_lab_password
from kak_server.config.people import OperatorSection
from kak_server.config.settings import Settings
from kak_server.config.skills import to_skills
from kak_server.config.staffing import capacity_of, to_people_config
from kak_server.console.ports import User
from kak_server.console.settings import ConsoleSettings, LabNumber
from kak_server.model.ids import Gssi, OperatorId, PositionId, QueueId, RoomId
from kak_server.routing.api import ContactClass, ParkRules, QueueConfig, RoutingConfig
from kak_server.sip.trace import TraceLimits
from kak_server.tetra_gw.api import GatewaySettings


def to_trace_limits(settings: Settings) -> TraceLimits:
    """How much of the calls' SIP messages is kept in memory."""
    sip = settings.sip
    return TraceLimits(sip.trace_messages, sip.trace_calls, sip.trace_bytes, sip.trace_minutes * 60_000)


def to_routing_config(settings: Settings) -> RoutingConfig:
    """Queues and times of the routing core."""
    return RoutingConfig(
        queues=tuple(
            QueueConfig(
                queue=QueueId(queue.id),
                name=queue.display_name(),
                rooms=tuple(RoomId(room) for room in queue.rooms),
                klass=ContactClass(queue.klass),
                priority=queue.priority,
                skills=dict(queue.skills),
                offer_timeout_ms=queue.offer_timeout_ms,
                wrap_up_ms=queue.wrap_up_ms,
                own_room_ms=queue.own_room_ms,
                announce=queue.waiting == "announce",
                threshold_ms=queue.measured_by().threshold_s * 1_000,
                goal_percent=queue.measured_by().goal_percent,
                preferred=dict(queue.preferred),
                interrupts_chats=queue.interrupts_chats,
                workflow=tuple(step.to_step() for step in queue.workflow),
            )
            for queue in settings.queues
        ),
        media_grace_ms=settings.routing.media_grace_ms,
        connect_timeout_ms=settings.routing.connect_timeout_ms,
        max_contacts=settings.limits.max_contacts,
        national=to_rooms_config(settings),
        people=to_people_config(settings.staffing, settings.rooms),
        parking={RoomId(room.id): ParkRules(room.park_slots, room.park_recall_s * 1_000) for room in settings.rooms},
    )


def to_gateways(settings: Settings) -> tuple[GatewaySettings, ...]:
    """The endpoints of the radio gateway."""
    radio = settings.radio
    return tuple(
        GatewaySettings(
            name=gateway.name,
            url=gateway.url,
            room=settings.server.name,
            heartbeat_ms=radio.heartbeat_ms,
            stale_after_ms=radio.stale_after_ms,
            command_timeout_ms=radio.command_timeout_ms,
            media_host=settings.media_address,
        )
        for gateway in radio.gateways
    )


def to_house_settings(settings: Settings) -> HouseSettings:
    """What the bridges must know: seats, queues, talkgroups, RTP ports."""
    return HouseSettings(
        media_host=settings.media_address,
        bind_host=settings.media.host,
        media_host_v6=settings.media.advertised_address_v6 or "",
        bind_host_v6=settings.media.host_v6,
        rtp_port_min=settings.media.rtp_port_min,
        rtp_port_max=settings.media.rtp_port_max,
        queues=tuple(
            QueueInfo(
                QueueId(queue.id),
                queue.display_name(),
                ContactClass(queue.klass),
                queue.numbers,
                tuple(RoomId(room) for room in queue.rooms),
                to_handling(queue.callers, queue.klass),
                dict(queue.skills),
                frozenset(ContactClass(name) for name in queue.brought_classes),
                queue.english_name(),
            )
            for queue in settings.queues
        ),
        positions=tuple(
            PositionInfo(seat, RoomId(room.id), room.name, name)
            for room in settings.rooms
            for seat, name in room.seats()
        ),
        groups=tuple(
            GroupInfo(Gssi(group.gssi), group.name, tuple(RoomId(room) for room in group.rooms))
            for group in settings.radio.talkgroups
        ),
        public_url=settings.http_url,
        probe_after_silence_ms=settings.sip.probe_after_silence_s * 1000,
        plain_rtp_seats=settings.server.lab,
        max_lines=settings.limits.max_sip_calls,
        phones=to_phones(settings),
        outbound=to_outbound(settings),
        front_door=front_door(settings),
        services=tuple(ServiceInfo(one.id, one.name, one.number) for one in settings.sip.services),
        refer_trunks=frozenset(trunk.name for trunk in settings.sip.trunks if trunk.refer),
        transfer_trunks=frozenset(trunk.name for trunk in settings.sip.trunks if trunk.transfers),
        hold_trunks=frozenset(trunk.name for trunk in settings.sip.trunks if trunk.tell_hold),
        reserve_lines=reserve_calls(settings),
        trunk_media=to_trunk_media(settings),
        radio_emergency_queue=QueueId(settings.radio.emergency_queue) if settings.radio.emergency_queue else None,
        integrators=to_integrators(settings.integrators),
        surge_radius_m=float(settings.routing.surge_radius_m),
        people={
            OperatorId(person.username): PersonInfo(
                person.name,
                tuple(RoomId(room) for room in person.rooms_led()),
                capacity_of(settings.staffing, person),
            )
            for person in settings.operators
        },
        areas=tuple(_area_service(service) for service in settings.areas),
        skills=to_skills(settings.skills),
        emergency_queue=QueueId(fallback) if (fallback := emergency_queue(settings)) is not None else None,
    )


def _area_service(service: AreaServiceSection) -> AreaService:
    return AreaService(
        service.numbers,
        QueueId(service.default),
        tuple(
            Municipality(town.code, town.name, QueueId(town.queue), town.numbers, town.prefixes)
            for town in service.municipalities
        ),
        dict(service.trunks),
    )


def to_console_settings(settings: Settings) -> ConsoleSettings:
    """What the position API's shell must be told."""
    lab = settings.server.lab
    return ConsoleSettings(
        name=settings.server.name,
        version=__version__,
        lab=lab,
        lab_sim_url=settings.server.lab_simulator_url if lab else "",
        lab_numbers=tuple(
            LabNumber(queue.numbers[0], queue.display_name(), queue.id)
            for queue in settings.queues
            if lab and queue.numbers
        ),
        lab_brings=lab_brings(settings) if lab else (),
        web_dist=str(settings.web_dist),
        secure_cookies=settings.server.http.tls is not None,
        session_idle_ms=settings.limits.session_idle_hours * 3_600_000,
        session_max_ms=settings.limits.session_max_hours * 3_600_000,
        session_limit=settings.limits.max_sessions,
    )


def to_users(settings: Settings) -> tuple[User, ...]:
    """The people who may sign in. An operator's id is the user name. A lab's clear-text passwords are hashed here."""
    return tuple(_user(person) for person in settings.operators)


def _user(person: OperatorSection) -> User:
    return User(
        operator=OperatorId(person.username),
        username=person.username,
        name=person.name,
        password_hash=person.password_hash or (hash_lab_password(person.password) if person.password else ""),
        roles=frozenset(person.roles),
        skills=dict(person.skills),
        rooms=tuple(RoomId(room) for room in person.rooms),
    )


def queue_numbers(settings: Settings) -> dict[str, QueueId]:
    """Called number or service URN to the queue it leads to."""
    return {number: QueueId(queue.id) for queue in settings.queues for number in queue.numbers}


def seat_rooms(settings: Settings) -> dict[PositionId, RoomId]:
    """Each position's control room, in the order of the file."""
    return {seat: RoomId(room.id) for room in settings.rooms for seat, _ in room.seats()}
