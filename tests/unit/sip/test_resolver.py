"""RFC 3263 on answers given by hand."""

import pytest

from kak_server.sip.api import Target, Transport, Want
from kak_server.sip.resolver import Address, Naptr, Query, Record, Srv, locate, order_srv

ALL: tuple[Transport, ...] = ("udp", "tcp", "tls")
Zone = dict[tuple[str, str], tuple[Record, ...]]


def search(want: Want, zone: Zone, seed: str = "s") -> tuple[list[list[Query]], tuple[Target, ...]]:
    """Every round of queries, and what came of it."""
    answers: dict[Query, tuple[Record, ...]] = {}
    rounds: list[list[Query]] = []
    for _ in range(6):
        step = locate(want, answers, seed)
        if not step.queries:
            return rounds, step.targets
        rounds.append(list(step.queries))
        for query in step.queries:
            assert query not in answers
            answers[query] = zone.get((query.name, query.kind), ())
    raise AssertionError("the search does not end")


def places(targets: tuple[Target, ...]) -> list[tuple[str, str, int]]:
    return [(target.transport, target.host, target.port) for target in targets]


ZONE: Zone = {
    ("example.com", "NAPTR"): (
        Naptr(20, 10, "s", "SIP+D2U", "_sip._udp.example.com"),
        Naptr(10, 20, "S", "sip+d2t", "_sip._tcp.example.com"),
        Naptr(10, 10, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        Naptr(1, 1, "u", "E2U+sip", ""),
        Naptr(1, 1, "a", "SIP+D2T", "wrong.example.com"),
    ),
    ("_sips._tcp.example.com", "SRV"): (Srv(1, 0, 5061, "a.example.com"),),
    ("_sip._tcp.example.com", "SRV"): (Srv(1, 0, 5070, "b.example.com"),),
    ("_sip._udp.example.com", "SRV"): (Srv(2, 0, 5080, "b.example.com"), Srv(1, 0, 5080, "a.example.com")),
    ("a.example.com", "A"): (Address("192.0.2.1"),),
    ("a.example.com", "AAAA"): (Address("2001:db8::1"),),
    ("b.example.com", "A"): (Address("192.0.2.2"), Address("192.0.2.3")),
    ("example.com", "A"): (Address("192.0.2.9"),),
}


def test_naptr_chooses_the_transports() -> None:
    rounds, targets = search(Want("example.com", usable=ALL, families=(6, 4)), ZONE)
    assert [{query.kind for query in step} for step in rounds] == [{"NAPTR"}, {"SRV"}, {"A", "AAAA"}]
    assert places(targets) == [
        ("tls", "2001:db8::1", 5061),
        ("tls", "192.0.2.1", 5061),
        ("tcp", "192.0.2.2", 5070),
        ("tcp", "192.0.2.3", 5070),
        ("udp", "2001:db8::1", 5080),
        ("udp", "192.0.2.1", 5080),
        ("udp", "192.0.2.2", 5080),
        ("udp", "192.0.2.3", 5080),
    ]
    assert {target.domain for target in targets} == {"example.com"}


def test_naptr_without_what_we_have_falls_to_srv() -> None:
    zone = dict(ZONE)
    zone["example.com", "NAPTR"] = (Naptr(1, 1, "s", "SIPS+D2T", "_sips._tcp.example.com"),)
    _, targets = search(Want("example.com", usable=("tcp", "udp"), families=(4,)), zone)
    assert places(targets)[0] == ("tcp", "192.0.2.2", 5070)


@pytest.mark.parametrize(
    ("want", "expected"),
    [
        (Want("example.com", 5099, usable=ALL, families=(4,)), [("udp", "192.0.2.9", 5099)]),
        (Want("example.com", 5099, "tcp", usable=ALL, families=(4,)), [("tcp", "192.0.2.9", 5099)]),
        (Want("example.com", 5099, secure=True, usable=ALL, families=(4,)), [("tls", "192.0.2.9", 5099)]),
        (Want("example.com", transport="TCP", usable=ALL, families=(4,)), [("tcp", "192.0.2.2", 5070)] * 2),
        (Want("example.com", transport="tls", usable=ALL, families=(4,)), [("tls", "192.0.2.1", 5061)]),
        (Want("example.com", transport="tcp", secure=True, usable=ALL, families=(4,)), [("tls", "192.0.2.1", 5061)]),
        (Want("example.com", secure=True, usable=ALL, families=(4,)), [("tls", "192.0.2.1", 5061)]),
        (Want("example.com", transport="sctp", usable=ALL), []),
        (Want("example.com", secure=True, usable=("udp", "tcp")), []),
        (Want("nothing.example.com", usable=ALL), []),
        (Want("a.example.com", usable=("udp",), families=(4,)), [("udp", "192.0.2.1", 5060)]),
        (Want("a.example.com", secure=True, usable=ALL, families=(4,)), [("tls", "192.0.2.1", 5061)]),
        (Want("192.0.2.77", usable=ALL), [("udp", "192.0.2.77", 5060)]),
        (Want("[2001:DB8::7]", transport="tls", usable=ALL), [("tls", "2001:db8::7", 5061)]),
    ],
)
def test_what_the_uri_says(want: Want, expected: list[tuple[str, str, int]]) -> None:
    found = places(search(want, ZONE)[1])
    assert [(transport, port) for transport, _, port in found] == [(one, port) for one, _, port in expected]
    assert not expected or found[0] == expected[0]


def test_a_lone_dot_means_no_service_at_all() -> None:
    zone = {**ZONE, ("_sip._tcp.example.com", "SRV"): (Srv(0, 0, 0, ""),)}
    assert search(Want("example.com", transport="tcp", usable=ALL), zone)[1] == ()


def test_an_address_where_a_name_belongs() -> None:
    zone: Zone = {("_sip._udp.x", "SRV"): (Srv(0, 0, 5060, "192.0.2.5"),)}
    assert places(search(Want("x", transport="udp"), zone)[1]) == [("udp", "192.0.2.5", 5060)]


def test_answers_are_bounded() -> None:
    zone: Zone = {("_sip._udp.x", "SRV"): tuple(Srv(0, 0, 5060, f"h{number}.x") for number in range(500))}
    zone |= {
        (f"h{number}.x", "A"): tuple(Address(f"192.0.{number}.{last}") for last in range(200)) for number in range(50)
    }
    rounds, targets = search(Want("x", transport="udp", families=(4,)), zone)
    assert len(rounds[-1]) == 16
    assert len(targets) == 16


def test_order_by_priority_and_the_same_for_the_same_seed() -> None:
    records = [Srv(2, 50, 1, "c"), Srv(1, 10, 1, "a"), Srv(1, 90, 1, "b"), Srv(2, 0, 1, "d")]
    orders = {tuple(record.target for record in order_srv(records, str(seed))) for seed in range(300)}
    assert all(set(order[:2]) == {"a", "b"} and set(order[2:]) == {"c", "d"} for order in orders)
    assert {("a", "b"), ("b", "a")} == {order[:2] for order in orders}
    assert order_srv(records, "x") == order_srv(records, "x")
