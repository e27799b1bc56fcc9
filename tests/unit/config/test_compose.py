"""Settings become what each room wants to be told."""

from argon2 import PasswordHasher

from kak_server.bridges.context import transfer_targets
from kak_server.config.compose import (
    queue_numbers,
    seat_rooms,
    to_console_settings,
    to_gateways,
    to_house_settings,
    to_routing_config,
    to_users,
)
from kak_server.config.compose_sip import to_sip_settings
from kak_server.config.loader import parse_settings
from kak_server.config.passwords import hash_password
from kak_server.routing.api import ContactClass

TEXT = """\
server: {name: n, lab: true, advertised_address: 192.0.2.1}
sip:
  port: 5070
  trunks: [{name: t, sources: [192.0.2.7, 10.1.2.3/8], trusted_identity: false, emergency: false}]
  t1_ms: 100
rooms:
  - {id: a, name: A, positions: 2}
  - {id: b, name: B, positions: 1}
queues:
  - id: q
    name: Q
    numbers: [113, urn:service:sos]
    class: emergency
    priority: 30
    rooms: [a, b]
    skills: {medic: 4}
    own_room_ms: 1000
    offer_timeout_ms: 2000
    wrap_up_ms: 3000
    waiting: announce
operators:
  - {username: k, name: K, password: lab, rooms: [a], skills: {medic: 5}, roles: [supervisor]}
  - {username: l, name: L, password: lab, rooms: [a, b]}
radio:
  gateways: [{name: g, url: "ws://127.0.0.1:1"}]
  talkgroups: [{gssi: 24201, name: T, rooms: [b]}]
routing: {media_grace_ms: 7000, connect_timeout_ms: 8000}
limits: {max_contacts: 11, max_sip_calls: 12}
"""
SETTINGS = parse_settings(TEXT)


def test_sip() -> None:
    made = to_sip_settings(SETTINGS)
    assert (made.advertised_host, made.advertised_port, made.server_name) == ("192.0.2.1", 5070, "n")
    assert made.numbers == {"113", "urn:service:sos"}
    assert made.max_calls == 12
    assert made.t1_ms == 100
    trunk = made.trunks[0]
    assert (trunk.name, trunk.sources) == ("t", ("192.0.2.7/32", "10.0.0.0/8"))
    assert (trunk.trusted_identity, trunk.emergency) == (False, False)


def test_routing() -> None:
    made = to_routing_config(SETTINGS)
    assert (made.media_grace_ms, made.connect_timeout_ms, made.max_contacts) == (7000, 8000, 11)
    queue = made.queues[0]
    assert (queue.queue, queue.rooms, queue.klass, queue.priority) == ("q", ("a", "b"), ContactClass.EMERGENCY, 30)
    assert (queue.own_room_ms, queue.offer_timeout_ms, queue.wrap_up_ms) == (1000, 2000, 3000)
    assert queue.skills == {"medic": 4}
    assert queue.announce is True


def test_radio() -> None:
    (gateway,) = to_gateways(SETTINGS)
    assert (gateway.name, gateway.url, gateway.media_host) == ("g", "ws://127.0.0.1:1", "192.0.2.1")
    assert gateway.heartbeat_ms < gateway.stale_after_ms


def test_house() -> None:
    made = to_house_settings(SETTINGS)
    assert made.media_host == "192.0.2.1"
    assert made.bind_host == "127.0.0.1"
    assert [(seat.position, seat.room, seat.room_name, seat.name) for seat in made.positions] == [
        ("a-1", "a", "A", "A 1"),
        ("a-2", "a", "A", "A 2"),
        ("b-1", "b", "B", "B 1"),
    ]
    assert [(group.gssi, group.name, group.rooms) for group in made.groups] == [(24201, "T", ("b",))]
    assert [(queue.queue, queue.klass, queue.numbers) for queue in made.queues] == [
        ("q", ContactClass.EMERGENCY, ("113", "urn:service:sos"))
    ]
    assert made.probe_after_silence_ms == 10_000
    assert made.plain_rtp_seats is True
    assert made.max_lines == 12


def test_queues_have_their_english_names_where_there_are_any() -> None:
    made = to_house_settings(
        parse_settings(
            "rooms: [{id: a, name: A, positions: 1}]\nqueues:\n"
            "  - {id: p, name: Legevakt, rooms: [a]}\n"
            "  - {id: n, name: {nb: Legevakt}, rooms: [a]}\n"
            "  - {id: e, name: {nb: Legevakt, en: Urgent care}, rooms: [a]}\n"
        )
    )
    assert [(row["name"], row["name_en"], row["room_name"]) for row in transfer_targets(made)] == [
        ("Legevakt", "Legevakt", "A"),
        ("Legevakt", "Legevakt", "A"),
        ("Legevakt", "Urgent care", "A"),
    ]


def test_console() -> None:
    made = to_console_settings(SETTINGS)
    assert (made.name, made.lab, made.secure_cookies) == ("n", True, False)
    assert made.lab_sim_url == "http://127.0.0.1:8090"
    assert [(one.number, one.queue, one.name) for one in made.lab_numbers] == [("113", "q", "Q")]
    assert made.web_dist.endswith("web/dist")


def test_the_lab_panel_is_for_the_lab_only() -> None:
    service = parse_settings(
        "rooms: [{id: a, name: A, positions: 1}]\nqueues: [{id: q, name: Q, numbers: [113], rooms: [a]}]\n"
        "server: {http: {tls: {self_signed: true}}}\n"
    )
    made = to_console_settings(service)
    assert (made.lab, made.lab_sim_url, made.lab_numbers, made.secure_cookies) == (False, "", (), True)
    assert to_house_settings(service).plain_rtp_seats is False


def test_users_have_hashed_passwords() -> None:
    first, second = to_users(SETTINGS)
    assert (first.operator, first.username, first.name, first.rooms) == ("k", "k", "K", ("a",))
    assert first.roles == {"supervisor"}
    assert first.skills == {"medic": 5}
    assert PasswordHasher().verify(first.password_hash, "lab")
    assert first.password_hash == second.password_hash, "one password is hashed once"


def test_a_hash_for_service_costs_more() -> None:
    assert "m=65536" in hash_password("secret")


def test_where_numbers_and_seats_lead() -> None:
    assert queue_numbers(SETTINGS) == {"113": "q", "urn:service:sos": "q"}
    assert seat_rooms(SETTINGS) == {"a-1": "a", "a-2": "a", "b-1": "b"}
