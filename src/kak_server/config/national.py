"""The national example: a configuration of the size the server is designed for, made by rule.

16 emergency dispatch centres (AMK), 96 out-of-hours primary care centres (legevakt) and 78 emergency departments
(mottak): 190 rooms, 1,500 positions, 500 talkgroups, 357 municipalities, one invented person a position. The places are
real, everything else is invented: numbers start with +4700, which no Norwegian number does. Same input, same bytes.
"""

from collections.abc import Iterator

from kak_server.model.light import frozen

# Catchment area of each AMK, and its positions; the areas share the other rooms evenly.
AREAS = (
    ("oslo", "Oslo", 40), ("ostfold", "Østfold", 24), ("innlandet", "Innlandet", 32), ("drammen", "Drammen", 26),
    ("vestfold", "Vestfold", 22), ("telemark", "Telemark", 20), ("sorlandet", "Sørlandet", 28),
    ("stavanger", "Stavanger", 32), ("fonna", "Fonna", 18), ("bergen", "Bergen", 36), ("forde", "Førde", 16),
    ("alesund", "Ålesund", 24), ("trondheim", "Trondheim", 36), ("bodo", "Bodø", 26), ("tromso", "Tromsø", 24),
    ("kirkenes", "Kirkenes", 16),
)  # fmt: skip
LEGEVAKT_PER_AREA = 6
LEGEVAKT_POSITIONS = 8
MOTTAK_COUNT = 78
POSITIONS_TOTAL = 1_500
TALKGROUPS_TOTAL = 500
MUNICIPALITIES_TOTAL = 357
MUNICIPALITIES_FILE = "national-municipalities.csv"

HEADER = """\
# The national example: {rooms} control rooms, {positions} positions, {queues} queues, {talkgroups} talkgroups.
# Made by `kak-server generate-config national`; a test holds this file against the generator. Everything but the names
# of places is invented. It is a lab (clear-text passwords, all "lab"): use it to measure, never in service.
server:
  name: kak-national
  lab: true
  data_dir: var/national
  http: {{host: 127.0.0.1, port: 8080}}
sip:
  port: 5060
  trunks:
    - {{name: north, sources: [127.0.0.0/9], address: "sip:127.0.0.1:5090", outbound: true, group: carriers}}
    - {{name: south, sources: [127.128.0.0/9], address: "sip:127.0.0.1:5092", outbound: true, group: carriers}}
  outbound_routes:
    - {{name: sister-services, numbers: [110, 112], trunks: [carriers], caller: 113, emergency: true}}
    - {{name: rest, prefixes: ["*"], trunks: [carriers]}}
  services:
    - {{id: "110", name: 110 Brann, number: 110}}
    - {{id: "112", name: 112 Politi, number: 112}}
media: {{rtp_port_min: 30000, rtp_port_max: 59999, ice_port_min: 23000, ice_port_max: 29999}}
limits: {{max_contacts: 20000, max_sip_calls: 12000, max_sessions: 5000}}
"""


# 113: the own room, after 10 s its neighbours, then everybody in the country and the reserves with them.
WORKFLOW_113 = (
    "[{reach: own}, {after_ms: 10000, reach: neighbours}, {after_ms: 20000, reach: country}, "
    "{after_ms: 30000, use_reserves: true}]"
)
# Out-of-hours care: the own room and at once its region where hardly anybody sits there, then the region, then help by
# the dispatch centre as well.
WORKFLOW_LEGEVAKT = (
    "[{{reach: own}}, {{after_ms: 0, reach: region, when: {{staff_below: 2}}}}, {{after_ms: 60000, reach: region}}, "
    "{{after_ms: 180000, rooms: [{amk}]}}]"
)

SKILLS = (
    '  - {id: "113", name: {nb: Medisinsk nødmelding, en: Medical emergency calls}}',
    "  - {id: legevakt, name: {nb: Legevakt, en: Out-of-hours primary care}}",
    "  - {id: mottak, name: {nb: Akuttmottak, en: Emergency department}}",
)


@frozen
class _Room:
    ident: str
    name: str
    kind: str
    area: int
    positions: int


def generate_national() -> str:
    """The YAML text of configs/national.yaml."""
    rooms = list(_rooms())
    lines = [
        HEADER.format(
            rooms=len(rooms),
            positions=sum(room.positions for room in rooms),
            queues=len(rooms),
            talkgroups=TALKGROUPS_TOTAL,
        ).rstrip("\n"),
        "rooms:",
        *(
            f"  - {{id: {room.ident}, name: {room.name}, kind: {room.kind}, positions: {room.positions}, "
            f"{_beside(room, rooms)}}}"
            for room in rooms
        ),
        "skills:",
        *SKILLS,
        "queues:",
        *(_queue(room, number, rooms) for number, room in enumerate(rooms)),
        "areas:",
        f"  - {{id: legevakt, numbers: [116117], default: lv-{AREAS[0][0]}-1, file: {MUNICIPALITIES_FILE}}}",
        "operators:",
        *_operators(rooms),
        "radio:",
        "  gateways:",
        '    - {name: sim, url: "ws://127.0.0.1:8091"}',
        "  talkgroups:",
        *_talkgroups(),
    ]
    return "\n".join(lines) + "\n"


