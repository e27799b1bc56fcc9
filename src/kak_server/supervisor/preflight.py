"""What can be known to fail before anything is started, said in one line each."""

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from kak_server.config.settings import Settings
from kak_server.model.errors import StartupError

Protocol = Literal["tcp", "udp"]
LIBRARIES = {"libopus.so.0": "libopus0"}  # file -> Debian package


def check_server(settings: Settings) -> None:
    """Raise StartupError if the control process could not listen."""
    _raise_any([*_server_ports(settings)])


def check_worker() -> None:
    """Raise StartupError if the media worker misses a system library."""
    _raise_any([*_libraries()])


def check_lab(settings: Settings, *, simulators: bool = True) -> None:
    """Raise StartupError if any process of the lab could not start."""
    problems = [*_libraries(), *_server_ports(settings)]
    if simulators:
        problems += _simulator_ports(settings)
    _raise_any(problems)


def _raise_any(problems: list[str]) -> None:
    if problems:
        raise StartupError("\n  ".join(problems))


def _libraries() -> Iterator[str]:
    for name, package in LIBRARIES.items():
        try:
            ctypes.CDLL(name)
        except OSError:
            yield f"system library {name} is missing: install it (Debian: apt-get install {package})"


def _server_ports(settings: Settings) -> Iterator[str]:
    http = settings.server.http
    yield from port_problem("tcp", http.host, http.port, "the console", "server.http.port")
    for number, listener in enumerate(settings.sip_listeners):
        key = f"sip.listeners[{number}].port" if settings.sip.listeners else "sip.port"
        host, port, transports = listener.host, listener.port, listener.transports
        if "udp" in transports:
            yield from port_problem("udp", host, port, "SIP", key)
        if "tcp" in transports:
            yield from port_problem("tcp", host, port, "SIP over TCP", key)
        if "tls" in transports:
            yield from port_problem("tcp", host, listener.tls_port, "SIP over TLS", key)


def _simulator_ports(settings: Settings) -> Iterator[str]:
    urls = [("the simulators' control", settings.server.lab_simulator_url, "server.lab_simulator_url")]
    urls += [("the simulated radio network", gateway.url, "radio.gateways") for gateway in settings.radio.gateways]
    for what, url, key in urls:
        parts = urlsplit(url)
        if parts.hostname and parts.port:
            yield from port_problem("tcp", parts.hostname, parts.port, what, key)


def port_problem(protocol: Protocol, host: str, port: int, what: str, key: str) -> Iterator[str]:
    """Why `what` could not listen there, if it could not. Port 0 is any free one."""
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as probe:
        if protocol == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME-WAIT are no obstacle
        try:
            probe.bind((host, port))
        except OSError as error:
            where = f"{protocol.upper()} {host}:{port}"
            yield f"{what} cannot listen on {where}: {_reason(error)} ({key} in the configuration)"


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has the port; stop it, or choose another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "not permitted (ports below 1024 need a privilege)"
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))
