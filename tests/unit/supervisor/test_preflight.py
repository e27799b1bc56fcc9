"""What would fail is said before anything starts."""

import socket

import pytest

from kak_server.config.loader import parse_settings
from kak_server.config.settings import Settings
from kak_server.model.errors import StartupError
from kak_server.supervisor import preflight
from kak_server.supervisor.preflight import Protocol, check_lab, check_server, check_worker, port_problem


def settings(*overrides: str) -> Settings:
    return parse_settings(
        "rooms: [{id: a, name: A, positions: 1}]\nqueues: [{id: q, name: Q, rooms: [a]}]\n", overrides=overrides
    )


def taken(kind: socket.SocketKind) -> socket.socket:
    holder = socket.socket(socket.AF_INET, kind)
    holder.bind(("127.0.0.1", 0))
    if kind is socket.SOCK_STREAM:
        holder.listen()
    return holder


@pytest.mark.parametrize(("protocol", "kind"), [("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)])
def test_a_taken_port(protocol: Protocol, kind: socket.SocketKind) -> None:
    with taken(kind) as holder:
        port = holder.getsockname()[1]
        (problem,) = port_problem(protocol, "127.0.0.1", port, "SIP", "sip.port")
    assert f"SIP cannot listen on {protocol.upper()} 127.0.0.1:{port}: another program has the port" in problem
    assert "sip.port" in problem
    assert list(port_problem(protocol, "127.0.0.1", port, "SIP", "sip.port")) == []


def test_an_address_of_another_machine() -> None:
    (problem,) = port_problem("tcp", "192.0.2.1", 5060, "SIP", "sip.host")
    assert "does not have that address" in problem


def test_port_zero_is_always_free() -> None:
    assert list(port_problem("tcp", "127.0.0.1", 0, "x", "y")) == []


def test_all_taken_ports_are_named_at_once() -> None:
    with taken(socket.SOCK_STREAM) as http, taken(socket.SOCK_DGRAM) as sip:
        ports = http.getsockname()[1], sip.getsockname()[1]
        with pytest.raises(StartupError) as caught:
            check_server(settings(f"server.http.port={ports[0]}", f"sip.port={ports[1]}", "sip.tcp=false"))
    assert "the console cannot listen" in str(caught.value)
    assert "SIP cannot listen" in str(caught.value)


def test_a_missing_library_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    check_worker()
    monkeypatch.setitem(preflight.LIBRARIES, "libnowhere.so.7", "libnowhere7")
    with pytest.raises(StartupError, match=r"libnowhere\.so\.7 is missing.*apt-get install libnowhere7"):
        check_worker()


def test_the_simulators_ports_count_in_the_lab() -> None:
    with taken(socket.SOCK_STREAM) as holder:
        url = f"http://127.0.0.1:{holder.getsockname()[1]}"
        made = settings("server.http.port=0", "sip.port=0", f"server.lab_simulator_url={url}")
        check_server(made)
        with pytest.raises(StartupError, match="the simulators' control cannot listen"):
            check_lab(made)