def generate_municipalities() -> str:
    """The CSV text of configs/national-municipalities.csv: which out-of-hours centre serves which municipality."""
    lines = ["code,name,queue,numbers,prefixes"]
    for index in range(MUNICIPALITIES_TOTAL):
        area, number = index % len(AREAS), index // len(AREAS) + 1
        ident, name, _ = AREAS[area]
        queue = f"lv-{ident}-{(number - 1) % LEGEVAKT_PER_AREA + 1}"
        lines.append(f"{9001 + index},Kommune {name} {number},{queue},+470016{index:04d},+4709{index:03d}")
    return "\n".join(lines) + "\n"


def _rooms() -> Iterator[_Room]:
    for area, (ident, name, positions) in enumerate(AREAS):
        yield _Room(f"amk-{ident}", f"AMK {name}", "amk", area, positions)
    for area, (ident, name, _) in enumerate(AREAS):
        for number in range(1, LEGEVAKT_PER_AREA + 1):
            yield _Room(f"lv-{ident}-{number}", f"Legevakt {name} {number}", "legevakt", area, LEGEVAKT_POSITIONS)
    left = POSITIONS_TOTAL - sum(positions for _, _, positions in AREAS)
    left -= len(AREAS) * LEGEVAKT_PER_AREA * LEGEVAKT_POSITIONS
    for index in range(MOTTAK_COUNT):
        area, number = index % len(AREAS), index // len(AREAS) + 1
        ident, name, _ = AREAS[area]
        positions = (left * (index + 1)) // MOTTAK_COUNT - (left * index) // MOTTAK_COUNT
        yield _Room(f"mottak-{ident}-{number}", f"Akuttmottak {name} {number}", "mottak", area, positions)


def _beside(room: _Room, rooms: list[_Room]) -> str:
    """A dispatch centre has two neighbours and keeps one operator for its own; others help within their area."""
    region = f"region: {room.kind}-{AREAS[room.area][0]}"
    if room.kind != "amk":
        return region
    before, after = rooms[(room.area - 1) % len(AREAS)].ident, rooms[(room.area + 1) % len(AREAS)].ident
    return f"neighbours: [{before}, {after}], {region}, reserve: 1"


def _queue(room: _Room, number: int, rooms: list[_Room]) -> str:
    amk = rooms[room.area].ident
    neighbour = rooms[(room.area + 1) % len(AREAS)].ident
    if room.kind == "amk":
        return (
            f"  - {{id: 113-{room.ident.removeprefix('amk-')}, name: 113 {room.name.removeprefix('AMK ')}, "
            f'numbers: ["+47001130{number:02d}"], class: emergency, rooms: [{room.ident}, {neighbour}], '
            f'skills: {{"113": 1}}, workflow: {WORKFLOW_113}, service_level: {{threshold_s: 10, goal_percent: 90}}}}'
        )
    if room.kind == "legevakt":
        workflow = WORKFLOW_LEGEVAKT.format(amk=amk)
        return (
            f'  - {{id: {room.ident}, name: {room.name}, numbers: ["+47001160{number:03d}"], class: normal, '
            f"rooms: [{room.ident}, {amk}], skills: {{legevakt: 1}}, waiting: announce, workflow: {workflow}, "
            f"service_level: {{threshold_s: 120, goal_percent: 80}}}}"
        )
    return (
        f'  - {{id: {room.ident}, name: {room.name}, numbers: ["+47002000{number:03d}"], class: urgent, '
        f"rooms: [{room.ident}], skills: {{mottak: 1}}}}"
    )


def _operators(rooms: list[_Room]) -> Iterator[str]:
    skills = {"amk": '{"113": 5, legevakt: 3}', "legevakt": "{legevakt: 5}", "mottak": "{mottak: 5}"}
    for room in rooms:
        for seat in range(1, room.positions + 1):
            roles = "[supervisor, operator]" if seat == 1 else "[operator]"
            yield (
                f"  - {{username: {room.ident}-{seat}, name: {room.name} operatør {seat}, password: lab, "
                f"roles: {roles}, rooms: [{room.ident}], skills: {skills[room.kind]}}}"
            )


def _talkgroups() -> Iterator[str]:
    for index in range(TALKGROUPS_TOTAL):
        area, number = index % len(AREAS), index // len(AREAS) + 1
        ident, name, _ = AREAS[area]
        yield f"    - {{gssi: {24_000_00 + index + 1}, name: {name} {number}, rooms: [amk-{ident}]}}"
