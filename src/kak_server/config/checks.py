"""Checks across sections: names that must exist, be unique, or not collide."""

from collections.abc import Hashable, Iterable, Iterator

from kak_server.config.checks_areas import check_areas
from kak_server.config.checks_devices import check_devices
from kak_server.config.checks_outbound import check_outbound
from kak_server.config.checks_sip import check_sip
from kak_server.config.checks_workflows import check_workflows
from kak_server.config.compose_sip import to_numbering
from kak_server.config.integrators import check_integrators
from kak_server.config.problems import Location
from kak_server.config.settings import Settings
from kak_server.config.skills import check_skills
from kak_server.config.staffing import reason_problems
from kak_server.sip.numbers import normalise

SOCKET_PATH_BYTES_MAX = 107  # sun_path of unix(7), less its final zero
Finding = tuple[Location, str]


def check(settings: Settings, *, passwords: bool = True) -> list[Finding]:
    """What is wrong between the sections: location and text, in no particular order. `passwords`: people's must stand
    there."""
    return [
        *_names_unique(settings),
        *_names_known(settings),
        *_numbers_served_once(settings),
        *(_passwords(settings) if passwords else ()),
        *_ports(settings),
        *_tls(settings),
        *_radio(settings),
        *_socket_path(settings),
        *_emergencies_not_blocked(settings),
        *((("staffing", "reasons", n), text) for n, text in reason_problems(settings.staffing)),
        *check_sip(settings),
        *check_outbound(settings),
        *check_areas(settings),
        *check_devices(settings),
        *check_workflows(settings),
        *check_skills(settings.skills, settings.queues, settings.operators),
        *check_integrators(settings.integrators, frozenset(queue.id for queue in settings.queues)),
    ]


def _emergencies_not_blocked(settings: Settings) -> Iterator[Finding]:
    for n, queue in enumerate(settings.queues):
        if queue.klass != "normal" and queue.callers.blocked_numbers != "accept":
            yield ("queues", n, "callers", "blocked_numbers"), f"a queue of class {queue.klass} takes every number"
        if queue.klass == "emergency" and queue.brought_classes:
            yield ("queues", n, "brought_classes"), "whatever comes to an emergency queue is an emergency"


def _repeated(items: Iterable[tuple[Hashable, Location]], what: str) -> Iterator[Finding]:
    seen: set[Hashable] = set()
    for value, location in items:
        if value in seen:
            yield location, f"{what} {value} is used twice"
        seen.add(value)


def _names_unique(settings: Settings) -> Iterator[Finding]:
    yield from _repeated(((room.id, ("rooms", n, "id")) for n, room in enumerate(settings.rooms)), "room")
    yield from _repeated(((queue.id, ("queues", n, "id")) for n, queue in enumerate(settings.queues)), "queue")
    people = enumerate(settings.operators)
    yield from _repeated(((person.username, ("operators", n, "username")) for n, person in people), "user name")
    trunks = enumerate(settings.sip.trunks)
    yield from _repeated(((trunk.name, ("sip", "trunks", n, "name")) for n, trunk in trunks), "trunk")
    groups = enumerate(settings.radio.talkgroups)
    yield from _repeated(((group.gssi, ("radio", "talkgroups", n, "gssi")) for n, group in groups), "talkgroup")
    seats = ((seat, ("rooms", n, "positions")) for n, room in enumerate(settings.rooms) for seat, _ in room.seats())
    yield from _repeated(seats, "position")


def _names_known(settings: Settings) -> Iterator[Finding]:
    known = {room.id for room in settings.rooms}
    lists: list[tuple[tuple[str, ...], Location]] = [
        *((queue.rooms, ("queues", n, "rooms")) for n, queue in enumerate(settings.queues)),
        *((person.rooms, ("operators", n, "rooms")) for n, person in enumerate(settings.operators)),
        *((person.leads or (), ("operators", n, "leads")) for n, person in enumerate(settings.operators)),
        *((group.rooms, ("radio", "talkgroups", n, "rooms")) for n, group in enumerate(settings.radio.talkgroups)),
    ]
    for rooms, location in lists:
        for number, room in enumerate(rooms):
            if room not in known:
                yield (*location, number), f"there is no room {room}"


def _numbers_served_once(settings: Settings) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    plan = to_numbering(settings)
    for n, queue in enumerate(settings.queues):
        for m, number in enumerate(queue.numbers):
            key = normalise(number, plan).text
            if key in owner:
                yield ("queues", n, "numbers", m), f"number {number} leads to queue {owner[key]} already"
            owner.setdefault(key, queue.id)


def _passwords(settings: Settings) -> Iterator[Finding]:
    for n, person in enumerate(settings.operators):
        if (person.password is None) == (person.password_hash is None):
            yield ("operators", n), f"user {person.username} needs either password_hash or (in a lab) password"
        elif person.password is not None and not settings.server.lab:
            yield ("operators", n, "password"), "clear-text passwords are for a lab only (server.lab: true)"
        elif person.password_hash is not None and not person.password_hash.startswith("$argon2id$"):
            yield ("operators", n, "password_hash"), "not an argon2id hash ($argon2id$...)"


def _ports(settings: Settings) -> Iterator[Finding]:
    media = settings.media
    for name, first, last in (
        ("rtp", media.rtp_port_min, media.rtp_port_max),
        ("ice", media.ice_port_min, media.ice_port_max),
    ):
        if first > last:
            yield ("media", f"{name}_port_min"), f"{name}_port_min {first} is above {name}_port_max {last}"
    if media.rtp_port_min <= media.ice_port_max and media.ice_port_min <= media.rtp_port_max:
        yield ("media", "ice_port_min"), "the ICE ports and the RTP ports overlap"


def _tls(settings: Settings) -> Iterator[Finding]:
    tls = settings.server.http.tls
    location: Location = ("server", "http", "tls")
    if tls is None:
        return
    if tls.self_signed and (tls.cert or tls.key):
        yield location, "either self_signed or cert and key, not both"
    elif not tls.self_signed and not (tls.cert and tls.key):
        yield location, "cert and key are both needed (or self_signed: true)"


def _radio(settings: Settings) -> Iterator[Finding]:
    radio = settings.radio
    if radio.talkgroups and not radio.gateways:
        yield ("radio", "talkgroups"), "talkgroups without a gateway: add radio.gateways"
    if radio.stale_after_ms <= radio.heartbeat_ms:
        yield ("radio", "stale_after_ms"), "must be longer than heartbeat_ms"
    if radio.emergency_queue is not None and all(queue.id != radio.emergency_queue for queue in settings.queues):
        yield ("radio", "emergency_queue"), f"there is no queue {radio.emergency_queue}"
    for n, gateway in enumerate(radio.gateways):
        if gateway.url.startswith("ws://") and not settings.server.lab:
            yield ("radio", "gateways", n, "url"), "plain ws:// is for a lab only (server.lab: true); use wss://"


def _socket_path(settings: Settings) -> Iterator[Finding]:
    path = str(settings.worker_socket)
    if len(path.encode()) > SOCKET_PATH_BYTES_MAX:
        location: Location = ("media", "worker_socket") if settings.media.worker_socket else ("server", "data_dir")
        yield location, f"the path of the worker's socket is too long for the system: {path}"
